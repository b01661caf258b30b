"""KL-FT ("Understanding Fine-tuning in Approximate Unlearning", eq. 7).

CE(retain set) + alpha * KL between wrong labels of the forget set and the model's probabilities.
With labels that are not smoothed and the mean over points this is ICE-FT to the last step; which
direction, reduction and smoothing the paper used is not printed, so they are settings.
"""

from palimpsest.files import SettingError
from palimpsest.methods._relabelling import joint_phase
from palimpsest.plans.losses import Direction, LabelDivergence, Reduction
from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Plan, Term
from palimpsest.values import (
    BatchNorm,
    Count,
    Epochs,
    Forward,
    Fraction,
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
    kl_direction: Direction = "labels||model",
    kl_reduction: Reduction = "mean",
    target_smoothing: Fraction = 0.0,
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
    if kl_direction == "model||labels" and target_smoothing == 0.0:
        allowed = "above 0 with kl_direction model||labels, which is infinite without"
        raise SettingError("target_smoothing", "is 0", allowed)
    divergence = LabelDivergence(kl_direction, kl_reduction, target_smoothing)
    kept = Term("retain", retain_batch)
    wrong = Term("forget", forget_batch, divergence, alpha, wrong_label, redraw)
    phase = joint_phase(kept, wrong, lr, forward)
    return Plan(((phase,),) * epochs, Sgd(momentum, weight_decay), batch_norm=batch_norm)
