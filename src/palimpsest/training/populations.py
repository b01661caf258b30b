"""Populations: models of one recipe, trained on one subset of the data with consecutive seeds."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from palimpsest import gpu_memory, models, registry
from palimpsest.data.datasets import Dataset, Tokens
from palimpsest.files import InputError, SettingError, one_line
from palimpsest.plans.plan import Plan
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict, alignment, filled
from palimpsest.training.captured import Trainer
from palimpsest.training.data import TrainingData, next_tokens
from palimpsest.training.device import Device

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
        wanted = filled(len(keep), multiple)
        yield keep, list(itertools.islice(itertools.cycle(keep), wanted))


class Stacks:
    """Stacks of seeds, of fewer models where those of one do not fit into the GPU's memory:

        for keep, run in stacks:
            with stacks.tried():
                ...

    What is in the block is begun anew with half as many models a stack, or what makes it smaller
    with its copies (see `stacks_of`), and so are all that follow; a model's bits do not depend on
    its stack, but for a lone one, which rounds in another way.

    Args:
        seeds, size, template: as for `stacks_of`.
        trainer: lets go of what it keeps, if memory is short.
    """

    def __init__(
        self, seeds: Sequence[int], size: int, template: nn.Module, trainer: Trainer
    ) -> None:
        self._left, self._size, self._template = list(seeds), size, template
        self._trainer, self._full = trainer, False

    def __iter__(self) -> Iterator[tuple[list[int], list[int]]]:
        while self._left:
            self._full = False
            keep, run = next(stacks_of(self._left, self._size, self._template))
            yield keep, run
            if self._full:
                self._trainer.clear()
            else:
                self._left = self._left[len(keep) :]

    @contextmanager
    def tried(self) -> Iterator[None]:
        """InputError where not even one model fits."""
        try:
            yield
        except RuntimeError as error:
            cause = gpu_memory.full(error)
            if cause is None:
                raise
            self._full, told = True, one_line(cause)
        if not self._full:
            return
        size = min(self._size, len(self._left))
        if size == 1:
            raise InputError(
                f"one model does not fit into the GPU's memory ({told}); needed: a GPU with more, "
                "a smaller model, or smaller batches"
            )
        self._size = self._smaller(size)
        logging.warning(
            "the GPU's memory is too small for %d models at once (%s): from here on %d",
            size, told, self._size,
        )  # fmt: skip

    def _smaller(self, models: int) -> int:
        """The next number of models whose stack holds fewer than that of so many."""
        multiple, size = alignment(self._template), models // 2
        while size > 1 and filled(size, multiple) == filled(models, multiple):
            size //= 2
        return size


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
    """On the device: inputs (pool, ...) as a network reads them (`Device.keep_images`), and what it
    is asked for, labels (pool,) or the next tokens (pool, length - 1)."""
    inputs, labels = torch.from_numpy(dataset.inputs()), torch.from_numpy(dataset.labels)
    if predicts == "next_token":
        assert isinstance(dataset.encoding, Tokens)
        labels = next_tokens(inputs, dataset.encoding.padding)
    return device.keep_images(device.place(inputs)), device.place(labels)


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
    """Train one model per seed, `stack_size` at a time, or fewer where memory is short (`Stacks`).

    The stack of what is yielded is to be read before the next one is asked for.

    Args:
        inputs, labels: the pool of points, as `tensors` gives them.
        subset: seeds of a stack to pool indices, (points,) for all or (points, k) one column each.
        plan: the recipe (`palimpsest.plans.recipe`).
        report: receives a line about progress and time left after each stack.
    """
    started, done, template = time.perf_counter(), 0, build()
    trainer = Trainer(device)

    def train(run: list[int]) -> Stack:
        stack = Stack(template, initial_states(build, run)).to(device.name)
        splits = {"retain": subset(run)}  # which only the host reads, to shuffle
        training = trainer.ready(stack, plan, TrainingData(inputs, labels, splits, classes), run)
        for number, epoch in enumerate(plan.epochs):
            training.epoch(epoch, number, "train")
        finish = training.prepared.finish
        return training.stack if finish is None else finish(training.stack)

    stacks = Stacks(seeds, stack_size, template, trainer)
    for keep, run in stacks:
        device.wait()
        begun = time.perf_counter()
        stack = None
        with stacks.tried():
            stack = train(run)
            device.wait()
        if stack is None:
            continue
        seconds = (time.perf_counter() - begun) * len(keep) / len(run)
        done += len(keep)
        report(progress_line("models trained", done, len(seeds), started))
        yield Trained(stack, keep, seconds)


def progress_line(what: str, done: int, total: int, started: float) -> str:
    """One line for a log: how much is done, the time it took, the time left."""
    spent = time.perf_counter() - started
    left = spent / done * (total - done)
    return f"{done} of {total} {what}, {spent:.0f} s, about {left:.0f} s left"
