"""Gradient Ascent ("Ascent Fails to Forget", Section 3 and Appendix J).

Each epoch is one pass over the forget set that ascends the cross entropy. The public code uses
plain SGD (no momentum, no decay, constant learning rate) with BatchNorm in train mode.
"""

from typing import Literal

from palimpsest.phases import Phase, Schedule


def schedule(
    lr: float,
    epochs: int,
    forget_batch: int = 64,
    batch_norm: Literal["train", "frozen"] = "train",
) -> Schedule:
    """`epochs` ascending passes over the forget set."""
    ascent = Phase("forget", forget_batch, lr, ascend=True)
    return Schedule(epochs=((ascent,),) * epochs, batch_norm=batch_norm)
