"""Populations: models of one recipe, trained on one subset of the data with consecutive seeds."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from palimpsest import models, registry
from palimpsest.data.datasets import Dataset, Tokens
from palimpsest.files import InputError, SettingError
from palimpsest.plans.plan import Plan
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict, alignment
from palimpsest.training.data import TrainingData, next_tokens
from palimpsest.training.device import Device
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import prepare

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Trained:
    """A trained stack, the seeds of the models that count (discarded copies are left out), and the
    seconds that these took."""

    stack: Stack
    seeds: list[int]
    seconds: float


def stacks_of(
    seeds: Sequence[int], size: int, template: nn.Module
) -> Iterator[tuple[list[int], list[int]]]:
    """Chunks of at most `size` seeds: (seeds to keep, seeds to run).

    A stack is padded with discarded copies until every layer has a multiple of 16 channels (see
    `alignment`), two models at least, so that a model's bits do not depend on the chunking. Size 1
    means no stacking.
    """
    multiple = alignment(template)
    for start in range(0, len(seeds), size):
        keep = list(seeds[start : start + size])
        if size == 1:
            yield keep, keep
            continue
        wanted = max(2, -(-len(keep) // multiple) * multiple)
        yield keep, list(itertools.islice(itertools.cycle(keep), wanted))


def builder(model: Mapping[str, Any], dataset: Dataset) -> Build:
    """What makes one untrained model (name and settings) for a data set it fits, or InputError."""
    try:
        models.check(model, dataset.facts)
        models.check_files(model, dataset.facts)
    except SettingError as error:
        raise InputError(f"model.{error}") from None
    settings = {key: value for key, value in model.items() if key != "name"}
    return lambda: registry.make("models", model["name"], dataset.facts, settings=settings)


def tensors(
    dataset: Dataset, device: Device, predicts: models.Predicts = "class"
) -> tuple[Tensor, Tensor]:
    """On the device: inputs (pool, ...) as a network reads them, and what it is asked for, labels
    (pool,) or the next tokens (pool, length - 1)."""
    inputs, labels = torch.from_numpy(dataset.inputs()), torch.from_numpy(dataset.labels)
    if predicts == "next_token":
        assert isinstance(dataset.encoding, Tokens)
        labels = next_tokens(inputs, dataset.encoding.padding)
    return device.place(inputs), device.place(labels)


def initial_states(build: Build, seeds: Sequence[int]) -> list[StateDict]:
    """Untrained state dicts; model j is drawn after `torch.manual_seed(seeds[j])`."""
    states = []
    for seed in seeds:
        torch.manual_seed(seed)
        states.append(build().state_dict())
    return states


def incompetent_states(build: Build, seeds: Sequence[int]) -> list[StateDict]:
    """Untrained state dicts of other draws than those that the models of these seeds began from."""
    other = [int(generator(seed, "incompetent").integers(2**63)) for seed in seeds]
    return initial_states(build, other)


def train_population(
    build: Build,
    seeds: Sequence[int],
    *,
    inputs: Tensor,
    labels: Tensor,
    subset: Callable[[list[int]], Tensor],
    classes: int,
    plan: Plan,
    stack_size: int,
    device: Device,
    report: Callable[[str], None] = print,
) -> Iterator[Trained]:
    """Train one model per seed, `stack_size` at a time.

    Args:
        inputs, labels: the pool of points, as `tensors` gives them.
        subset: seeds of a stack to pool indices, (points,) for all or (points, k) one column each.
        plan: the recipe (`palimpsest.plans.recipe`).
        report: receives a line about progress and time left after each stack.
    """
    started, done, template = time.perf_counter(), 0, build()
    for keep, run in stacks_of(seeds, stack_size, template):
        device.wait()
        begun = time.perf_counter()
        stack = Stack(template, initial_states(build, run)).to(device.name)
        splits = {"retain": device.place(subset(run))}
        data = TrainingData(inputs, labels, splits, classes)
        prepared, optimiser = prepare(stack, plan, data, run)
        for number, epoch in enumerate(plan.epochs):
            run_epoch(
                stack,
                optimiser,
                plan,
                epoch,
                data=data,
                seeds=run,
                number=number,
                purpose="train",
                device=device,
                prepared=prepared,
            )
        stack = stack if prepared.finish is None else prepared.finish(stack)
        device.wait()
        seconds = (time.perf_counter() - begun) * len(keep) / len(run)
        done += len(keep)
        report(progress_line("models trained", done, len(seeds), started))
        yield Trained(stack, keep, seconds)


def progress_line(what: str, done: int, total: int, started: float) -> str:
    """One line for a log: how much is done, the time it took, the time left."""
    spent = time.perf_counter() - started
    left = spent / done * (total - done)
    return f"{done} of {total} {what}, {spent:.0f} s, about {left:.0f} s left"
