"""ICE-FT ("Understanding Fine-tuning in Approximate Unlearning", Section 5): CE-FT turned round.

CE(retain set) + alpha * CE(forget set, wrong labels). It is KL-FT with labels that are not smoothed
and the mean over points. The default alpha is that of Table 4 whose RA is nearest to Table 2's.
"""

from palimpsest.methods._relabelling import joint_phase
from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Plan, Term
from palimpsest.values import (
    BatchNorm,
    Count,
    Epochs,
    Forward,
    Momentum,
    NotNegative,
    Weight,
    WrongLabel,
)


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    alpha: Weight = 0.1,
    wrong_label: WrongLabel = "shift",
    redraw: bool = False,
    forward: Forward = "retain_first",
    forget_batch: Count = 64,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the retain set, each step with a batch of the forget set beside it."""
    kept = Term("retain", retain_batch)
    wrong = Term("forget", forget_batch, weight=alpha, targets=wrong_label, redraw=redraw)
    phase = joint_phase(kept, wrong, lr, forward)
    return Plan(((phase,),) * epochs, Sgd(momentum, weight_decay), batch_norm=batch_norm)
