"""A sweep is a tree: settings whose schedules begin alike share those epochs.

The tree is built by comparing phases, so it needs to know nothing of any method. Sharing is exact:
the random numbers of an epoch depend on (seed, epoch, phase) alone and the state at a branch is
copied, so that every setting ends with the bits of a run of its own.
"""

import copy
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from palimpsest.models.stacks import Stack, StateDict
from palimpsest.phases import Epoch, Schedule
from palimpsest.training.device import Device
from palimpsest.training.loop import TrainingData, run_epoch, set_mode, sgd


@dataclass
class Branch:
    """The settings that end here, and the epochs that lead on from here."""

    ending: list[Hashable] = field(default_factory=list)
    onward: "dict[Epoch, Branch]" = field(default_factory=dict)

    def epochs(self) -> int:
        """Epochs that are run below this point."""
        return sum(1 + branch.epochs() for branch in self.onward.values())


def fit(schedule: Schedule, sizes: Mapping[str, int]) -> Schedule:
    """The same schedule with no batch larger than its split (two such settings are one run)."""
    epochs = tuple(
        tuple(phase.fitted(sizes[phase.split]) for phase in epoch) for epoch in schedule.epochs
    )
    return replace(schedule, epochs=epochs)


def tree(schedules: Mapping[Any, Schedule], sizes: Mapping[str, int]) -> dict[Schedule, Branch]:
    """The trees of a sweep, one for each optimiser and treatment of BatchNorm.

    Args:
        schedules: name of a setting to its schedule.
        sizes: points per split.

    Returns:
        From a schedule without epochs (what the runs of a tree share) to the root of the tree.
    """
    roots: dict[Schedule, Branch] = {}
    for name, schedule in schedules.items():
        fitted = fit(schedule, sizes)
        branch = roots.setdefault(replace(fitted, epochs=()), Branch())
        for epoch in fitted.epochs:
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
    schedules: Mapping[Any, Schedule],
    *,
    data: TrainingData,
    seeds: Sequence[int],
    device: Device,
) -> Iterator[Outcome]:
    """Run every setting from the weights of `stack` and yield each when its path ends.

    Args:
        stack: the starting models, one per seed; changed in place while the sweep runs.
        schedules: name of a setting to its schedule.
        seeds: of the models, for shuffling.

    Yields:
        Outcomes with the seconds that one model of the stack spent on the epochs of its own path.
    """
    start = copy.deepcopy(stack.state_dict())
    for root, branch in tree(schedules, data.sizes()).items():
        stack.load_state_dict(start)
        set_mode(stack, root.batch_norm)
        optimiser = sgd(stack, root)

        def walk(
            branch: Branch, number: int, seconds: float, optimiser: Any = optimiser
        ) -> Iterator[Outcome]:
            for name in branch.ending:
                yield Outcome(name, stack, seconds / stack.k)
            several = len(branch.onward) > 1
            state: tuple[StateDict, Any] | None = None
            if several:
                state = copy.deepcopy((stack.state_dict(), optimiser.state_dict()))
            for turn, (epoch, onward) in enumerate(branch.onward.items()):
                if state is not None and turn > 0:
                    stack.load_state_dict(state[0])
                    optimiser.load_state_dict(copy.deepcopy(state[1]))
                device.wait()
                started = time.perf_counter()
                run_epoch(
                    stack,
                    optimiser,
                    epoch,
                    data=data,
                    seeds=seeds,
                    number=number,
                    purpose="unlearn",
                    device=device,
                )
                device.wait()
                spent = time.perf_counter() - started
                yield from walk(onward, number + 1, seconds + spent)

        yield from walk(branch, 0, 0.0)
