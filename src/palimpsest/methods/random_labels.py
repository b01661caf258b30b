"""Random labels, in the sequential form of public code (SalUn, Fan et al. 2024; there RL).

Each epoch is a pass over the forget set with labels drawn anew, among all classes, so that a point
may keep its own, and then a pass over the retain set with true labels. With the preparation
`salun_mask` this is SalUn.
"""

from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, Momentum, NotNegative, WrongLabel


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    wrong_label: WrongLabel = "random_including",
    redraw: bool = True,
    forget_batch: Count = 64,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` times a pass over the forget set, then one over the retain set."""
    wrong = Term("forget", forget_batch, targets=wrong_label, redraw=redraw)
    phases = (Phase((wrong,), lr), Phase((Term("retain", retain_batch),), lr))
    return Plan((phases,) * epochs, Sgd(momentum, weight_decay), batch_norm=batch_norm)
