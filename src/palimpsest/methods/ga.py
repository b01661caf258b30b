"""Gradient Ascent ("Ascent Fails to Forget", Section 3 and Appendix J).

Each epoch is one pass over the forget set that ascends the cross entropy. The public code of
2025 (RoyRin/data-unlearning-bench) uses plain SGD (no momentum, no decay, constant learning rate)
with BatchNorm in train mode; that of 2026 (easydub/EasyDUB-code) has no ascent. With adamw, without
decay as well, it is the NegGrad of "Machine Unlearning ... by Residual Feature Alignment Using
LoRA".
"""

from palimpsest.plans.optimisers import optimiser_of
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, NotNegative, Optimiser


def plan(
    *,
    lr: NotNegative,
    epochs: Epochs,
    forget_batch: Count = 64,
    batch_norm: BatchNorm = "train",
    optimiser: Optimiser = "sgd",
) -> Plan:
    """`epochs` ascending passes over the forget set."""
    ascent = Phase((Term("forget", forget_batch, weight=-1.0),), lr)
    return Plan(((ascent,),) * epochs, optimiser_of(optimiser), batch_norm=batch_norm)
