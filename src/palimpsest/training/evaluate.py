"""A stack of models on any points: its logits, and the statistics that go into a record.

A text of which the next tokens are predicted has one value of each statistic, as any point has:

- `margin`: the mean over its tokens of the log-odds of the true next one. The mean, not the sum,
  which grows with the length and runs into the clip of KLoM.
- `correct`: whether at least half of its next tokens are the most probable ones. Accuracy is so the
  share of texts that are more right than wrong, not the share of tokens.
- `token_loss`, `tokens`: the sum of the cross entropies of its next tokens, and how many they are.
- `entropy`: the mean over its tokens of the entropy of the TOP most probable ones (Residual Feature
  Alignment, Section V.C, which does not say whether these probabilities are divided by their sum:
  here they are not, and in `entropy_renormalised` they are). Of a class it is that of all classes.

What is padding counts nowhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED, of_target
from palimpsest.records import STATISTICS
from palimpsest.stacks.stack import Stack, StackedLinear
from palimpsest.training.device import Device
from palimpsest.training.distances import Ran, Watched, apart

BATCH = 128  # fixed, so that no setting changes a record
BATCH_OF_GPU = 1024  # likewise; with fewer points a GPU waits for its host
TEXTS = 16  # likewise, of next tokens: their logits are as many times larger as a text has tokens
TOP = 10
"""of the probabilities of next tokens, those whose entropy is taken"""


@torch.no_grad()
def logits(stack: Stack, inputs: Tensor, device: Device) -> Tensor:
    """Logits (points, k, classes) in evaluation mode; the mode is restored after."""
    with stack.evaluating():
        batches = inputs.split(_points_at_once(device))
        return torch.cat([device.logits(stack, batch[:, None]) for batch in batches])


def _points_at_once(device: Device) -> int:
    return BATCH if device.name == "cpu" else BATCH_OF_GPU


@dataclass(frozen=True)
class Frozen:
    """Models that stay as they are, run on the points of a batch whenever they are asked."""

    stack: Stack
    inputs: Tensor
    device: Device

    @torch.no_grad()
    def __call__(self, batch: Tensor) -> Tensor:
        """Logits (b, k, ...) at pool indices (b, k), in evaluation mode, which draws nothing."""
        with self.stack.evaluating():
            return self.device.logits(self.stack, self.inputs[batch])


def teacher(stack: Stack, inputs: Tensor, labels: Tensor, device: Device) -> Tensor | Frozen:
    """The stack as a teacher on a pool of points, in evaluation mode: the table of its logits; of
    next tokens, whose table would not fit into memory, the stack itself, which may not change."""
    return logits(stack, inputs, device) if labels.dim() == 1 else Frozen(stack, inputs, device)


def measured(
    stack: Stack,
    inputs: Tensor,
    labels: Tensor,
    names: Sequence[str],
    device: Device,
    references: Mapping[str, Stack] | None = None,
    layers: str | None = None,
) -> dict[str, np.ndarray]:
    """What a record keeps of each model of a stack at each point: by name, (k, points, ...).

    The logits of a batch are gone before those of the next. `features` are what the last linear
    layer is given. Distances are those from the `references`, by name of `records.REFERENCES`: as
    many models, each compared with that in its place, in the `layers` of
    `distances.feature_layers`. In evaluation mode, which is restored after.
    """
    return measured_together([stack], inputs, labels, names, device, references, layers)[0]


@torch.no_grad()
def measured_together(
    stacks: Sequence[Stack],
    inputs: Tensor,
    labels: Tensor,
    names: Sequence[str],
    device: Device,
    references: Mapping[str, Stack] | None = None,
    layers: str | None = None,
) -> list[dict[str, np.ndarray]]:
    """`measured` of several stacks with the same references, which are run once for all of them."""
    others = {
        name: Watched(other, device, layers)
        for name, other in (references or {}).items()
        if any(one.endswith(f"_to_{name}") for one in names)
    }
    size = _points_at_once(device) if labels.dim() == 1 else TEXTS
    with ExitStack() as watching:
        for other in others.values():
            watching.enter_context(other.watching())
        each = [
            _Measured(stack, names, device, Watched(stack, device, layers) if others else None)
            for stack in stacks
        ]
        for one in each:
            watching.enter_context(one.watching())
        for batch, asked in zip(inputs.split(size), labels.split(size), strict=True):
            ran = {name: other.run(batch[:, None]) for name, other in others.items()}
            for one in each:
                one.take(batch[:, None], asked, ran)
    return [one.found() for one in each]


class _Measured:
    """A stack, and what was measured of it batch by batch."""

    def __init__(
        self, stack: Stack, names: Sequence[str], device: Device, watched: Watched | None
    ) -> None:
        self.stack, self.device, self.watched = stack, device, watched
        self.features: list[Tensor] = []
        self.kept: dict[str, list[Tensor]] = {name: [] for name in names}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Evaluation mode, with what has to be seen of a pass; as before afterwards."""
        with ExitStack() as inside:
            inside.enter_context(self.stack.evaluating())
            if self.watched is not None:
                inside.enter_context(self.watched.watching())
            if "features" in self.kept:
                keep = last_linear(self.stack).register_forward_pre_hook(
                    lambda _module, given: self.features.append(self.stack.apart(given[0]).float())
                )
                inside.callback(keep.remove)
            yield

    def take(self, batch: Tensor, asked: Tensor, references: Mapping[str, Ran]) -> None:
        """Run a batch (points, 1, ...) and measure it."""
        found: dict[str, Tensor] = {}
        if self.watched is None:
            output = self.device.logits(self.stack, batch)
        else:
            ran = self.watched.run(batch)
            output = ran.logits
            for name, reference in references.items():
                for kind, distance in apart(ran, reference, asked).items():
                    if f"{kind}_to_{name}" in self.kept:
                        found[f"{kind}_to_{name}"] = distance()
        if self.features:
            found["features"] = by_model(self.features.pop(), asked)
        for name, parts in self.kept.items():
            parts.append(found[name] if name in found else _FUNCTIONS[name](output, asked))

    def found(self) -> dict[str, np.ndarray]:
        """By name, (k, points, ...)."""
        return {name: _array(name, torch.cat(values, dim=1)) for name, values in self.kept.items()}


