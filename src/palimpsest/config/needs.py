"""What a run needs of a machine, reckoned before it starts: disk, memory, time.

Rough on purpose, from above: a scheduler stops a job that asked for too little. A network's work is
reckoned as its weights times the points that it sees.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from palimpsest import records, registry
from palimpsest.config.grids import combinations, plan_of
from palimpsest.config.settings import studies
from palimpsest.config.study import PopulationStudy
from palimpsest.data.facts import Facts
from palimpsest.data.splits import part_sizes

Config = Mapping[str, Any]

UNKNOWN = Facts(points=60_000, train_points=50_000, classes=10, item=(3, 32, 32))
"""taken where nothing is known of a data set before it is loaded: it may be as large as this"""
FLOAT = 4
MB = 1e6
WORK_A_MINUTE = {"cpu": 5e9, "cuda": 8e11}
"""weights times points, forth and back: a tenth of one core, a small part of a GPU"""


def disk_bytes(config: Config, facts: Facts, train: int, val: int) -> int:
    """Bytes that the listed studies keep: records of all models, originals' weights, a matrix."""
    use = _Use.of(config, facts, (train, val))
    populations, datamodels = config["populations"], config["datamodels"]
    measured = populations["models"] * (1 + len(use.forget_sets) + use.unlearned)
    measured += populations["second_oracle_models"] * len(populations["second_oracle"])
    kept = measured * (train + val) * use.point + populations["models"] * use.weights * FLOAT
    if use.datamodel:
        kept += train * train * FLOAT
        if datamodels["estimator"] == "half_subsets":
            kept += datamodels["models"] * train * (FLOAT + 1)  # margins and membership
    return kept


def memory_mb(step: str, config: Config, facts: Facts | None) -> int:
    """Megabytes of memory for a job of a rule."""
    use = _Use.of(config, facts or UNKNOWN)
    data = use.points * use.facts.values * FLOAT / MB
    matrix = use.train**2 * FLOAT / MB
    block = min(config["populations"]["block"], config["populations"]["models"])
    sweep = use.settings * use.points * use.point / MB  # the records of a method, one model
    weights = use.weights * FLOAT / MB
    training = 3000 + 2 * data + 4 * block * weights  # libraries, inputs, optimiser and copies
    formulas = {
        "prepare_data": 3000 + 2 * data,
        "train_block": training,
        "datamodel_block": training,
        "unlearn_block": training + 2500 + 2 * block * sweep,  # and the teacher, and the records
        "estimate_datamodel": 5000 + 5 * matrix,
        "select_forget_set": 2000 + 2 * matrix,
        "score": 9000 + 3 * config["populations"]["models"] * sweep,
    }
    return math.ceil(formulas[step])


def minutes(step: str, config: Config, facts: Facts | None) -> int:
    """Minutes after which a job of a rule may be stopped: hours where it takes minutes."""
    use = _Use.of(config, facts or UNKNOWN)
    populations, datamodels = config["populations"], config["datamodels"]
    models = min(populations["block"], populations["models"])
    work = config["training"]["epochs"] * use.train * use.weights / WORK_A_MINUTE[config["device"]]
    subsets = datamodels["held_out" if datamodels["estimator"] == "trak" else "models"]
    halves = min(datamodels["block"], subsets) * datamodels["fraction"]
    unlearning = use.passes * use.weights / WORK_A_MINUTE[config["device"]]
    formulas = {
        "prepare_data": 60 + use.points * use.facts.values / 2e7,
        "train_block": 180 + models * work,
        "datamodel_block": 180 + halves * work,
        "unlearn_block": 480 + models * unlearning,
        "estimate_datamodel": 180 + use.train**2 / 3e7,
        "select_forget_set": 45 + use.train**2 / 1e8,
        "score": 180 + populations["models"] * use.settings * use.points / 5e6,
    }
    return math.ceil(formulas[step])


@dataclass(frozen=True)
class _Use:
    """What the listed studies make of a data set."""

    facts: Facts
    train: int
    points: int
    """training and validation points"""
    weights: int
    """of one model"""
    point: int
    """bytes that the records keep of one model at one point"""
    forget_sets: set[str]
    datamodel: bool
    """whether some forget set is chosen by the matrix"""
    unlearned: int
    """populations of unlearned models"""
    settings: int
    """of the method that has most"""
    passes: int
    """points whose gradient one model's unlearning takes, for all settings of the longest method"""

    @classmethod
    def of(cls, config: Config, facts: Facts, sizes: tuple[int, int] | None = None) -> "_Use":
        wanted = {key: config["data"][key] for key in ("val_fraction", "train_size", "val_size")}
        train, val = sizes or part_sizes(facts.points, facts.train_points, **wanted)
        model = dict(config["model"])
        weights = registry.module("models", model.pop("name")).weights(facts, **model)
        populations = [
            name for name, kind in studies().items() if issubclass(kind, PopulationStudy)
        ]
        listed = [config[name] for name in populations if name in config["studies"]]
        kept = {*records.ALWAYS}.union(*(study["record"] for study in listed))
        forget_sets = {name for study in listed for name in study["forget_sets"]}
        kinds, forget = set(), [1]
        for definition in (dict(config["forget_sets"][name]) for name in forget_sets):
            module = registry.module("data/forget_sets", definition.pop("kind"))
            kinds.add("datamodel" in getattr(module, "NEEDS", ()))
            forget.append(module.points(definition) or train // 10)
        unlearned, settings, passes = 0, 0, 0
        for study in listed:
            for method in study["methods"]:
                choices = combinations(method, study["grids"].get(method, [{}]))
                plans = [plan for plan in (plan_of(method, c) for c in choices) if plan.epochs]
                seen = {"forget": max(forget), "retain": train}
                unlearned += len(study["forget_sets"]) * len(plans)
                settings = max(settings, len(plans))
                passes = max(passes, sum(plan.passes(seen) for plan in plans))
        statistics = {name: records.STATISTICS[name].itemsize for name in kept}
        if "logits" in statistics:
            statistics["logits"] *= facts.classes
        return cls(
            facts, train, train + val, weights, sum(statistics.values()), forget_sets,
            any(kinds), unlearned, settings, passes,
        )  # fmt: skip
