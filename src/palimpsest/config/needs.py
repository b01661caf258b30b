"""What a run needs of a machine, reckoned before it starts: disk, memory, time.

Rough on purpose, from above: a scheduler stops a job that asked for too little.
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
"""weights times points that a device learns from: little of one core, and of a GPU"""


def part_wishes(data: Config) -> dict[str, Any]:
    """What the section `data` asks of the two parts of a split."""
    return {key: data[key] for key in ("val_fraction", "train_size", "val_size")}


def set_sizes(config: Config, facts: Facts) -> tuple[int, int]:
    """Training and validation points; ValueError if the data set has not so many."""
    return part_sizes(facts.points, facts.train_points, **part_wishes(config["data"]))


def disk_bytes(config: Config, facts: Facts, train: int, val: int) -> int:
    """Bytes that the listed studies keep: records of all models, originals' weights, a matrix."""
    use, populations, datamodels = (
        Use.of(config, facts),
        config["populations"],
        config["datamodels"],
    )
    measured = populations["models"] * (1 + len(use.forget_sets) + use.unlearned)
    measured += populations["second_oracle_models"] * len(populations["second_oracle"])
    kept = measured * (train + val) * use.record + populations["models"] * use.weights * FLOAT
    if use.needs_matrix:
        kept += train * train * FLOAT
        if datamodels["estimator"] == "half_subsets":
            kept += datamodels["models"] * train * (FLOAT + 1)  # margins and membership
    return kept


def memory_mb(step: str, config: Config, facts: Facts | None) -> int:
    """Megabytes of memory for a job of a rule."""
    facts = facts or UNKNOWN
    use, (train, val) = Use.of(config, facts), set_sizes(config, facts)
    models, block = (config["populations"][key] for key in ("models", "block"))
    inputs, matrix = facts.points * facts.values * FLOAT / MB, train**2 * FLOAT / MB
    networks = min(block, models) * use.weights * FLOAT / MB
    sweep = use.settings * (train + val) * use.record / MB  # one model under all settings
    training = 3000 + 2 * inputs + 4 * networks  # libraries; a copy; gradients, momentum, results
    formulas = {
        "prepare_data": 3000 + 2 * inputs,
        "train_block": training,
        "datamodel_block": training,
        "unlearn_block": training + 2500 + 2 * min(block, models) * sweep,  # states of the tree
        "estimate_datamodel": 5000 + 5 * matrix,
        "select_forget_set": 2000 + 2 * matrix,
        "score": 9000 + 3 * models * sweep,
    }
    return math.ceil(formulas[step])


def minutes(step: str, config: Config, facts: Facts | None) -> int:
    """Minutes after which a job of a rule may be stopped: hours even where it takes minutes."""
    facts = facts or UNKNOWN
    use, (train, val) = Use.of(config, facts), set_sizes(config, facts)
    populations, datamodels = config["populations"], config["datamodels"]
    models, block = populations["models"], min(populations["block"], populations["models"])
    subsets = datamodels["held_out" if datamodels["estimator"] == "trak" else "models"]
    halves = min(datamodels["block"], subsets) * datamodels["fraction"]
    pass_over_one = use.weights / WORK_A_MINUTE[config["device"]]
    training = config["training"]["epochs"] * train * pass_over_one
    formulas = {
        "prepare_data": 60 + facts.points * facts.values / 2e7,
        "train_block": 180 + block * training,
        "datamodel_block": 180 + halves * training,
        "unlearn_block": 480 + block * use.passes * pass_over_one,
        "estimate_datamodel": 180 + train**2 / 3e7,
        "select_forget_set": 45 + train**2 / 1e8,
        "score": 180 + models * use.settings * (train + val) / 5e6,
    }
    return math.ceil(formulas[step])


@dataclass
class Use:
    """What the listed studies make of a data set.

    Args:
        weights: of one model.
        record: bytes that are kept of one model at one point.
        forget_sets: names of those in use.
        needs_matrix: whether some of them is chosen by the datamodel matrix.
        unlearned: populations of unlearned models.
        settings: of the method that has most.
        passes: points whose gradient one model takes, in all settings of the longest method.
    """

    weights: int
    record: int
    forget_sets: set[str]
    needs_matrix: bool = False
    unlearned: int = 0
    settings: int = 0
    passes: int = 0

    @classmethod
    def of(cls, config: Config, facts: Facts) -> "Use":
        """Count what `config` asks for."""
        listed = [
            config[name]
            for name, kind in studies().items()
            if name in config["studies"] and issubclass(kind, PopulationStudy)
        ]
        model = dict(config["model"])
        use = cls(
            weights=registry.module("models", model.pop("name")).weights(facts, **model),
            record=sum(
                records.STATISTICS[name].itemsize * (facts.classes if name == "logits" else 1)
                for name in {*records.ALWAYS}.union(*(study["record"] for study in listed))
            ),
            forget_sets={name for study in listed for name in study["forget_sets"]},
        )
        train, forget = set_sizes(config, facts)[0], 1
        for definition in (dict(config["forget_sets"][name]) for name in use.forget_sets):
            kind = registry.module("data/forget_sets", definition.pop("kind"))
            use.needs_matrix |= "datamodel" in getattr(kind, "NEEDS", ())
            forget = max(forget, kind.points(definition) or train // 10)
        for study in listed:
            for method in study["methods"]:
                settings = combinations(method, study["grids"].get(method, [{}]))
                plans = [plan for plan in (plan_of(method, s) for s in settings) if plan.epochs]
                passes = sum(plan.passes({"forget": forget, "retain": train}) for plan in plans)
                use.unlearned += len(plans) * len(study["forget_sets"])
                use.settings = max(use.settings, len(plans))
                use.passes = max(use.passes, passes)
        return use
