"""Jobs as stages of a run, with what they take; and the time until the last of them ends."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from palimpsest.forecast.devices import Device
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.work import Counted, Work

STAGES = {  # rule -> stage; of training and unlearning the wildcards say which
    "prepare_data": "data and forget sets",
    "select_forget_set": "data and forget sets",
    "datamodel_block": "datamodels",
    "estimate_datamodel": "datamodels",
    "compare_estimates": "datamodels",
    "compare_block": "oracles compared",
    "score": "scores",
    "score_oracles": "scores",
    "score_number_of_models": "scores",
    "score_worlds": "scores",
    "gather": "scores",
}
POPULATIONS = {
    "original": "originals", "oracle": "oracles", "second_oracle": "second oracles",
}  # fmt: skip
SHOWN = "figures, verdicts, reports"
TARGETS = "targets (no program)"
ORDER = [
    "data and forget sets", "datamodels", *POPULATIONS.values(), "oracles compared", "unlearning",
    "scores", SHOWN, TARGETS,
]  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A job with its work and the seconds that it takes."""

    job: Job
    work: Work
    seconds: float

    @property
    def stage(self) -> str:
        """The stage that it belongs to."""
        if self.job.rule == "train_block":
            return POPULATIONS[self.job.wildcards["population"].partition("/")[0]]
        if self.job.rule == "unlearn_block":
            return f"unlearning: {self.job.wildcards['method']}"
        return STAGES.get(self.job.rule, SHOWN if self.job.words else TARGETS)


@dataclass(frozen=True)
class Slots:
    """What runs side by side: so many jobs, of which so many may take a GPU."""

    jobs: int
    gpus: int


def tasks_of(
    jobs: Iterable[Job], counted: Counted, name: str, known: Mapping[str, Device]
) -> list[Task]:
    """The jobs of a run on a device; those that it has nothing for run on its host."""
    found = []
    for job in jobs:
        device = known[name]
        if device.gpu and not job.gpu:
            device = known[device.host or name]
        work = counted.of(job)
        asked = work.training or work.evaluations or work.gradients or work.last_gradients
        network = counted.network if asked else None
        seconds = device.seconds(job, work, network) if job.words else 0.0
        found.append(Task(job, work, seconds))
    return found


def stages_of(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    """The tasks of each stage, in the order of a run."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.stage, []).append(task)
    place = {stage: number for number, stage in enumerate(ORDER)}
    ordered = sorted(found, key=lambda stage: place[stage.partition(":")[0]])
    return {stage: found[stage] for stage in ordered}


def before(tasks: Sequence[Task]) -> list[list[int]]:
    """Of each task the places of those whose files it reads."""
    makes = {path: place for place, task in enumerate(tasks) for path in task.job.outputs}
    return [
        sorted({makes[path] for path in task.job.inputs if path in makes} - {place})
        for place, task in enumerate(tasks)
    ]


def wall_seconds(tasks: Sequence[Task], slots: Slots) -> float:
    """Seconds from the start to the end of the last task, where each starts as soon as its files
    are there and a place is free, the longest first."""
    earlier_ones = before(tasks)
    needs = [len(places) for places in earlier_ones]
    then: list[list[int]] = [[] for _ in tasks]
    for place, places in enumerate(earlier_ones):
        for earlier in places:
            then[earlier].append(place)
    waiting: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
    running: list[tuple[float, int]] = []
    now, jobs, gpus = 0.0, slots.jobs, slots.gpus

    def ready(place: int) -> None:
        heapq.heappush(waiting[tasks[place].job.gpu], (-tasks[place].seconds, place))

    for place, number in enumerate(needs):
        if not number:
            ready(place)
    while any(waiting.values()) or running:
        for gpu in (True, False):
            while waiting[gpu] and jobs and (gpus or not gpu):
                _, place = heapq.heappop(waiting[gpu])
                jobs, gpus = jobs - 1, gpus - gpu
                heapq.heappush(running, (now + tasks[place].seconds, place))
        now, place = heapq.heappop(running)
        jobs, gpus = jobs + 1, gpus + tasks[place].job.gpu
        for later in then[place]:
            needs[later] -= 1
            if not needs[later]:
                ready(later)
    return now


def alone(tasks: Sequence[Task], slots: Slots) -> float:
    """Seconds of a stage by itself: its jobs side by side, none shorter than the longest."""
    places = min(slots.jobs, slots.gpus) if tasks[0].job.gpu else slots.jobs
    total = sum(task.seconds for task in tasks)
    return max(total / places, max(task.seconds for task in tasks))


def epochs_of(tasks: Iterable[Task]) -> tuple[int, int]:
    """(separate, shared) epochs of all models in all sweeps."""
    separate = shared = 0
    for task in tasks:
        if task.job.rule == "unlearn_block":
            models = task.job.number("--models")
            separate += models * task.work.epochs[0]
            shared += models * task.work.epochs[1]
    return separate, shared
