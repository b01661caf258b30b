"""What a job does, counted from the words that its program is given, and the plans of these."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from palimpsest import registry
from palimpsest.config import plan_of
from palimpsest.config.needs import FLOAT, UNKNOWN, WIDEST, facts_of, set_sizes
from palimpsest.data.facts import Facts
from palimpsest.data.splits import Split
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.network import Network, network_of
from palimpsest.plans.plan import Plan, cap_batches
from palimpsest.plans.recipe import recipe
from palimpsest.records import COMPARED, STATISTICS
from palimpsest.stacks.stack import filled
from palimpsest.training.preparing import by_stack_size
from palimpsest.training.sweep import tree

TABLE = 2_000_000
"""bytes of a table, a part of one, or a figure in its forms: roughly what those of `digits` have"""

WORLDS = 25
"""times that the populations of a forget set are scored where the truth is known, roughly"""


@dataclass(frozen=True)
class Steps:
    """Training, or unlearning: so many steps of a stack.

    Args:
        models: those that are run in all, discarded copies included.
        stack: models that are one network.
        steps: of one model.
        passes: points whose gradient is taken, of one model.
    """

    models: int
    stack: int
    steps: int
    passes: int


@dataclass(frozen=True)
class Work:
    """What one job does.

    Args:
        training: steps, of each size of stack.
        evaluations: (models in a stack, models times points that are run forward).
        scored: settings times points times models times populations that KLoM is worked out of.
        attacked: attacks of membership inference, each of so many `members`.
        gradients, last_gradients: models times points whose gradient is taken point by point, for a
            datamodel: that of all weights, that of the last layer's.
        epochs: (separate, shared) that a sweep has.
        disk: bytes that it writes.
    """

    training: tuple[Steps, ...] = ()
    evaluations: tuple[tuple[int, int], ...] = ()
    scored: int = 0
    attacked: int = 0
    members: int = 0
    gradients: int = 0
    last_gradients: int = 0
    epochs: tuple[int, int] = (0, 0)
    disk: int = 0


class Counted:
    """The work of the jobs of one configuration.

    Args:
        config: complete and checked.
        root: folder in which splits lie that were made already.
    """

    def __init__(self, config: Mapping[str, Any], root: Path = Path()) -> None:
        self.config, self.root = config, root
        known = facts_of(config, root)
        self.guessed = known is None
        length = config["data"].get("length")
        guess = UNKNOWN if length is None else replace(UNKNOWN, item=(length,))
        self.facts: Facts = known or guess
        self.train, self.val = set_sizes(config, self.facts)
        self._sweeps: dict[str, Any] = {}

    @cached_property
    def network(self) -> Network:
        """The run's network on one point."""
        return network_of(self.config["model"], self.facts)

    @property
    def points(self) -> int:
        """Points of a record."""
        return self.train + self.val

    def of(self, job: Job) -> Work:
        """What a job does; nothing is known of most jobs but that they start and write a little."""
        known = {
            "prepare_data": self._prepare_data,
            "train_block": self._train_block,
            "datamodel_block": self._datamodel_block,
            "compare_block": self._compare_block,
            "unlearn_block": self._unlearn_block,
            "estimate_datamodel": self._estimate_datamodel,
            "score": self._score,
            "score_oracles": self._score_oracles,
            "score_number_of_models": self._score_numbers,
            "score_worlds": self._score_numbers,
        }
        if job.rule in known:
            return known[job.rule](job)
        return Work(disk=TABLE if job.words else 0)

    def _prepare_data(self, job: Job) -> Work:
        return Work(disk=self.facts.points * self.facts.values)

    def _train_block(self, job: Job) -> Work:
        forget = self.forgotten(job.words["--split"][0])
        models = job.number("--models")
        plan = recipe(**json.loads(job.words["--training"][0]))
        own = self._training(job, plan, models, self.train - forget)
        disk = models * (self.network.weights * FLOAT + self.points * record_bytes(job, self.facts))
        return replace(own, disk=disk)

    def _datamodel_block(self, job: Job) -> Work:
        models, fraction = job.number("--models"), float(job.words["--fraction"][0])
        plan = recipe(**json.loads(job.words["--training"][0]))
        own = self._training(job, plan, models, round(fraction * self.train), self.train)
        return replace(own, disk=models * self.train * (FLOAT + 1))

    def _training(
        self, job: Job, plan: Plan, models: int, retain: int, recorded: int | None = None
    ) -> Work:
        sizes = {"retain": retain, "forget": 0, "train": retain}
        stack = job.number("--stack")
        run = self._run(models, stack)
        points = self.points if recorded is None else recorded
        steps = _steps(cap_batches(plan, sizes), sizes)
        return Work((Steps(run, min(stack, run), *steps),), ((min(stack, run), run * points),))

    def _compare_block(self, job: Job) -> Work:
        stack, models = job.number("--stack"), self.config["populations"]["block"]
        disk = models * self.points * record_bytes(job, self.facts)
        return Work(evaluations=((stack, 3 * models * self.points),), disk=disk)

    def _unlearn_block(self, job: Job) -> Work:
        forget = self.forgotten(job.words["--split"][0])
        models, settings = job.number("--models"), job.words["--settings"][0]
        key = json.dumps([forget, job.words["--method"], settings, job.words["--stack"]])
        if key not in self._sweeps:
            self._sweeps[key] = self._sweep(job, json.loads(settings), forget)
        trees, plans, taught, epochs = self._sweeps[key]
        training: list[Steps] = []
        evaluations: list[tuple[int, int]] = []
        compared = 2 if {*job.words["--record"]} & {*COMPARED} else 1
        for stack, steps, passes, outcomes in trees:
            run = self._run(models, stack)
            training.append(Steps(run, min(stack, run), steps, passes))
            points = outcomes * compared * self.points + taught * self.facts.points
            evaluations.append((min(stack, run), run * points))
        disk = plans * models * self.points * record_bytes(job, self.facts)
        return Work(tuple(training), tuple(evaluations), epochs=epochs, disk=disk)

    def _sweep(self, job: Job, settings: list[dict[str, Any]], forget: int) -> tuple[Any, ...]:
        """Of each size of stack (stack, steps, passes, outcomes); plans; teachers; epochs."""
        sizes = {"forget": forget, "retain": self.train - forget, "train": self.train}
        plans = {n: plan_of(job.words["--method"][0], one) for n, one in enumerate(settings)}
        teachers = (
            any(plan.needs_teacher() for plan in plans.values()),
            any(plan.needs("incompetent") for plan in plans.values()),
        )
        trees: list[tuple[int, int, int, int]] = []
        shared = 0
        for stack, own in by_stack_size(plans, job.number("--stack")).items():
            roots = tree(own, sizes)
            steps = passes = 0
            for root, branch in roots.items():
                shared += branch.epochs()
                if root.prepare is not None:  # a look at every point, for a mask or for adapters
                    passes += sizes["train"]
                for phases in branch.below():
                    found = _steps(Plan((phases,)), sizes)
                    steps, passes = steps + found[0], passes + found[1]
            trees.append((stack, steps, passes, len(own)))
        separate = sum(len(plan.epochs) for plan in plans.values())
        return trees, len(plans), sum(teachers), (separate, shared)

    def _estimate_datamodel(self, job: Job) -> Work:
        asked = json.loads(job.words["--datamodels"][0])
        name = asked["estimator"]
        estimator = registry.module("datamodels/estimators", name)
        models = estimator.models(asked["estimators"][name]) if job.words["--weights"] else 0
        taken = 2 * models * self.train  # of all models, and of their halves
        if getattr(estimator, "OF_LAST_LAYER", False):
            return Work(last_gradients=taken, disk=TABLE)
        return Work(gradients=taken, disk=TABLE)

    def _score(self, job: Job) -> Work:
        metrics = json.loads(job.words["--metrics"][0])
        settings = len(json.loads(job.words["--settings"][0]))
        models = self._models(job)
        populations = 5 + metrics["klom"]["redraws"] if "klom" in metrics else 0
        return Work(
            scored=settings * self.points * models * populations,
            attacked=settings * self._attacks(metrics, models),
            members=min(self.val, self.train), disk=settings * TABLE // 10,
        )  # fmt: skip

    def _score_oracles(self, job: Job) -> Work:
        metrics, models = json.loads(job.words["--metrics"][0]), self._models(job)
        repeats = 2 * metrics["klom"]["null_repeats"] if "klom" in metrics else 0
        return Work(
            scored=self.points * models * repeats, attacked=self._attacks(metrics, models),
            members=min(self.val, self.train), disk=TABLE,
        )  # fmt: skip

    def _score_numbers(self, job: Job) -> Work:
        own = json.loads(job.words["--metrics"][0])["klom"]
        most = int(self.config["populations"]["models"])
        models = sum(min(int(number), most) for number in job.words["--numbers"])
        populations = own["null_repeats"] + own["redraws"]
        times = WORLDS if job.rule == "score_worlds" else 1
        return Work(scored=self.points * models * populations * times, disk=TABLE)

    def _models(self, job: Job) -> int:
        asked = job.words.get("--models")
        return int(asked[0]) if asked else int(self.config["populations"]["models"])

    def _attacks(self, metrics: Mapping[str, Any], models: int) -> int:
        if "mia" not in metrics:
            return 0
        own = {**self.config["metrics"]["mia"], **metrics["mia"]}
        return min(own["attacked"] or models, models) * len(own["features"])

    def _run(self, models: int, stack: int) -> int:
        """Models that are run for so many, with the discarded copies that fill stacks up."""
        if stack == 1:
            return models
        whole, rest = divmod(models, stack)
        multiple = self.network.multiple
        return whole * filled(stack, multiple) + (filled(rest, multiple) if rest else 0)

    def forgotten(self, split: str) -> int:
        """Points of the forget set of a split: counted where it lies, else what its definition
        tells, else as many as one class has."""
        name = Path(split).stem
        if name == "base":
            return 0
        path = self.root / split
        if path.is_file():
            return len(Split.load(path).forget)
        definition = dict(self.config["forget_sets"][name])
        kind = registry.module("data/forget_sets", definition.pop("kind"))
        classes = len(definition.get("classes", [0]))
        found: int = kind.points(definition) or self.train * classes // self.facts.forgettable
        return found


def record_bytes(job: Job, facts: Facts) -> int:
    """Bytes that a record has of one model at one point."""
    many = {"logits": facts.classes, "features": WIDEST}
    names = job.words["--record"]
    return sum(STATISTICS[name].itemsize * many.get(name, 1) for name in names)


def _steps(plan: Plan, sizes: Mapping[str, int]) -> tuple[int, int]:
    """Steps of a plan, and points whose gradient is taken, of one model."""
    steps = sum(phase.steps(sizes) for epoch in plan.epochs for phase in epoch)
    return steps, plan.passes(sizes)
