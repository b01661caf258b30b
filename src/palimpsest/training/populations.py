"""Populations: models of one recipe, trained on one subset of the data with consecutive seeds."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from palimpsest.models.stacks import Stack, StateDict, alignment
from palimpsest.phases import Schedule
from palimpsest.training.device import Device
from palimpsest.training.loop import TrainingData, run_epoch, set_mode, sgd

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Trained:
    """A trained stack and the seeds of the models that count (a padded twin is left out)."""

    stack: Stack
    seeds: list[int]


def stacks_of(
    seeds: Sequence[int], size: int, template: nn.Module
) -> Iterator[tuple[list[int], list[int]]]:
    """Chunks of at most `size` seeds: (seeds to keep, seeds to run).

    A stack is filled up with twins, which are thrown away, to a size at which a model's bits do not
    depend on the chunking: two at least, and what `alignment` asks for. Size 1 means no stacking.
    """
    multiple = alignment(template)
    for start in range(0, len(seeds), size):
        keep = list(seeds[start : start + size])
        if size == 1:
            yield keep, keep
            continue
        wanted = max(2, -(-len(keep) // multiple) * multiple)
        yield keep, list(itertools.islice(itertools.cycle(keep), wanted))


def initial_states(build: Build, seeds: Sequence[int]) -> list[StateDict]:
    """Untrained state dicts; model j is drawn after `torch.manual_seed(seeds[j])`."""
    states = []
    for seed in seeds:
        torch.manual_seed(seed)
        states.append(build().state_dict())
    return states


def train_population(
    build: Build,
    seeds: Sequence[int],
    *,
    inputs: Tensor,
    labels: Tensor,
    subset: Callable[[list[int]], Tensor],
    schedule: Schedule,
    stack_size: int,
    device: Device,
    report: Callable[[str], None] = print,
) -> Iterator[Trained]:
    """Train one model per seed, `stack_size` at a time.

    Args:
        inputs, labels: the pool of points (pool, channels, height, width) and (pool,).
        subset: seeds of a stack to pool indices, (points,) for all or (points, k) one column each.
        schedule: the recipe (`palimpsest.phases.training_schedule`).
        report: receives a line about progress and time left after each stack.
    """
    inputs, labels = device.place(inputs), device.place(labels)
    started, done, template = time.perf_counter(), 0, build()
    for keep, run in stacks_of(seeds, stack_size, template):
        stack = Stack(template, initial_states(build, run)).to(device.name)
        data = TrainingData(inputs, labels, {"retain": device.place(subset(run))})
        optimiser = sgd(stack, schedule)
        set_mode(stack, schedule.batch_norm)
        for number, epoch in enumerate(schedule.epochs):
            run_epoch(
                stack,
                optimiser,
                epoch,
                data=data,
                seeds=run,
                number=number,
                purpose="train",
                device=device,
            )
        done += len(keep)
        report(progress_line("models trained", done, len(seeds), started))
        yield Trained(stack, keep)


def progress_line(what: str, done: int, total: int, started: float) -> str:
    """One line for a log: how much is done, the time it took, the time left."""
    spent = time.perf_counter() - started
    left = spent / done * (total - done)
    return f"{done} of {total} {what}, {spent:.0f} s, about {left:.0f} s left"
