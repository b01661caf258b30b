"""Bad teaching (Chundawat et al. 2023), the BadT of "Machine Unlearning ... Using LoRA".

Forget set and a part of the retain set, shuffled together; the student follows a competent teacher
(the frozen original) on retained points and an incompetent one (untrained, of its own seed) on
forgotten ones. That paper prints neither temperature nor part; the defaults are those of the
reference code (vikram2000b/bad-teaching-unlearning), whose Adam is AdamW without decay.
"""

from palimpsest.plans.losses import Reduction
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.plans.teachers import TwoTeachers
from palimpsest.values import BatchNorm, Count, Divisor, Epochs, NotNegative, Portion


def plan(
    *,
    lr: NotNegative = 1e-4,
    epochs: Epochs = 1,
    batch: Count = 256,
    retain_share: Portion = 0.3,
    temperature: Divisor = 1.0,
    reduction: Reduction = "mean",
    weight_decay: NotNegative = 0.0,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the forget set and the `retain_share` of the retain set."""
    loss = TwoTeachers(temperature, reduction)
    follow = Phase((Term("train", batch, loss, retain_share=retain_share),), lr)
    return Plan(((follow,),) * epochs, AdamW(weight_decay), batch_norm=batch_norm)
