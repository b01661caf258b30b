"""Fine-tuning: the original is trained on, on the retain set alone.

The baseline of "Understanding Fine-tuning in Approximate Unlearning", which prints neither learning
rate nor epochs; the defaults are those of its lineage (Unlearn-Sparse, Liu et al. 2024). With adamw
it is the Finetune of "Machine Unlearning ... by Residual Feature Alignment Using LoRA".
"""

from palimpsest.plans.optimisers import optimiser_of
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, Momentum, NotNegative, Optimiser


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
    optimiser: Optimiser = "sgd",
) -> Plan:
    """`epochs` passes over the retain set that descend the cross entropy.

    `momentum` is that of sgd; adamw does not read it.
    """
    descent = Phase((Term("retain", retain_batch),), lr)
    steps = optimiser_of(optimiser, momentum=momentum, weight_decay=weight_decay)
    return Plan(((descent,),) * epochs, steps, batch_norm=batch_norm)
