"""What models of single keys cannot say of a configuration: that its parts fit each other."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from palimpsest import records, registry
from palimpsest.config.grids import combinations, plan_of
from palimpsest.config.origins import Origins, dotted
from palimpsest.config.sentences import check_names
from palimpsest.config.study import PopulationStudy
from palimpsest.data.facts import Facts
from palimpsest.data.splits import Split, base_split, part_sizes
from palimpsest.files import InputError, SettingError

FEWEST_FOR_A_FIT = 3
"""models that a regression needs"""

Config = Mapping[str, Any]


def check_meaning(checked: BaseModel, origins: Origins, root: Path) -> None:
    """Raise InputError for the first part that does not fit; `root` is where relative paths start.

    Reads no data set but one without official parts, and that only for a forget set from a file.
    """
    config = origins.config
    facts = facts_of(config, root)
    sizes = set_sizes(facts, origins)
    studies = {name: part for name, part in checked if isinstance(part, PopulationStudy)}
    used = list(dict.fromkeys(name for study in studies.values() for name in study.forget_sets))
    with origins.below():
        _check_training(config["training"])
        _check_populations(config["populations"], config["datamodels"])
        if "base" in config["forget_sets"]:
            found = "is the name of the split without a forget set"
            raise SettingError("forget_sets.base", found, "another name")
        for name, study in studies.items():
            defined = list(config["forget_sets"])
            check_names(f"{name}.forget_sets", study.forget_sets, defined, guess=True)
        check_names("populations.second_oracle", config["populations"]["second_oracle"], used)
    for name, study in studies.items():
        with origins.below(name):
            study.check(config)
        _check_methods(name, origins)
        _check_metrics(name, study, origins)
    with origins.below("datamodels"):
        _check_datamodels(config["datamodels"], config["populations"]["models"], sizes)
    for name in used:
        _check_forget_set(name, origins, root, facts, sizes)


def facts_of(config: Config, root: Path) -> Facts | None:
    """What is known of the data set; None where its files do not tell."""
    data = config["data"]
    source = registry.module("data/sources", data["name"])
    found: Facts | None = source.facts(root / data["data_dir"], data["checksums"])
    return found


def set_sizes(facts: Facts | None, origins: Origins) -> tuple[int, int] | None:
    """Training and validation points; None where the files do not tell without being loaded."""
    if facts is None:
        return None
    data = origins.config["data"]
    wanted = {name: data[name] for name in ("val_fraction", "train_size", "val_size")}
    try:
        return part_sizes(facts.points, facts.train_points, **wanted)
    except ValueError as error:
        name = next(name for name in wanted if str(error).startswith(name))
        raise InputError(f"{origins.file_of(('data', name))}: data.{error}") from None


def _check_training(training: Config) -> None:
    peak, epochs = training["peak_epoch"], training["epochs"]
    if peak >= epochs:
        allowed = f"below training.epochs, which is {epochs}"
        raise SettingError("training.peak_epoch", f"is {peak}", allowed)


def _check_populations(populations: Config, datamodels: Config) -> None:
    for key, limit in (("stack", "block"), ("second_oracle_models", "models")):
        if populations[key] > populations[limit]:
            allowed = f"at most populations.{limit}, which is {populations[limit]}"
            raise SettingError(f"populations.{key}", f"is {populations[key]}", allowed)
    subsets = datamodels["held_out" if datamodels["estimator"] == "trak" else "models"]
    ranges = [
        (f"populations.{key}", populations[key], populations["models"])
        for key in ("first_seed", "oracle_first_seed")
    ]
    if populations["second_oracle"]:
        key = "second_oracle_first_seed"
        ranges.append((f"populations.{key}", populations[key], populations["second_oracle_models"]))
    ranges.append(("datamodels.first_seed", datamodels["first_seed"], subsets))
    for (one, first, models), (other, start, others) in itertools.combinations(ranges, 2):
        if first < start + others and start < first + models:
            raise SettingError(
                other,
                f"gives the seeds {start}..{start + others - 1}, and {one} "
                f"{first}..{first + models - 1}",
                "ranges of seeds that do not overlap",
            )


def _check_methods(study: str, origins: Origins) -> None:
    """Each method has grids, each of their settings makes a plan, and none stands twice."""
    section = origins.config[study]
    for method in section["methods"]:
        if method not in section["grids"] and registry.settings_of("methods", method).model_fields:
            raise InputError(
                f"{origins.file_of((study, 'methods'))}: {study}.methods names {method}, and "
                f"{study}.grids.{method} is missing; needed: a grid for each method"
            )
    for method, grids in section["grids"].items():
        for place, grid in enumerate(grids):
            with origins.below(study, "grids", method, place):
                for setting in combinations(method, [grid]):
                    plan_of(method, setting)
        seen: list[dict[str, Any]] = []
        for setting in combinations(method, grids):
            if setting in seen:
                text = ", ".join(f"{name} {value}" for name, value in setting.items())
                found = f"gives the setting {text} twice"
                raise origins.error((study, "grids", method), found, "each setting once")
            seen.append(setting)


def _check_metrics(name: str, study: PopulationStudy, origins: Origins) -> None:
    """Each metric has its settings, and the records hold what it needs."""
    for metric in study.metrics:
        settings = registry.settings_of("metrics", metric).model_fields.values()
        if metric not in origins.config["metrics"] and any(s.is_required() for s in settings):
            raise InputError(
                f"{origins.file_of((name, 'metrics'))}: {name}.metrics names {metric}, and "
                f"metrics.{metric} is missing; needed: the settings of each metric"
            )
        for statistic in registry.module("metrics", metric).NEEDS:
            if statistic not in (*records.ALWAYS, *study.record):
                raise origins.error(
                    (name, "metrics"),
                    f"names {metric}, which needs {statistic}, and {name}.record does not keep it",
                    f"add {statistic} to {name}.record",
                )


def _check_datamodels(datamodels: Config, models: int, sizes: tuple[int, int] | None) -> None:
    """`models` are the originals."""
    most = datamodels["models"] - FEWEST_FOR_A_FIT
    if datamodels["held_out"] > most:
        raise SettingError(
            "held_out",
            f"is {datamodels['held_out']}",
            f"at most {most}, so that {FEWEST_FOR_A_FIT} of datamodels.models, which is "
            f"{datamodels['models']}, are left for the estimate",
        )
    trak = datamodels["trak"] if datamodels["estimator"] == "trak" else None
    if trak and trak["checkpoints"] > models:
        allowed = f"at most populations.models, which is {models}"
        raise SettingError("trak.checkpoints", f"is {trak['checkpoints']}", allowed)
    if sizes is None:
        return
    train = sizes[0]
    subset = round(datamodels["fraction"] * train)
    if not 0 < subset < train:
        found = f"is {datamodels['fraction']}, {subset} of the {train} training points"
        raise SettingError("fraction", found, f"a part of 1 to {train - 1} points")
    if trak and trak["dimension"] > train:
        allowed = f"at most {train}, the training points"
        raise SettingError("trak.dimension", f"is {trak['dimension']}", allowed)


def _check_forget_set(
    name: str, origins: Origins, root: Path, facts: Facts | None, sizes: tuple[int, int] | None
) -> None:
    """The definition against the training set, and the indices of its files as far as possible."""
    settings = dict(origins.config["forget_sets"][name])
    kind = settings.pop("kind")
    module = registry.module("data/forget_sets", kind)
    if sizes is not None:
        with origins.below("forget_sets", name):
            module.check(settings, sizes[0])
    paths = getattr(module, "FILES", ())
    if not paths:
        return
    settings |= {key: str(root / settings[key]) for key in paths}
    key = ("forget_sets", name, paths[0])
    try:
        forget = module.choose(np.empty(0, np.int64), **settings)
        split = _split_without_official_parts(origins.config["data"], facts, root)
        if split is not None:
            split.with_forget(forget)
        elif facts is not None and sizes is not None:
            _check_official(forget, facts, sizes[0])
    except ValueError as error:
        raise InputError(f"{origins.file_of(key)}: {dotted(key)}: {error}") from None


def _split_without_official_parts(data: Config, facts: Facts | None, root: Path) -> Split | None:
    """The split, where it takes the labels to know it and loading them fetches nothing."""
    if facts is None or facts.train_points is not None:
        return None
    module = registry.module("data/sources", data["name"])
    files = root / data["data_dir"], False, data["checksums"]
    try:
        module.check(*files)
    except InputError:
        return None
    own = registry.settings_of("data/sources", data["name"]).model_fields
    dataset = module.load(*files, **{key: data[key] for key in own if key in data})
    wanted = {name: data[name] for name in ("val_fraction", "train_size", "val_size")}
    return base_split(dataset, **wanted, seed=data["split_seed"])


def _check_official(forget: np.ndarray, facts: Facts, train: int) -> None:
    """Against the official training part: exact unless train_size keeps a part of it."""
    if facts.train_points is not None and forget[-1] >= facts.train_points:
        raise ValueError(
            f"forget index {forget[-1]} is not in the training set; "
            f"allowed: 0 to {facts.train_points - 1}"
        )
    if len(forget) >= train:
        raise ValueError(
            f"the forget set has {len(forget)} points and the training set {train}; "
            f"allowed: at most {train - 1}"
        )
