"""SCRUB (Kurmanji et al. 2023), as "Ascent Fails to Forget" runs it (Appendix J).

The teacher is the frozen original in evaluation mode. Epoch t: if t <= ascent_epochs (the paper's
msteps) a pass over the forget set that ascends KL_T(teacher || student), then a pass over the
retain set that descends gamma * CE + alpha * KL_T. The learning rate falls to a tenth once past
each of the epochs 3, 5 and 9.
"""

from typing import Literal

from palimpsest.losses import Distillation
from palimpsest.phases import Epoch, Phase, Schedule

DECAY_EPOCHS = (3, 5, 9)


def schedule(
    lr: float,
    epochs: int,
    ascent_epochs: int,
    forget_batch: int = 64,
    retain_batch: int = 64,
    alpha: float = 0.001,
    gamma: float = 0.99,
    temperature: float = 4.0,
    batch_norm: Literal["train", "frozen"] = "train",
) -> Schedule:
    """`epochs` passes over the retain set, the first `ascent_epochs` of them after an ascent."""
    away = Distillation(alpha=1.0, gamma=0.0, temperature=temperature)
    near = Distillation(alpha=alpha, gamma=gamma, temperature=temperature)

    def epoch(t: int) -> Epoch:
        rate = lr * 0.1 ** sum(t > past for past in DECAY_EPOCHS)
        descent = Phase("retain", retain_batch, rate, loss=near)
        ascent = Phase("forget", forget_batch, rate, loss=away, ascend=True)
        return (ascent, descent) if t <= ascent_epochs else (descent,)

    return Schedule(epochs=tuple(epoch(t) for t in range(1, epochs + 1)), batch_norm=batch_norm)
