"""The loss of two teachers: a competent one of retained points, an untrained one of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from palimpsest.plans.alignment import average, spread
from palimpsest.plans.losses import Batch, Reduction

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TwoTeachers:
    """KL(teacher || student) at a temperature, each point against its own teacher.

    Chundawat et al. 2023, "Can Bad Teaching Induce Forgetting?": the teacher of a retained point is
    the original, that of a forgotten point an untrained network. As in their code, no T^2.

    Args:
        temperature: of teacher and student.
        reduction: batchmean is the mean over points (or next tokens that are not ignored); mean,
            the default of torch's kl_div and so theirs, divides by the number of classes as well.
    """

    temperature: float = 1.0
    reduction: Reduction = "mean"
    needs: ClassVar[frozenset[str]] = frozenset({"teacher", "incompetent", "forget"})

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.teacher is not None and batch.incompetent is not None
        assert batch.forget is not None
        forget = spread(batch.forget, batch.logits)
        teacher = batch.incompetent.where(forget, batch.teacher)
        target = (teacher / self.temperature).log_softmax(-1)
        student = (batch.logits / self.temperature).log_softmax(-1)
        kl = (target.exp() * (target - student)).sum(-1)
        mean = average(kl, batch.labels >= 0)
        return mean / batch.logits.shape[-1] if self.reduction == "mean" else mean
