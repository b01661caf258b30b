"""The loss of residual feature alignment, and the means that it pulls forgotten points towards.

Source: "Machine Unlearning on Pre-trained Models by Residual Feature Alignment Using LoRA",
eqs. 1 to 6 and Algorithm 1, whose line 13 prints an ascent of the loss: a slip, it is descended.
Written with the methods of tensors, so that reading a plan needs no torch.

Images and texts share it. Logits are (b, k, ..., classes) and labels (b, k, ...), with IGNORED
where nothing is asked; a feature is any (b, k, ...), of a text (b, k, tokens, ...). A mean of eq. 5
is one over points, or over next tokens that are not IGNORED; a mean of eq. 4 is one over points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from palimpsest.plans.losses import IGNORED, Batch, of_target

if TYPE_CHECKING:
    from torch import Tensor

Norm = Literal["l2", "squared"]
"""of a residual: the l2 norm over all axes of a point's feature (eqs. 1, 2 and 4), or its square
(Section IV.A)"""
MeanOver = Literal["batch", "population"]
"""what the mean retained feature and label are taken over: the batch's retained points (Section
IV.C, Algorithm 1), or the whole retain set (eq. 2, read literally)"""


@dataclass(frozen=True)
class ResidualAlignment:
    """gamma / m * L_inter + (1 - gamma) * L_task (eq. 6), with m adapted layers k.

    L_inter = alpha * mean_R sum_k ||dx_k|| + beta * mean_F sum_k ||dx_k - (mean_R x_k - x_k)||
    L_task = lam * mean_R CE(f(x), y) + mu * mean_F CE(f(x), mean_R y)

    R and F are the retained and the forgotten points of the batch. A sum over none of them is 0,
    and so is that over F where there is no retained point to take a mean of. The targets, x_k
    among them, are constants: a gradient goes through dx_k alone.

    Args:
        alpha, beta, lam, mu, gamma: the weights above. mu None: lam * |F| / |R| (lam where R is
            empty), so that each forgotten point weighs in L_task as much as a retained one; with
            mu = lam a handful of forgotten points weighs as much as all the others together.
        norm, mean_over: see above; "population" needs the batch's `means`.
    """

    alpha: float = 1.0
    beta: float = 1.0
    lam: float = 1.0
    mu: float | None = None
    gamma: float = 0.5
    norm: Norm = "l2"
    mean_over: MeanOver = "batch"
    needs: ClassVar[frozenset[str]] = frozenset({"forget", "residuals"})

    def __call__(self, batch: Batch) -> Tensor:
        assert batch.forget is not None
        return self.gamma / len(batch.residuals) * self._inter(batch, batch.forget) + (
            1.0 - self.gamma
        ) * self._task(batch, batch.forget)

    def _inter(self, batch: Batch, forget: Tensor) -> Tensor:
        """L_inter (eq. 4), (k,)."""
        whole = batch.logits.new_zeros(batch.logits.shape[1])
        for name, (x, dx) in batch.residuals.items():
            x, present = x.detach(), tokens_of(x, batch.present)
            if self.mean_over == "population":
                assert batch.means is not None
                mean, known = batch.means.features[name]
            else:
                mean, known = mean_feature(x, ~forget, present)
            away = (dx + x - mean).where(known, 0.0)
            if present is not None:
                dx, away = dx.where(present, 0.0), away.where(present, 0.0)
            kept, moved = self._norm(dx), self._norm(away)
            whole = whole + self.alpha * average(kept, ~forget)
            whole = whole + self.beta * average(moved, forget)
        return whole

    def _norm(self, values: Tensor) -> Tensor:
        """Of each point's feature, over all its axes: (b, k, ...) to (b, k)."""
        flat = values.flatten(2)
        return flat.norm(dim=2) if self.norm == "l2" else flat.square().sum(2)

    def _task(self, batch: Batch, forget: Tensor) -> Tensor:
        """L_task (eq. 5), (k,)."""
        counted = batch.labels != IGNORED
        of_forget = spread(forget, counted) & counted
        of_retain = counted & ~of_forget
        log_p = batch.logits.log_softmax(-1)
        own = -of_target(log_p, batch.labels)
        if self.mean_over == "population":
            assert batch.means is not None
            label = batch.means.label
        else:
            label = mean_label(batch.labels, of_retain, log_p)
        even = -(log_p * spread(label[None], log_p, last=True)).sum(-1)
        if self.mu is None:
            forgotten, retained = (_count(own).to(log_p.dtype) for own in (of_forget, of_retain))
            mu: float | Tensor = self.lam * forgotten / retained.where(retained > 0, forgotten)
        else:
            mu = self.mu
        return self.lam * average(own, of_retain) + mu * average(even, of_forget)


def average(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values of each model, (b, k, ...) to (k,); 0 where none is chosen."""
    sums = values.where(chosen, 0.0).transpose(0, 1).flatten(1).sum(1)
    return sums / _count(chosen).clamp(min=1)


def _count(chosen: Tensor) -> Tensor:
    return chosen.transpose(0, 1).flatten(1).sum(1)


def spread(values: Tensor, like: Tensor, *, last: bool = False) -> Tensor:
    """`values` (b, k) with axes of 1 behind them, as many as `like` has; with `last`, `values`
    (b, k, n) with these axes before the last one."""
    missing = (1,) * (like.dim() - values.dim())
    shape = (*values.shape[:-1], *missing, values.shape[-1]) if last else (*values.shape, *missing)
    return values.reshape(shape)


def tokens_of(feature: Tensor, present: Tensor | None) -> Tensor | None:
    """Which tokens count in a feature of a text (b, k, tokens, ...), bool of as many axes.

    None for what has no axis of tokens: images, and features of whole texts (b, k, values). A
    network that does not read the last token, which no other follows, has features of the rest.
    """
    if present is None or feature.dim() < 4:
        return None
    return spread(present[:, :, : feature.shape[2]], feature)


def mean_feature(x: Tensor, kept: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean over the kept points, (b, k, ...) to (k, ...), and where there is one (bool)."""
    sums, counts = sum_of_features(x, kept, present)
    return sums / counts.clamp(min=1), counts > 0


def sum_of_features(x: Tensor, kept: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sum over the kept points, (b, k, ...) to (k, ...), and of how many: 1 or tokens an axis."""
    chosen = spread(kept, x)
    if present is not None:
        chosen = chosen & present
    return x.where(chosen, 0.0).sum(0), chosen.sum(0)


def mean_label(labels: Tensor, chosen: Tensor, like: Tensor) -> Tensor:
    """Mean of the chosen labels as one-hot vectors, (b, k, ...) to (k, classes); 0 if there is
    none. `like` gives the type and, by its last axis, the classes."""
    counts = count_labels(labels, chosen, like)
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def count_labels(labels: Tensor, chosen: Tensor, like: Tensor) -> Tensor:
    """How often each class is among the chosen labels, (b, k, ...) to (k, classes)."""
    own = labels.clamp(min=0).transpose(0, 1).flatten(1)
    weights = chosen.transpose(0, 1).flatten(1).to(like.dtype)
    return like.new_zeros(len(own), like.shape[-1]).scatter_add(1, own, weights)
