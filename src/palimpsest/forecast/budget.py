"""What fits a budget of hours, in a plain order of priorities.

1. The originals. 2. Of each forget set, in the order of the configuration: its oracles, then the
methods that take no step and the first one that does. 3. The other methods, each on all these sets,
in the order of the configuration. 4. Second oracles, and what is left. A job comes with all that it
waits for, a datamodel for instance. What does not fit whole is taken block by block, and nothing
comes after it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import experiments
from palimpsest.forecast.stages import Task, before

ORIGINALS = "originals"


@dataclass(frozen=True)
class Part:
    """One line of a budget: models of so many that are asked for, and hours that they take."""

    what: str
    models: int
    asked: int
    hours: float

    @property
    def whole(self) -> bool:
        """Whether all models that are asked for fit."""
        return self.models == self.asked


def in_one_line(parts: Sequence[Part]) -> str:
    """What fits: models of each kind, and on how many forget sets, whole or begun."""
    sets = Counter(part.what.rpartition(": ")[2] for part in parts if part.whole)
    words = [
        f"{kind} of {number} forget set{'s' * (number > 1)}"
        for kind, number in sets.items()
        if kind != ORIGINALS
    ]
    words = [f"{part.models} {ORIGINALS}" for part in parts if part.what == ORIGINALS] + words
    words += [
        f"{part.models} of {part.asked} models of {part.what}"
        for part in parts
        if part.models and not part.whole and part.what != ORIGINALS
    ]
    return ", ".join(words) or "nothing is left to train or to unlearn"


def fitting(
    tasks: Sequence[Task],
    config: Mapping[str, object],
    hours: float,
    counts: Callable[[Task], bool],
) -> list[Part]:
    """The parts that fit into `hours` of the tasks that count, and the first one that does not.

    What is done already is not among the tasks, and costs nothing.
    """
    earlier, bought, left = before(tasks), set[int](), hours * 3600
    parts: list[Part] = []
    for what, places in _groups(tasks, config):
        spent, models = 0.0, 0
        for place in places:
            more = _closure(place, earlier) - bought
            seconds = sum(tasks[one].seconds for one in more if counts(tasks[one]))
            if seconds > left:
                break
            bought |= more
            left -= seconds
            spent += seconds
            models += tasks[place].job.number("--models")
        asked = sum(tasks[place].job.number("--models") for place in places)
        parts.append(Part(what, models, asked, spent / 3600))
        if not parts[-1].whole:
            break
    return parts


def _groups(tasks: Sequence[Task], config: Mapping[str, object]) -> Iterator[tuple[str, list[int]]]:
    """What is bought, in the order of priorities, with the places of its tasks, block by block."""
    listed = experiments(chosen_studies(config)).values()
    sets = dict.fromkeys(name for test in listed for name in test.forget_sets)
    methods = list(dict.fromkeys(name for test in listed for name in test.methods))
    steps = {
        task.job.wildcards["method"]
        for task in tasks
        if task.job.rule == "unlearn_block" and task.work.epochs[0]
    }
    first = next((name for name in methods if name in steps), "")
    early = [name for name in methods if name == first or name not in steps]

    blocks: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for place, task in enumerate(tasks):
        if task.job.rule in ("train_block", "unlearn_block"):
            *whose, block = task.job.wildcards.values()
            blocks.setdefault(tuple(whose), []).append((int(block), place))

    def of(*whose: str) -> list[int]:
        return [place for _, place in sorted(blocks.get(whose, []))]

    groups = [(ORIGINALS, of("original"))]
    for name in sets:
        groups.append((f"{name}: oracles", of(f"oracle/{name}")))
        groups += [(f"{name}: {one}", of(name, one)) for one in early]
    for one in methods:
        if one not in early:
            groups += [(f"{name}: {one}", of(name, one)) for name in sets]
    for name in sets:
        second = of(f"second_oracle/{name}")
        groups.append((f"{name}: second oracles", second))
    yield from ((what, places) for what, places in groups if places)


def _closure(place: int, earlier: Sequence[Sequence[int]]) -> set[int]:
    """A task and all that it waits for."""
    found: set[int] = set()
    open_ones = [place]
    while open_ones:
        one = open_ones.pop()
        if one not in found:
            found.add(one)
            open_ones += earlier[one]
    return found