def last_linear(stack: Stack) -> nn.Module:
    """The last linear layer of the network; InputError if it has none."""
    linear = [m for m in stack.network.modules() if isinstance(m, nn.Linear | StackedLinear)]
    if not linear:
        raise InputError("this model has no linear layer, and features are what the last is given")
    return linear[-1]


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Margin of each model on each point: (points, k, classes), (points,) to (k, points).

    margin = logit of the true class - logsumexp of the other logits ("Ascent", Section 3, after
    Georgiev et al. 2024); positive when the true class has more than half of the probability. Of
    next tokens, (points, k, tokens, vocabulary), (points, tokens), the mean over a text.
    """
    index = _each(labels, logits).clamp(min=0).unsqueeze(-1)
    others = logits.scatter(-1, index, -torch.inf)
    return _mean(logits.gather(-1, index).squeeze(-1) - torch.logsumexp(others, dim=-1), labels)


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether the true class is the predicted one, or at least half of the next tokens are: bool
    (k, points); a NaN logit is never right."""
    largest, predicted = logits.max(dim=-1)  # NaN is the largest of all
    hit = (predicted == _each(labels, logits)) & ~largest.isnan()
    if labels.dim() > 1:
        hit = 2 * hit.sum(-1) >= _tokens(labels)[:, None]
    return hit.T.contiguous()


def token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The sum of the cross entropies of a text's next tokens, in nats: (k, points)."""
    asked = _each(labels, logits)
    loss = -of_target(logits.log_softmax(-1), asked).masked_fill(asked == IGNORED, 0.0)
    return loss.sum(-1).T.contiguous()


def tokens(logits: Tensor, labels: Tensor) -> Tensor:
    """How many next tokens a text has; the same of all models: (k, points)."""
    return _tokens(labels).expand(logits.shape[1], -1)


def entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Of the probabilities of all classes, in nats: (k, points). Of next tokens the mean over a
    text, each from the TOP largest probabilities, which are not divided by their sum."""
    chances = logits.softmax(-1)
    if labels.dim() > 1:
        chances = chances.topk(min(TOP, chances.shape[-1])).values
    return _mean(torch.special.entr(chances).sum(-1), labels)


def entropy_renormalised(logits: Tensor, labels: Tensor) -> Tensor:
    """Like `entropy` of next tokens, the probabilities divided by their sum."""
    largest = logits.topk(min(TOP, logits.shape[-1])).values
    return _mean(torch.special.entr(largest.softmax(-1)).sum(-1), labels)


def by_model(logits: Tensor, labels: Tensor) -> Tensor:
    """The logits themselves, (k, points, classes)."""
    return logits.transpose(0, 1).contiguous()


_FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "margin": margins,
    "correct": correct,
    "logits": by_model,
    "entropy": entropy,
    "entropy_renormalised": entropy_renormalised,
    "token_loss": token_loss,
    "tokens": tokens,
}


def statistics(logits: Tensor, labels: Tensor, names: Iterable[str]) -> dict[str, np.ndarray]:
    """What a record keeps of logits (points, k, ...): by name, (k, points) or more axes."""
    return {name: _array(name, _FUNCTIONS[name](logits, labels)) for name in names}


def _array(name: str, values: Tensor) -> np.ndarray:
    """A statistic as a record keeps it."""
    return values.cpu().numpy().astype(STATISTICS[name], copy=False)


def _each(labels: Tensor, logits: Tensor) -> Tensor:
    """Labels (points, ...) for each of the k models: (points, k, ...)."""
    return labels[:, None].expand(logits.shape[:-1])


def _tokens(labels: Tensor) -> Tensor:
    """How many next tokens each text has: (points,)."""
    return (labels != IGNORED).sum(-1)


def _mean(values: Tensor, labels: Tensor) -> Tensor:
    """(points, k), or the mean over the tokens of (points, k, tokens), as (k, points)."""
    if labels.dim() > 1:
        asked = labels[:, None] != IGNORED
        values = values.masked_fill(~asked, 0.0).sum(-1) / asked.sum(-1)
    return values.T.contiguous()
