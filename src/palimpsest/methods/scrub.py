"""SCRUB (Kurmanji et al. 2023), as "Ascent Fails to Forget" runs it (Appendix J).

The teacher is the frozen original in evaluation mode. Epoch t: if t <= ascent_epochs (the paper's
msteps) a pass over the forget set that ascends KL_T(teacher || student), then a pass over the
retain set that descends gamma * CE + alpha * KL_T. The learning rate falls to a tenth once past
each of the epochs 3, 5 and 9. The optimiser, sgd or adamw, has neither momentum nor decay.
"""

from palimpsest.files import SettingError
from palimpsest.plans.losses import Distillation
from palimpsest.plans.optimisers import optimiser_of
from palimpsest.plans.plan import Epoch, Phase, Plan, Term
from palimpsest.values import BatchNorm, Count, Divisor, Epochs, NotNegative, Optimiser

DECAY_EPOCHS = (3, 5, 9)


def plan(
    *,
    lr: NotNegative,
    epochs: Epochs,
    ascent_epochs: Epochs,
    forget_batch: Count = 64,
    retain_batch: Count = 64,
    alpha: NotNegative = 0.001,
    gamma: NotNegative = 0.99,
    temperature: Divisor = 4.0,
    batch_norm: BatchNorm = "train",
    optimiser: Optimiser = "sgd",
) -> Plan:
    """`epochs` passes over the retain set, the first `ascent_epochs` of them after an ascent."""
    if ascent_epochs > epochs:
        raise SettingError("ascent_epochs", f"is {ascent_epochs}", f"at most epochs, {epochs} here")
    away = Term("forget", forget_batch, Distillation(1.0, 0.0, temperature), weight=-1.0)
    near = Term("retain", retain_batch, Distillation(alpha, gamma, temperature))

    def epoch(t: int) -> Epoch:
        rate = lr * 0.1 ** sum(t > past for past in DECAY_EPOCHS)
        ascent, descent = Phase((away,), rate), Phase((near,), rate)
        return (ascent, descent) if t <= ascent_epochs else (descent,)

    passes = tuple(epoch(t) for t in range(1, epochs + 1))
    return Plan(passes, optimiser_of(optimiser), batch_norm=batch_norm)
