"""The one training loop: a stack of models through the phases of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED, Batch, Loss, Means
from palimpsest.plans.plan import Epoch, Phase, Plan, Term
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.preparing import Prepared

if TYPE_CHECKING:
    from palimpsest.plans.losses import Residuals
    from palimpsest.training.captured import Captured


def run_epoch(
    stack: Stack,
    optimiser: torch.optim.Optimizer,
    plan: Plan,
    epoch: Epoch,
    *,
    data: TrainingData,
    seeds: Sequence[int],
    number: int,
    purpose: str,
    device: Device,
    prepared: Prepared | None = None,
    captured: Captured | None = None,
) -> None:
    """Run epoch `number` (from 0) of a plan in place.

    Model j shuffles with seeds[j], the purpose, the epoch, the phase and the term; layers that draw
    (dropout) start each epoch anew from the seed. `prepared`: what the plan's preparation decided.
    `captured`: what takes the steps in place of this loop, as `descend` takes them.
    """
    prepared = prepared or Prepared()
    torch.manual_seed(int(generator(seeds[0], f"{purpose} layers", number).integers(2**63)))
    restore = _restorer(stack, prepared.movable)
    for position, phase in enumerate(epoch):
        steps = phase.steps(data.sizes())
        drawn = [
            _drawn(term, data, seeds, (purpose, number, position, place), steps, device)
            for place, term in enumerate(phase.terms)
        ]
        terms = [own for own, _ in drawn]
        batches = list(zip(*(own for _, own in drawn), strict=True))
        rates = _rates(optimiser, plan, phase, steps)
        if captured is not None:
            captured.run(phase, terms, batches, rates)
            continue
        for rate, batch in zip(rates, batches, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate
            descend(stack, optimiser, phase, terms, batch, data, device, prepared)
            restore()


def descend(
    stack: Stack,
    optimiser: torch.optim.Optimizer,
    phase: Phase,
    terms: Sequence[DrawnTerm],
    batches: Sequence[Tensor],
    data: TrainingData,
    device: Device,
    prepared: Prepared,
) -> None:
    """One step at the optimiser's learning rate, each term on its own batch (b, k).

    All that it reads of the data lies on the device, and it asks the device for nothing.
    """
    objective = _objective(stack, phase, terms, batches, data, device, prepared)
    if phase.l1:
        objective = objective + phase.l1 * _absolute_sum(stack)
    optimiser.zero_grad(set_to_none=True)
    objective.backward()
    optimiser.step()


@dataclass(frozen=True)
class DrawnTerm:
    """A term with what is drawn of it for one pass, beside its batches.

    Args:
        labels: see `_targets`.
        forgotten: see `TrainingData.forgotten`; None: the loss does not ask.
    """

    term: Term
    labels: Tensor
    forgotten: Tensor | None

    @property
    def loss(self) -> Loss:
        """What the term weighs."""
        return self.term.loss

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose outputs the loss reads."""
        return tuple(getattr(self.loss, "layers", ()))

    def __call__(
        self, output: _Output, batch: Tensor, data: TrainingData, means: Means | None
    ) -> Tensor:
        """The weighted loss of a step, summed over the models: a gradient for each of them."""
        models = torch.arange(batch.shape[1], device=batch.device)
        labels = self.labels[batch, models]
        needs = self.loss.needs
        teacher = None
        taught = self.term.targets == "teacher"
        if "teacher" in needs or taught:
            teacher = data.taught("teacher", batch)
        if taught and teacher is not None:
            labels = teacher.argmax(-1).masked_fill(labels == IGNORED, IGNORED)
        parts = Batch(
            output.logits,
            labels,
            teacher if "teacher" in needs else None,
            {name: output.features[name] for name in self.layers},
            data.taught("incompetent", batch) if "incompetent" in needs else None,
            None if self.forgotten is None else _each_own(self.forgotten, batch),
            output.residuals,
            means,
            data.present(data.inputs[batch]) if "residuals" in needs else None,
        )
        return self.term.weight * self.loss(parts).sum()


def _drawn(
    term: Term,
    data: TrainingData,
    seeds: Sequence[int],
    where: tuple[str, int, int, int],
    steps: int,
    device: Device,
) -> tuple[DrawnTerm, Sequence[Tensor]]:
    """A term drawn for one pass, and its batches."""
    labels = _targets(term, data, seeds, device, where if term.redraw else None)
    forgotten = data.forgotten() if "forget" in term.loss.needs else None
    return DrawnTerm(term, labels, forgotten), _batches(term, data, seeds, where, steps, device)


