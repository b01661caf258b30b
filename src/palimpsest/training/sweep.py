"""A sweep is a tree: settings whose plans begin alike share those epochs.

The tree is built by comparing phases, so it needs to know nothing of any method. Sharing is exact:
the random numbers of an epoch depend on (seed, epoch, phase, term) alone and the state at a branch
is copied, so that every setting ends with the bits of a run of its own.
"""

import copy
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from palimpsest.plans.plan import Epoch, Plan, cap_batches
from palimpsest.stacks.stack import Stack
from palimpsest.training.captured import Trainer
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device


@dataclass
class Branch:
    """The settings that end here, and the epochs that lead on from here."""

    ending: list[Hashable] = field(default_factory=list)
    onward: "dict[Epoch, Branch]" = field(default_factory=dict)

    def epochs(self) -> int:
        """Epochs that are run below this point."""
        return sum(1 for _ in self.below())

    def below(self) -> Iterator[Epoch]:
        """The epochs that are run below this point."""
        for epoch, branch in self.onward.items():
            yield epoch
            yield from branch.below()


def tree(plans: Mapping[Any, Plan], sizes: Mapping[str, int]) -> dict[Plan, Branch]:
    """The trees of a sweep, one for each optimiser, preparation and treatment of BatchNorm.

    Args:
        plans: name of a setting to its plan.
        sizes: points per split.

    Returns:
        From a plan without epochs (what the runs of a tree share) to the root of the tree.
    """
    roots: dict[Plan, Branch] = {}
    for name, plan in plans.items():
        capped = cap_batches(plan, sizes)
        branch = roots.setdefault(replace(capped, epochs=()), Branch())
        for epoch in capped.epochs:
            branch = branch.onward.setdefault(epoch, Branch())
        branch.ending.append(name)
    return roots


@dataclass(frozen=True)
class Outcome:
    """One setting at the end of its path: the stack is to be read before the next outcome."""

    name: Any
    stack: Stack
    seconds: float


def run_sweep(
    stack: Stack,
    plans: Mapping[Any, Plan],
    *,
    data: TrainingData,
    seeds: Sequence[int],
    device: Device,
    trainer: Trainer | None = None,
) -> Iterator[Outcome]:
    """Run every setting from the weights of `stack` and yield each when its path ends.

    Args:
        stack: the starting models, one per seed; left as they are.
        plans: name of a setting to its plan.
        seeds: of the models, for shuffling.
        trainer: what earlier stacks were run by, or None.

    Yields:
        Outcomes with the seconds that one model of the stack spent on the preparation, the epochs
        of its own path and the finish.
    """
    trainer = trainer or Trainer(device)
    for root, branch in tree(plans, data.sizes()).items():
        yield from _run_tree(copy.deepcopy(stack), root, branch, data, seeds, trainer)


def _run_tree(
    stack: Stack,
    root: Plan,
    branch: Branch,
    data: TrainingData,
    seeds: Sequence[int],
    trainer: Trainer,
) -> Iterator[Outcome]:
    """The outcomes of one tree; the stack is changed in place."""
    device = trainer.device
    clock = _Clock(device)
    run = trainer.ready(stack, replace(root, epochs=tuple(branch.below())), data, seeds)
    stack = run.stack
    preparing = clock.seconds()

    def walk(branch: Branch, number: int, seconds: float) -> Iterator[Outcome]:
        for name in branch.ending:
            clock, finish = _Clock(device), run.prepared.finish
            finished = stack if finish is None else finish(copy.deepcopy(stack))
            yield Outcome(name, finished, (seconds + clock.seconds()) / stack.k)
        state = run.saved() if len(branch.onward) > 1 else None
        for turn, (epoch, onward) in enumerate(branch.onward.items()):
            if turn > 0:
                run.restore(state)
            clock = _Clock(device)
            run.epoch(epoch, number, "unlearn")
            yield from walk(onward, number + 1, seconds + clock.seconds())

    yield from walk(branch, 0, preparing)


def together(outcomes: Iterator[Outcome], weights: int) -> Iterator[list[Outcome]]:
    """The outcomes in lists, as many in each as have so many weights, or one alone: several are
    copies, which stay as they are until the next list."""
    several: list[Outcome] = []
    for outcome in outcomes:
        most = weights // sum(values.numel() for values in outcome.stack.parameters())
        if most < 2:
            yield [outcome]
            continue
        several.append(replace(outcome, stack=copy.deepcopy(outcome.stack)))
        if len(several) == most:
            yield several
            several = []
    if several:
        yield several


class _Clock:
    """Wall time of work on a device."""

    def __init__(self, device: Device) -> None:
        self._device = device
        device.wait()
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since the start, the device's work included."""
        self._device.wait()
        return time.perf_counter() - self._started
