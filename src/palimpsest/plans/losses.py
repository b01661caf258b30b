"""Losses of a batch, one value per model; plain data, so that two phases can be compared.

They are written with the methods of tensors, so that reading a plan needs no torch. Each is a mean
over the points of the batch; for models that predict the next token over its tokens, all texts
together, so that a long text weighs more than a short one, as in perplexity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    Residuals = Mapping[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Means:
    """Over the whole retain set; k models.

    Args:
        features: mean pre-trained feature of each adapted layer, by name, (k, ...), and where it
            is known, bool of a shape that spreads to it: in a text, where a retained one reaches.
        label: mean label as a distribution, (k, classes).
    """

    features: Mapping[str, tuple[Tensor, Tensor]]
    label: Tensor


IGNORED = -1
"""the target of what is not asked: a next token that is padding"""


@dataclass(frozen=True)
class Batch:
    """What a loss may look at; b points, k models.

    Args:
        logits: of the models in training, (b, k, classes), or (b, k, tokens, vocabulary) of the
            next tokens.
        labels: the term's targets, (b, k) or (b, k, tokens); IGNORED ones count nowhere.
        teacher: logits of the frozen starting models, where the loss needs "teacher".
        features: outputs of the layers that the loss names in `layers`, by name: (b, k, ...).
        incompetent: logits of untrained models, where it needs "incompetent".
        forget: which points are of the forget set, bool (b, k), where it needs "forget".
        residuals: where it needs "residuals", for each adapted layer by name its pre-trained
            feature x and what the adapters make of it, the residual dx, both (b, k, ...).
        means: over the whole retain set, where the preparation worked them out.
        present: where it needs "residuals", which tokens of a text do not only fill it up: bool
            (b, k, length). None: images, or nothing is filled up.
    """

    logits: Tensor
    labels: Tensor
    teacher: Tensor | None = None
    features: Mapping[str, Tensor] = field(default_factory=dict)
    incompetent: Tensor | None = None
    forget: Tensor | None = None
    residuals: Residuals = field(default_factory=dict)
    means: Means | None = None
    present: Tensor | None = None


class Loss(Protocol):
    """What a term weighs; `needs` names what the batch has to hold: "teacher", "features",
    "incompetent", "forget", "residuals"."""

    needs: ClassVar[frozenset[str]]

    def __call__(self, batch: Batch) -> Tensor:
        """The mean over the points of the batch, or over their tokens, (k,)."""
        ...


def of_target(scores: Tensor, labels: Tensor) -> Tensor:
    """The score of each target: (..., classes), (...) to (...); of IGNORED ones any."""
    return scores.gather(-1, _places(labels)).squeeze(-1)


def mean(values: Tensor, labels: Tensor) -> Tensor:
    """Of each model: (b, k) to (k,), or (b, k, tokens) over the tokens that are not IGNORED."""
    if values.dim() == 2:
        return values.mean(0)
    asked = labels != IGNORED
    return values.masked_fill(~asked, 0.0).sum((0, 2)) / asked.sum((0, 2))


def _places(labels: Tensor) -> Tensor:
    """Targets as an index of scores; classes are left as they are."""
    return (labels if labels.dim() == 2 else labels.clamp(min=0)).unsqueeze(-1)


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross entropy."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, batch: Batch) -> Tensor:
        return -mean(of_target(batch.logits.log_softmax(-1), batch.labels), batch.labels)


@dataclass(frozen=True)
class Distillation:
    """gamma * CE + alpha * KL_T with KL_T = T^2 * mean KL(teacher || student) at temperature T.

    The loss of SCRUB (Kurmanji et al. 2023): gamma = 0, alpha = 1 is its ascent on the forget set.
    """

    alpha: float
    gamma: float
    temperature: float
    needs: ClassVar[frozenset[str]] = frozenset({"teacher"})

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.teacher is not None
        student = (batch.logits / self.temperature).log_softmax(-1)
        target = (batch.teacher / self.temperature).log_softmax(-1)
        kl = (target.exp() * (target - student)).sum(-1)
        kl = mean(kl, batch.labels) * self.temperature**2
        if self.gamma == 0.0:
            return self.alpha * kl
        return self.alpha * kl + self.gamma * CrossEntropy()(batch)


Direction = Literal["labels||model", "model||labels"]
Reduction = Literal["batchmean", "mean"]


@dataclass(frozen=True)
class LabelDivergence:
    """Mean KL divergence between the labels, as distributions, and the model's probabilities.

    The loss of KL-FT ("Understanding Fine-tuning", eq. 7), which leaves these choices open.

    Args:
        direction: labels||model is cross entropy less a constant: with `smoothing` 0 it is the
            cross entropy itself. model||labels needs `smoothing` above 0.
        reduction: batchmean is the mean over points; mean, the default of torch's kl_div, divides
            by the number of classes, or of kinds of tokens, as well.
        smoothing: part of a label's probability that is spread evenly over all classes.
    """

    direction: Direction = "labels||model"
    reduction: Reduction = "batchmean"
    smoothing: float = 0.0
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, batch: Batch) -> Tensor:
        classes = batch.logits.shape[-1]
        model = batch.logits.log_softmax(-1)
        label = batch.logits.new_zeros(batch.logits.shape)
        label = label.scatter(-1, _places(batch.labels), 1.0 - self.smoothing)
        label = label + self.smoothing / classes
        if self.direction == "labels||model":
            kl = label.xlogy(label) - label * model
        else:
            kl = model.exp() * (model - label.log())
        value = mean(kl.sum(-1), batch.labels)
        return value / classes if self.reduction == "mean" else value
