"""Fine-tuning: the original is trained on, on the retain set alone.

The baseline of "Understanding Fine-tuning in Approximate Unlearning", which prints neither learning
rate nor epochs; the defaults are those of its lineage (Unlearn-Sparse, Liu et al. 2024).
"""

from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, Momentum, NotNegative


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the retain set that descend the cross entropy."""
    descent = Phase((Term("retain", retain_batch),), lr)
    return Plan(((descent,),) * epochs, Sgd(momentum, weight_decay), batch_norm=batch_norm)
