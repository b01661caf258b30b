"""Residual feature alignment ("Machine Unlearning ... by Residual Feature Alignment Using LoRA").

Adapters beside the frozen weights learn to leave the features of retained points as they are and
to move those of forgotten points to the retained mean (`plans/alignment.py`, eqs. 4 to 6); merged,
they leave an ordinary network. The paper prints learning rate (5e-5, AdamW), batch (128, texts 32)
and epochs (1); the other defaults are ours:

rank 8: where LoRA's public code starts; at most the smaller side of each adapted layer.
layers null: all convolutions and linear layers but the head, the paper's "intermediate layers".
scale 1: its x + BAx.
teacher disabled: to the last bit the second network of its Figure 4, without a second network.
alpha, beta, lam 1: no term is preferred; gamma parts the two kinds.
mu null: lam * forgotten / retained points of the batch, so that each forgotten point weighs in
  eq. 5 as much as a retained one. With 1, equal weights, 16 of them weigh as much as 112.
gamma 0.5: the middle of its Figure 5.
norm l2: eqs. 1, 2 and 4; Section IV.A alone squares it.
mean_over batch: "all D_r samples in a batch", as Algorithm 1.
forget_per_batch 16: of 128, so that every step has both kinds and a pass meets all of one class of
  ten; null: as printed, all points shuffled, where 128 of 50,000 leave most batches without any.
weight_decay 0: decay pulls a residual to 0, which forgotten points have to leave.
batch_norm frozen: moving statistics would be a residual that no adapter made, and outlive merging.

A network's dropout stays on in the student, as in every method, and is off in the teacher.
"""

from palimpsest.files import SettingError
from palimpsest.plans.alignment import MeanOver, Norm, ResidualAlignment
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.values import (
    BatchNorm,
    Count,
    Epochs,
    NotNegative,
    Portion,
    Positive,
    Teacher,
    Text,
    Weight,
)


def plan(
    *,
    lr: NotNegative = 5e-5,
    epochs: Epochs = 1,
    batch: Count = 128,
    forget_per_batch: Count | None = 16,
    rank: Count = 8,
    layers: Text | None = None,
    scale: Positive = 1.0,
    teacher: Teacher = "disabled",
    alpha: Weight = 1.0,
    beta: Weight = 1.0,
    lam: Weight = 1.0,
    mu: Weight | None = None,
    gamma: Portion = 0.5,
    norm: Norm = "l2",
    mean_over: MeanOver = "batch",
    weight_decay: NotNegative = 0.0,
    batch_norm: BatchNorm = "frozen",
) -> Plan:
    """`epochs` passes over the retain set with forget points in each batch, or over all points."""
    if forget_per_batch is not None and forget_per_batch >= batch:
        allowed = f"below batch, {batch} here, so that retained points are left in it; or null"
        raise SettingError("forget_per_batch", f"is {forget_per_batch}", allowed)
    loss = ResidualAlignment(alpha, beta, lam, mu, gamma, norm, mean_over)
    align = Phase((Term("train", batch, loss, forget_per_batch=forget_per_batch),), lr)
    adapters = {
        "rank": rank, "layers": layers, "scale": scale, "teacher": teacher, "mean_over": mean_over,
    }  # fmt: skip
    return Plan(
        ((align,),) * epochs,
        AdamW(weight_decay),
        Prepare("lora", tuple(adapters.items())),
        batch_norm,
    )