def _batches(
    term: Term,
    data: TrainingData,
    seeds: Sequence[int],
    where: tuple[str, int, int, int],
    steps: int,
    device: Device,
) -> Sequence[Tensor]:
    """The batches of a term in one pass: pool indices (points, k), sent to the device at once."""
    purpose, number, position, place = where

    def cycled(indices: Tensor, size: int, purpose: str) -> Sequence[Tensor]:
        """Full batches, the points shuffled anew whenever they are used up."""
        cycles = -(-steps * size // len(indices))
        rounds = [
            _shuffled(indices, seeds, purpose, number, position, place, cycle)
            for cycle in range(cycles)
        ]
        return device.send(torch.cat(rounds)[: steps * size]).split(size)

    indices, size = _points(term, data, seeds), term.in_order()
    if place == 0:  # every point once
        batches = device.send(_shuffled(indices, seeds, purpose, number, position)).split(size)
    else:
        batches = cycled(indices, size, purpose)
    if term.forget_per_batch is None:
        return batches
    beside = cycled(data.on_host["forget"], term.forget_per_batch, f"{purpose} forget")
    return [torch.cat(pair) for pair in zip(batches, beside, strict=True)]


def _points(term: Term, data: TrainingData, seeds: Sequence[int]) -> Tensor:
    """The points that a term gives in their order: (points,), or (points, k)."""
    if term.split != "train" or (term.forget_per_batch is None and term.retain_share == 1.0):
        return data.on_host[term.split]
    retain, forget = data.on_host["retain"], data.on_host["forget"]
    if term.retain_share < 1.0:
        retain = _shuffled(retain, seeds, "retain share")[: term.retained(data.sizes())]
    if term.forget_per_batch is not None:
        return retain
    columns = forget if forget.dim() == 2 else forget[:, None].expand(-1, retain.shape[1])
    return torch.cat([columns, retain])


@dataclass(frozen=True)
class _Output:
    """Of one forward pass: logits (b, k, ...), features and residuals by layer."""

    logits: Tensor
    features: Mapping[str, Tensor]
    residuals: Residuals

    def split(self, sizes: Sequence[int]) -> list[_Output]:
        """Those of the parts of the batch, which have these many points."""
        logits = self.logits.split(sizes)
        features = {name: values.split(sizes) for name, values in self.features.items()}
        residuals = {
            name: list(zip(x.split(sizes), dx.split(sizes), strict=True))
            for name, (x, dx) in self.residuals.items()
        }
        return [
            _Output(
                own,
                {name: parts[place] for name, parts in features.items()},
                {name: parts[place] for name, parts in residuals.items()},
            )
            for place, own in enumerate(logits)
        ]


def _objective(
    stack: Stack,
    phase: Phase,
    terms: Sequence[DrawnTerm],
    batches: Sequence[Tensor],
    data: TrainingData,
    device: Device,
    prepared: Prepared,
) -> Tensor:
    """The weighted sum of the terms of one step."""

    def forward(batch: Tensor, terms: Sequence[DrawnTerm]) -> _Output:
        layers = tuple(dict.fromkeys(layer for term in terms for layer in term.layers))
        residuals = any("residuals" in term.loss.needs for term in terms)
        return _forward(stack, data.inputs[batch], layers, device, prepared if residuals else None)

    if phase.forward == "joint":
        outputs = forward(torch.cat(list(batches)), terms).split([len(batch) for batch in batches])
    else:
        order = range(len(terms)) if phase.forward == "separate" else reversed(range(len(terms)))
        own = {n: forward(batches[n], [terms[n]]) for n in order}
        outputs = [own[n] for n in range(len(terms))]
    values = [
        term(output, batch, data, prepared.means)
        for term, output, batch in zip(terms, outputs, batches, strict=True)
    ]
    return values[0] if len(values) == 1 else torch.stack(values).sum()


def _absolute_sum(stack: Stack) -> Tensor:
    """The sum of the absolute values of all parameters of all models."""
    return torch.stack([weights.abs().sum() for weights in stack.network.parameters()]).sum()


def _forward(
    stack: Stack,
    inputs: Tensor,
    layers: Sequence[str],
    device: Device,
    adapted: Prepared | None = None,
) -> _Output:
    """Logits (b, k, classes), the outputs of these layers of the network (b, k, ...), and, where
    the preparation of an `adapted` network is given, the residuals of its adapted layers."""
    features: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: features.update({name: stack.apart(output)})

    handles = [
        stack.network.get_submodule(name).register_forward_hook(keep(name)) for name in layers
    ]
    residuals: Residuals = {}
    if adapted is None:
        logits = device.logits(stack, inputs)
    elif adapted.forward is None:
        raise ValueError("this plan needs residuals, but its preparation makes no adapters")
    else:
        with device.arithmetic():
            logits, residuals = adapted.forward(stack, inputs)
        logits = device.whole(logits)
    for handle in handles:
        handle.remove()
    return _Output(logits, features, residuals)


def _shuffled(indices: Tensor, seeds: Sequence[int], purpose: str, *position: int) -> Tensor:
    """Pool indices (points, k) in each model's own order."""
    table = indices.numpy()
    columns = []
    for j, seed in enumerate(seeds):
        own = table if table.ndim == 1 else table[:, j]
        columns.append(generator(seed, purpose, *position).permutation(own))
    return torch.from_numpy(np.stack(columns, axis=1))


def _targets(
    term: Term,
    data: TrainingData,
    seeds: Sequence[int],
    device: Device,
    where: tuple[str, int, int, int] | None = None,
) -> Tensor:
    """The labels that a term's loss is given: (pool, k), or next tokens (pool, k, length - 1).

    `where`: the pass that random ones are drawn for; None: they are the same in all passes. For the
    teacher's, which are worked out batch by batch, the true ones stand here. InputError for wrong
    classes where models predict the next token.
    """
    true = data.labels[:, None].expand(-1, len(seeds), *data.labels.shape[1:])
    if term.targets in ("true", "teacher"):
        return true
    if data.labels.dim() > 1:
        raise InputError(
            f"the method teaches wrong classes ({term.targets}), and the model predicts the next "
            "token; needed: a method without wrong classes"
        )
    if term.targets == "shift":
        return (true + 1) % data.classes
    others = term.targets == "random_excluding"
    low, high = (1, data.classes) if others else (0, data.classes)
    purpose, position = ("targets", []) if where is None else (f"{where[0]} targets", where[1:])
    drawn = [
        generator(seed, purpose, *position).integers(low, high, len(data.labels)) for seed in seeds
    ]
    table = device.send(torch.from_numpy(np.stack(drawn, axis=1)))
    return (true + table) % data.classes


def _each_own(table: Tensor, batch: Tensor) -> Tensor:
    """Of each model at the points of its batch (b, k): a `table` (pool, k), or (pool, 1) of all."""
    models = torch.arange(batch.shape[1], device=batch.device)
    return table[batch, models if table.shape[1] > 1 else 0]


def _rate(phase: Phase, step: int, steps: int) -> float:
    """The learning rate of a step of a phase."""
    if phase.lr_end is None:
        return phase.lr
    return phase.lr + (phase.lr_end - phase.lr) * step / steps


def _rates(optimiser: torch.optim.Optimizer, plan: Plan, phase: Phase, steps: int) -> list[float]:
    """The learning rates of the steps of a phase, warmed up by the steps that the optimiser has
    taken, which its group keeps."""
    rates = [_rate(phase, step, steps) for step in range(steps)]
    if not plan.optimiser.warmup_steps:
        return rates
    (group,) = optimiser.param_groups
    taken = group.get("steps", 0)
    group["steps"] = taken + steps
    warmup = plan.optimiser.warmup_steps
    return [rate * min(1.0, (taken + n) / warmup) for n, rate in enumerate(rates)]


def _restorer(stack: Stack, movable: Mapping[str, Tensor]) -> Callable[[], None]:
    """A function that puts back the weights that may not move, to the last bit."""
    parameters = dict(stack.network.named_parameters())
    kept = [(parameters[n], where, parameters[n].detach().clone()) for n, where in movable.items()]

    @torch.no_grad()
    def restore() -> None:
        for parameter, where, start in kept:
            torch.where(where, parameter, start, out=parameter)

    return restore
