"""Gradient Descent/Ascent ("Ascent Fails to Forget", Section 3 and Appendix J).

Epoch t: if t <= ascent_epochs a full ascending pass over the forget set, then a full descending
pass over the retain set, both of the cross entropy.
"""

from palimpsest.files import SettingError
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Epochs, NotNegative


def plan(
    *,
    lr: NotNegative,
    epochs: Epochs,
    ascent_epochs: Epochs,
    forget_batch: Count = 64,
    retain_batch: Count = 64,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the retain set, the first `ascent_epochs` of them after an ascent."""
    if ascent_epochs > epochs:
        raise SettingError("ascent_epochs", f"is {ascent_epochs}", f"at most epochs, {epochs} here")
    ascent = Phase((Term("forget", forget_batch, weight=-1.0),), lr)
    descent = Phase((Term("retain", retain_batch),), lr)
    return Plan(
        epochs=tuple((ascent, descent) if t < ascent_epochs else (descent,) for t in range(epochs)),
        batch_norm=batch_norm,
    )
