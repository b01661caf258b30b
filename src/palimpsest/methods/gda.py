"""Gradient Descent/Ascent ("Ascent Fails to Forget", Section 3 and Appendix J).

Epoch t: if t <= ascent_epochs a full ascending pass over the forget set, then a full descending
pass over the retain set, both of the cross entropy.
"""

from typing import Literal

from palimpsest.phases import Phase, Schedule


def schedule(
    lr: float,
    epochs: int,
    ascent_epochs: int,
    forget_batch: int = 64,
    retain_batch: int = 64,
    batch_norm: Literal["train", "frozen"] = "train",
) -> Schedule:
    """`epochs` passes over the retain set, the first `ascent_epochs` of them after an ascent."""
    ascent = Phase("forget", forget_batch, lr, ascend=True)
    descent = Phase("retain", retain_batch, lr)
    return Schedule(
        epochs=tuple((ascent, descent) if t < ascent_epochs else (descent,) for t in range(epochs)),
        batch_norm=batch_norm,
    )
