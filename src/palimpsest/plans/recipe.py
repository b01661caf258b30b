"""Training from scratch, as a plan."""

from palimpsest.files import SettingError
from palimpsest.plans.optimisers import optimiser_of
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.values import Count, Epochs, Momentum, NotNegative, Optimiser, Positive


def recipe(
    *,
    epochs: Epochs,
    batch_size: Count,
    peak_lr: Positive,
    peak_epoch: Positive,
    momentum: Momentum,
    weight_decay: NotNegative,
    optimiser: Optimiser = "sgd",
) -> Plan:
    """Training on the retain set with the triangular learning rate of "Ascent", Appendix J.

    The learning rate rises linearly from 0 to `peak_lr` at `peak_epoch` and falls to 0 at the end.
    A peak inside an epoch is rounded by that epoch's straight line. For adamw the same triangle is
    warm-up and linear decay, and `momentum` is not read. SettingError for a peak that no epoch
    comes after.
    """
    if peak_epoch >= epochs:
        raise SettingError("peak_epoch", f"is {peak_epoch}", f"below epochs, {epochs} here")

    def lr(epoch: float) -> float:
        if epoch <= peak_epoch:
            return peak_lr * epoch / peak_epoch
        return peak_lr * (epochs - epoch) / (epochs - peak_epoch)

    descent = (Term("retain", batch_size),)
    return Plan(
        epochs=tuple((Phase(descent, lr(e), lr_end=lr(e + 1)),) for e in range(epochs)),
        optimiser=optimiser_of(optimiser, momentum=momentum, weight_decay=weight_decay),
    )
