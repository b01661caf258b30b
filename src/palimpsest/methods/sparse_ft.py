"""Sparse fine-tuning: FT with a penalty on the sum of the weights' absolute values.

Liu et al. 2024 (Unlearn-Sparse): the penalty's weight falls linearly from `l1` to 0 over the
epochs. The paper "Understanding Fine-tuning" names the method and prints no setting.
"""

from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, Momentum, NotNegative, Weight


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    l1: Weight = 2e-4,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the retain set; epoch t of T, from 0, weighs l1 * (1 - t / T)."""
    descent = (Term("retain", retain_batch),)
    return Plan(
        epochs=tuple((Phase(descent, lr, l1=l1 * (1 - t / epochs)),) for t in range(epochs)),
        optimiser=Sgd(momentum, weight_decay),
        batch_norm=batch_norm,
    )
