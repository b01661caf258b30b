"""The one training loop: a stack of models through the phases of an epoch."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED, Batch
from palimpsest.plans.plan import Epoch, Phase, Plan, Term
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device


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
    movable: Mapping[str, Tensor] | None = None,
) -> None:
    """Run epoch `number` (from 0) of a plan in place.

    Model j shuffles with seeds[j], the purpose, the epoch, the phase and the term; layers that draw
    (dropout) start each epoch anew from the seed. `movable` as in `training.preparing.Prepared`.
    """
    torch.manual_seed(int(generator(seeds[0], f"{purpose} layers", number).integers(2**63)))
    restore = _restorer(stack, movable or {})
    for position, phase in enumerate(epoch):
        steps = phase.steps(data.sizes())
        terms = [
            _Term(term, data, seeds, (purpose, number, position, place), steps)
            for place, term in enumerate(phase.terms)
        ]
        for step in range(steps):
            _set_rate(optimiser, plan, _rate(phase, step, steps))
            objective = _objective(stack, phase, terms, step, data, device)
            if phase.l1:
                objective = objective + phase.l1 * _absolute_sum(stack)
            optimiser.zero_grad(set_to_none=True)
            objective.backward()
            optimiser.step()
            restore()


class _Term:
    """A term with its batches (pool indices) and its labels, drawn for one pass."""

    def __init__(
        self,
        term: Term,
        data: TrainingData,
        seeds: Sequence[int],
        where: tuple[str, int, int, int],
        steps: int,
    ) -> None:
        self.loss, self.weight = term.loss, term.weight
        self.layers = tuple(getattr(term.loss, "layers", ()))
        purpose, number, position, place = where
        indices = data.splits[term.split]
        if place == 0:  # every point once
            order = _shuffled(indices, seeds, purpose, number, position)
        else:  # full batches, the split shuffled anew whenever it is used up
            cycles = -(-steps * term.batch // len(indices))
            rounds = [
                _shuffled(indices, seeds, purpose, number, position, place, cycle)
                for cycle in range(cycles)
            ]
            order = torch.cat(rounds)[: steps * term.batch]
        self.batches = order.to(data.labels.device).split(term.batch)
        self.taught = term.targets == "teacher"
        self.labels = _targets(term, data, seeds, where if term.redraw else None)

    def __call__(
        self, logits: Tensor, features: dict[str, Tensor], step: int, data: TrainingData
    ) -> Tensor:
        """The weighted loss of a step, summed over the models: a gradient for each of them."""
        batch = self.batches[step]
        models = torch.arange(batch.shape[1], device=batch.device)
        labels = self.labels[batch, models]
        needed = "teacher" in self.loss.needs
        teacher = data.taught(batch) if needed or self.taught else None
        if self.taught and teacher is not None:
            labels = teacher.argmax(-1).masked_fill(labels == IGNORED, IGNORED)
        given = Batch(logits, labels, teacher if needed else None, features)
        return self.weight * self.loss(given).sum()


def _objective(
    stack: Stack,
    phase: Phase,
    terms: Sequence[_Term],
    step: int,
    data: TrainingData,
    device: Device,
) -> Tensor:
    """The weighted sum of the terms of one step."""
    batches = [term.batches[step] for term in terms]
    if phase.forward == "joint":
        layers = tuple(dict.fromkeys(layer for term in terms for layer in term.layers))
        logits, features = _forward(stack, data.inputs[torch.cat(batches)], layers, device)
        sizes = [len(batch) for batch in batches]
        parts = {name: values.split(sizes) for name, values in features.items()}
        outputs = [
            (own, {name: parts[name][place] for name in terms[place].layers})
            for place, own in enumerate(logits.split(sizes))
        ]
    else:
        order = range(len(terms)) if phase.forward == "separate" else reversed(range(len(terms)))
        own = {n: _forward(stack, data.inputs[batches[n]], terms[n].layers, device) for n in order}
        outputs = [own[n] for n in range(len(terms))]
    values = [
        term(logits, features, step, data)
        for term, (logits, features) in zip(terms, outputs, strict=True)
    ]
    return values[0] if len(values) == 1 else torch.stack(values).sum()


def _absolute_sum(stack: Stack) -> Tensor:
    """The sum of the absolute values of all parameters of all models."""
    return torch.stack([weights.abs().sum() for weights in stack.network.parameters()]).sum()


def _forward(
    stack: Stack, inputs: Tensor, layers: Sequence[str], device: Device
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits (b, k, classes), and the outputs of these layers of the network (b, k, ...)."""
    features: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: features.update({name: stack.apart(output)})

    handles = [
        stack.network.get_submodule(name).register_forward_hook(keep(name)) for name in layers
    ]
    logits = device.logits(stack, inputs)
    for handle in handles:
        handle.remove()
    return logits, features


def _shuffled(indices: Tensor, seeds: Sequence[int], purpose: str, *position: int) -> Tensor:
    """Pool indices (points, k) in each model's own order."""
    table = indices.cpu().numpy()
    columns = []
    for j, seed in enumerate(seeds):
        own = table if table.ndim == 1 else table[:, j]
        columns.append(generator(seed, purpose, *position).permutation(own))
    return torch.from_numpy(np.stack(columns, axis=1))


def _targets(
    term: Term,
    data: TrainingData,
    seeds: Sequence[int],
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
    table = torch.from_numpy(np.stack(drawn, axis=1)).to(data.labels.device)
    return (true + table) % data.classes


def _rate(phase: Phase, step: int, steps: int) -> float:
    """The learning rate of a step of a phase."""
    if phase.lr_end is None:
        return phase.lr
    return phase.lr + (phase.lr_end - phase.lr) * step / steps


def _set_rate(optimiser: torch.optim.Optimizer, plan: Plan, lr: float) -> None:
    """Set the learning rate, warmed up by the steps taken, which stand in the optimiser's state."""
    for group in optimiser.param_groups:
        group["lr"] = lr
        if plan.optimiser.warmup_steps:
            taken = group.get("steps", 0)
            group["lr"] *= min(1.0, taken / plan.optimiser.warmup_steps)
            group["steps"] = taken + 1


def _restorer(stack: Stack, movable: Mapping[str, Tensor]) -> Callable[[], None]:
    """A function that puts back the weights that may not move, to the last bit."""
    parameters = dict(stack.network.named_parameters())
    kept = [(parameters[n], where, parameters[n].detach().clone()) for n, where in movable.items()]

    @torch.no_grad()
    def restore() -> None:
        for parameter, where, start in kept:
            torch.where(where, parameter, start, out=parameter)

    return restore
