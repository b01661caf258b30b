"""Losses of student logits, labels and, where wanted, a teacher's logits; one value per model.

Shapes: logits and teacher (batch, k, classes), labels (batch, k), result (k,), the mean over the
batch. Losses are plain data (frozen dataclasses), so that two phases can be compared.
"""

from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor


class Loss(Protocol):
    """What a phase may minimise or, when it ascends, maximise."""

    @property
    def needs_teacher(self) -> bool: ...

    def __call__(self, logits: Tensor, labels: Tensor, teacher: Tensor | None) -> Tensor: ...


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross entropy."""

    needs_teacher: bool = False

    def __call__(self, logits: Tensor, labels: Tensor, teacher: Tensor | None = None) -> Tensor:
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return losses.reshape(labels.shape).mean(0)


@dataclass(frozen=True)
class Distillation:
    """gamma * CE + alpha * KL_T with KL_T = T^2 * mean KL(teacher || student) at temperature T.

    The loss of SCRUB (Kurmanji et al. 2023): gamma = 0, alpha = 1 is its ascent on the forget set.
    """

    alpha: float
    gamma: float
    temperature: float
    needs_teacher: bool = True

    def __call__(self, logits: Tensor, labels: Tensor, teacher: Tensor | None) -> Tensor:
        if teacher is None:
            raise ValueError("distillation needs the teacher's logits")
        t = self.temperature
        student = F.log_softmax(logits / t, dim=-1)
        target = F.log_softmax(teacher / t, dim=-1)
        kl = F.kl_div(student, target, reduction="none", log_target=True).sum(-1).mean(0) * t**2
        if self.gamma == 0.0:
            return self.alpha * kl
        return self.alpha * kl + self.gamma * CrossEntropy()(logits, labels)
