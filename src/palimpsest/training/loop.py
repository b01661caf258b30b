"""The one training loop: a stack of models through the phases of an epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from palimpsest.models.stacks import Stack
from palimpsest.phases import Epoch, Phase, Schedule
from palimpsest.randomness import generator
from palimpsest.training.device import Device


@dataclass(frozen=True)
class TrainingData:
    """What the loop reads, all of it on the device.

    Args:
        inputs: (pool, channels, height, width), normalised.
        labels: (pool,) class of each point.
        splits: name to pool indices, (points,) shared by all models or (points, k) one column each.
        teacher: frozen logits (pool, k, classes) where a phase distils from a teacher.
        movable: for each masked parameter of the stack (by name) where it may move, bool; the
            other weights keep their bits, whatever momentum and weight decay would do to them.
    """

    inputs: Tensor
    labels: Tensor
    splits: Mapping[str, Tensor]
    teacher: Tensor | None = None
    movable: Mapping[str, Tensor] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        """Points per split."""
        return {name: len(indices) for name, indices in self.splits.items()}


def sgd(stack: Stack, schedule: Schedule) -> torch.optim.SGD:
    """The optimiser of a schedule; the phases set its learning rate."""
    return torch.optim.SGD(
        stack.parameters(),
        lr=0.0,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
    )


def set_mode(stack: Stack, batch_norm: str) -> None:
    """Train mode, with BatchNorm's statistics moving ("train") or kept and used ("frozen")."""
    stack.train()
    if batch_norm == "frozen":
        for module in stack.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def run_epoch(
    stack: Stack,
    optimiser: torch.optim.Optimizer,
    epoch: Epoch,
    *,
    data: TrainingData,
    seeds: Sequence[int],
    number: int,
    purpose: str,
    device: Device,
) -> None:
    """Run epoch `number` (from 0) in place. Model j shuffles with seeds[j], epoch and phase."""
    for position, phase in enumerate(epoch):
        order = _shuffled(data.splits[phase.split], seeds, purpose, number, position)
        _run_phase(stack, optimiser, phase, device.place(order), data, device)


def _shuffled(
    indices: Tensor, seeds: Sequence[int], purpose: str, number: int, position: int
) -> Tensor:
    """Pool indices (points, k) in each model's own order."""
    table = indices.cpu().numpy()
    columns = []
    for j, seed in enumerate(seeds):
        own = table if table.ndim == 1 else table[:, j]
        columns.append(generator(seed, purpose, number, position).permutation(own))
    return torch.from_numpy(np.stack(columns, axis=1))


def _run_phase(
    stack: Stack,
    optimiser: torch.optim.Optimizer,
    phase: Phase,
    order: Tensor,
    data: TrainingData,
    device: Device,
) -> None:
    models = torch.arange(stack.k, device=order.device)
    batches = order.split(phase.batch_size)
    parameters = dict(stack.network.named_parameters())
    kept = [
        (parameters[name], movable, parameters[name].detach().clone())
        for name, movable in data.movable.items()
    ]
    for step, batch in enumerate(batches):
        lr = phase.lr
        if phase.lr_end is not None:
            lr += (phase.lr_end - phase.lr) * step / len(batches)
        for group in optimiser.param_groups:
            group["lr"] = lr
        logits = device.logits(stack, data.inputs[batch])
        teacher = None
        if phase.loss.needs_teacher:
            if data.teacher is None:
                raise ValueError("this phase distils from a teacher, but no teacher was given")
            teacher = data.teacher[batch, models]
        loss = phase.loss(logits, data.labels[batch], teacher).sum()  # one gradient per model
        optimiser.zero_grad(set_to_none=True)
        (-loss if phase.ascend else loss).backward()
        optimiser.step()
        with torch.no_grad():
            for parameter, movable, start in kept:
                torch.where(movable, parameter, start, out=parameter)
