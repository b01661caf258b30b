"""What a run needs of a machine, reckoned before it starts: disk, memory, time.

Rough on purpose, from above: a scheduler stops a job that asked for too little.
"""

import functools
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from palimpsest import models, records, registry
from palimpsest.config.grids import combinations, plan_of
from palimpsest.config.reading import merge
from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import Experiment, experiments
from palimpsest.data.facts import Facts
from palimpsest.data.splits import part_sizes

Config = Mapping[str, Any]

UNKNOWN = Facts(points=60_000, train_points=50_000, classes=10, item=(3, 32, 32), vocabulary=50_000)
"""taken where nothing is known of a data set before it is loaded: it may be as large as this"""
FLOAT = 4
WIDEST = 512
"""features of one point: those of the widest model there is, ResNet-18 at width 64"""
LOGITS = 6
"""arrays as large as the logits of a batch that a step holds: they matter of next tokens alone"""
ESTIMATORS = "datamodels/estimators"
MB = 1e6
WORK_A_MINUTE = {"cpu": 5e9, "cuda": 8e11}
"""weights times points that a device learns from: little of one core, and of a GPU"""


def facts_of(config: Mapping[str, Any], root: Path = Path()) -> Facts | None:
    """What is known of the data set of a configuration before it is loaded."""
    data = config["data"]
    source, own = source_of(data)
    found: Facts | None = source.facts(
        root / data["data_dir"], data["checksums"], **registry.accepted(source.facts, own)
    )
    return found


def source_of(data: Config) -> tuple[ModuleType, dict[str, Any]]:
    """The source that the section `data` names, and its own settings there."""
    own = registry.settings_of("data/sources", data["name"]).model_fields
    settings = {key: data[key] for key in own if key in data}
    return registry.module("data/sources", data["name"]), settings


def part_wishes(data: Config) -> dict[str, Any]:
    """What the section `data` asks of the two parts of a split."""
    return {key: data[key] for key in ("val_fraction", "train_size", "val_size")}


def set_sizes(config: Config, facts: Facts) -> tuple[int, int]:
    """Training and validation points; ValueError if the data set has not so many."""
    wishes = part_wishes(config["data"])
    return part_sizes(facts.points, facts.train_points, **wishes, classes=facts.classes)


def disk_bytes(config: Config, facts: Facts, train: int, val: int) -> int:
    """Bytes that the listed studies keep: records of all models, originals' weights, and
    where important points are sought the models on random subsets."""
    use, models = Use.of(config, facts), config["populations"]["models"]
    kept = (models * use.original + use.kept) * (train + val) + models * use.weights * FLOAT
    if use.estimates:
        kept += subset_models(config["datamodels"]) * train * (FLOAT + 1)  # margins and membership
    return kept


def needs_estimate(definition: Config) -> bool:
    """Whether a forget set is chosen by a datamodel."""
    return "estimate" in getattr(
        registry.module("data/forget_sets", definition["kind"]), "NEEDS", ()
    )


def subset_models(datamodels: Config) -> int:
    """Models on random subsets: those that test an estimate, and those that it is made from."""
    name = datamodels["estimator"]
    estimator = registry.module(ESTIMATORS, name)
    models: int = estimator.models(datamodels["estimators"][name])
    tested: int = datamodels["held_out"] * datamodels["seeds"]
    return tested + (models if estimator.NEEDS == "subsets" else 0)


def memory_mb(step: str, config: Config, facts: Facts | None) -> int:
    """Megabytes of memory for a job of a rule."""
    return math.ceil(_needs(config, facts)[step].megabytes)


def minutes(step: str, config: Config, facts: Facts | None) -> int:
    """Minutes after which a job of a rule may be stopped: hours even where it takes minutes."""
    return math.ceil(_needs(config, facts)[step].minutes)


def least_mb(config: Config, facts: Facts | None) -> tuple[str, float]:
    """The step whose jobs hold most at once for certain, and how many megabytes that is: with less
    it cannot be done, while `memory_mb` is enough."""
    held = {step: need.held for step, need in _needs(config, facts).items()}
    return max(held.items(), key=lambda pair: pair[1])


class Need(NamedTuple):
    """What a job of a step takes: a floor for libraries and start, and what grows with the run."""

    megabytes: float
    minutes: float
    held: float
    """megabytes of the arrays that lie in memory together at some time"""


def _needs(config: Config, facts: Facts | None) -> dict[str, Need]:
    """Step -> what its jobs take."""
    return _needs_of(json.dumps(dict(config)), facts)


