"""A method is a schedule of phases; training from scratch is one as well.

A phase is one pass over one split. Because phases are plain data, two settings of a method that
begin alike are recognised by comparing their phases (training/sweep.py).
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from palimpsest.losses import CrossEntropy, Loss


@dataclass(frozen=True)
class Phase:
    """One pass over a split in batches; the last, smaller batch is kept.

    Args:
        split: "forget" or "retain".
        batch_size: points per batch and model.
        lr: learning rate of the first step.
        loss: what is descended, or ascended.
        ascend: whether the step goes up the gradient of the loss.
        lr_end: the learning rate that the pass moves to in equal steps; None keeps `lr`.
    """

    split: Literal["forget", "retain"]
    batch_size: int
    lr: float
    loss: Loss = field(default_factory=CrossEntropy)
    ascend: bool = False
    lr_end: float | None = None

    def fitted(self, points: int) -> "Phase":
        """The same phase with a batch no larger than its split of `points` points."""
        return replace(self, batch_size=min(self.batch_size, points))


Epoch = tuple[Phase, ...]


@dataclass(frozen=True)
class Schedule:
    """Epochs of phases, run with stochastic gradient descent.

    Args:
        epochs: the phases of each epoch, in order.
        momentum, weight_decay: of SGD.
        batch_norm: "train" moves the running statistics and normalises by the batch (the public
            unlearning code); "frozen" keeps the statistics of the starting model.
    """

    epochs: tuple[Epoch, ...]
    momentum: float = 0.0
    weight_decay: float = 0.0
    batch_norm: Literal["train", "frozen"] = "train"

    def passes(self, sizes: dict[str, int]) -> int:
        """Points whose gradient is taken, one model, over the whole schedule."""
        return sum(sizes[phase.split] for epoch in self.epochs for phase in epoch)


def training_schedule(
    *,
    epochs: int,
    batch_size: int,
    peak_lr: float,
    peak_epoch: float,
    momentum: float,
    weight_decay: float,
) -> Schedule:
    """Training on the retain set with the triangular learning rate of "Ascent", Appendix J.

    The learning rate rises linearly from 0 to `peak_lr` at `peak_epoch` and falls to 0 at the end.
    A peak inside an epoch is rounded by that epoch's straight line.
    """

    def lr(epoch: float) -> float:
        if epoch <= peak_epoch:
            return peak_lr * epoch / peak_epoch if peak_epoch > 0 else peak_lr
        return peak_lr * (epochs - epoch) / (epochs - peak_epoch)

    return Schedule(
        epochs=tuple(
            (Phase("retain", batch_size, lr(e), lr_end=lr(e + 1)),) for e in range(epochs)
        ),
        momentum=momentum,
        weight_decay=weight_decay,
    )