@functools.lru_cache(maxsize=1)
def _needs_of(settings: str, facts: Facts | None) -> dict[str, Need]:
    config: Config = json.loads(settings)
    if facts is None:
        facts, config = UNKNOWN, merge(config, {"data": {"train_size": None, "val_size": None}})
    use, (train, val) = Use.of(config, facts), set_sizes(config, facts)
    populations, datamodels = config["populations"], config["datamodels"]
    block = min(populations["block"], populations["models"])
    halves = min(datamodels["block"], subset_models(datamodels)) * datamodels["fraction"]
    inputs, matrix = facts.points * facts.values * FLOAT / MB, train**2 * FLOAT / MB
    sweep = use.sweep * (train + val) / MB  # one model under all settings
    scored = use.scored * (train + val) / MB
    states = block * use.weights * FLOAT / MB
    training = 2 * inputs + 4 * block * use.weights * FLOAT / MB  # gradients, momentum, results
    if models.predicts(config["model"]["name"]) == "next_token":
        asked = config["training"]["batch_size"] * facts.values * (facts.vocabulary or 1)
        training += LOGITS * asked * FLOAT / MB
    work = use.weights / WORK_A_MINUTE[config["device"]]
    epochs = config["training"]["epochs"] * train * work
    projected = datamodels["estimators"][datamodels["estimator"]].get("dimension", 0)
    signs = projected * use.weights / MB
    estimate = 2 * matrix + signs if use.estimates else 0
    return {
        "prepare_data": Need(3000 + 2 * inputs, 60 + inputs / 80, inputs / FLOAT),
        "train_block": Need(3000 + training, 180 + block * epochs, inputs + states),
        "compare_block": Need(
            3000 + training, 180 + block * (train + val) * work, inputs + 2 * states
        ),
        "datamodel_block": Need(3000 + training, 180 + halves * epochs, inputs),
        "unlearn_block": Need(
            5500 + training + 2 * block * sweep, 480 + block * use.passes * work,
            inputs + states + block * sweep,
        ),
        "estimate_datamodel": Need(5000 + 5 * matrix + signs, 180 + matrix / 100, estimate),
        "select_forget_set": Need(2000, 45, 0),
        "score": Need(9000 + 3 * scored, 180 + scored / 25, scored),
    }  # fmt: skip


@dataclass
class Use:
    """What the listed studies make of a data set: models, and bytes of their records at one point.

    Args:
        weights: of one model.
        original: bytes of one original.
        kept: of all oracles and all unlearned models.
        sweep: of one model in all settings of a method, the most that a job of unlearning leaves.
        scored: of all models in all of these settings, the most that a job of scoring reads.
        estimates: whether a datamodel is estimated to choose some of the forget sets.
        passes: points whose gradient one model takes, in all settings of the longest method, and
            what measuring it is worth.
    """

    weights: int
    original: int
    kept: int = 0
    sweep: int = 0
    scored: int = 0
    estimates: bool = False
    passes: int = 0

    @classmethod
    def of(cls, config: Config, facts: Facts) -> "Use":
        """Count what `config` asks for."""
        listed, populations = experiments(chosen_studies(config)), config["populations"]
        many = {"logits": facts.classes, "features": WIDEST}

        def kept(tests: Iterable[Experiment]) -> set[str]:
            return {name for test in tests for name in test.kept(config["metrics"])}

        def record(tests: Iterable[Experiment]) -> int:
            bytes_of = {name: kind.itemsize for name, kind in records.STATISTICS.items()}
            return sum(bytes_of[name] * many.get(name, 1) for name in kept(tests))

        def models(tests: Iterable[Experiment]) -> int:
            return max(test.models or populations["models"] for test in tests)

        model = dict(config["model"])
        weights = registry.module("models", model.pop("name")).weights(facts, **model)
        use, forget = cls(weights, record(listed.values())), 1
        train, val = set_sizes(config, facts)
        sweeps: Counter[tuple[str, tuple[str, ...]]] = Counter()  # of a method, for experiments
        for name in dict.fromkeys(name for test in listed.values() for name in test.forget_sets):
            tests = {key: test for key, test in listed.items() if name in test.forget_sets}
            second = name in populations["second_oracle"] and populations["second_oracle_models"]
            use.kept += (models(tests.values()) + second) * record(tests.values())
            for method in {method for test in tests.values() for method in test.methods}:
                sweeps[method, tuple(key for key in tests if method in tests[key].methods)] += 1
            definition = dict(config["forget_sets"][name])
            anew = config["datamodels"]["shipped"] is None
            use.estimates |= anew and needs_estimate(definition)
            kind = registry.module("data/forget_sets", definition.pop("kind"))
            forget = max(forget, kind.points(definition) or train // 10)
        sizes = {"forget": forget, "retain": train, "train": train}
        for (method, keys), forget_sets in sweeps.items():
            own = [listed[key] for key in keys]
            settings: list[Any] = []
            for test in own:
                asked = combinations(method, test.grids.get(method, [{}]))
                settings += [setting for setting in asked if setting not in settings]
            plans = [plan for plan in (plan_of(method, s) for s in settings) if plan.epochs]
            sweep = len(plans) * record(own)
            use.kept += forget_sets * models(own) * sweep
            use.sweep = max(use.sweep, sweep)
            use.scored = max(use.scored, models(own) * sweep)
            # three models are run where they are compared; a run costs a third of a gradient
            measured = (train + val) if kept(own) & {*records.COMPARED} else (train + val) // 3
            use.passes = max(use.passes, sum(plan.passes(sizes) + measured for plan in plans))
        return use
