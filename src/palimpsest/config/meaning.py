"""What models of single keys cannot say of a configuration: that its parts fit each other."""

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from palimpsest import metrics, models, records, registry
from palimpsest.config.grids import combinations, plan_of
from palimpsest.config.needs import (
    ESTIMATORS,
    facts_of,
    needs_estimate,
    part_wishes,
    set_sizes,
    source_of,
    subset_models,
)
from palimpsest.config.origins import Conflict, Key, Origins, dotted
from palimpsest.config.sentences import check_names, keep
from palimpsest.config.study import Experiment, ExperimentsStudy, experiments, key_of
from palimpsest.data.facts import Facts
from palimpsest.data.splits import Split, base_split
from palimpsest.datamodels.estimate import SET_KEYS, Estimate, shipped_names, shipped_path
from palimpsest.files import InputError, SettingError
from palimpsest.plans.plan import Prepare
from palimpsest.values import repeated

Config = Mapping[str, Any]
Sizes = tuple[int, int] | None
"""training and validation points; None where the files do not tell without being loaded"""

MOST_EPOCHS = 1_000_000
"""of all settings of a method in an experiment: the plans hold each of them"""
MOST_JOBS = 100_000
"""of a run: all are planned before the first starts"""
_SIZES = ["data.name", "data.val_fraction", "data.train_size"]
"""the keys that decide how many points are trained on"""


def check_meaning(checked: BaseModel, origins: Origins, root: Path) -> list[str]:
    """A sentence for each part that does not fit; `root` is where relative paths start.

    What a study asks of populations and forget sets is held to those of the run where the run lists
    it. Reads a data set only for a forget set from a file, and only where its labels decide which
    points are trained on.
    """
    config: Config = origins.config
    told: list[str] = []
    facts: Facts | None = None
    sizes: Sizes = None
    with keep(told):
        facts, sizes = facts_and_sizes(origins, root)
    tests = experiments(dict(checked))
    listed = [name for name in tests if key_of(name)[0] in config["studies"]]
    used = list(dict.fromkeys(one for name in listed for one in tests[name].forget_sets))
    with keep(told), origins.below():
        if config["run"] in registry.names("studies"):
            found = f"is {config['run']}, the name of a study"
            raise SettingError("run", found, "another name, since results lie in results/RUN")
    with keep(told), origins.below():
        peak, epochs = config["training"]["peak_epoch"], config["training"]["epochs"]
        if peak >= epochs:
            allowed = f"below training.epochs, which is {epochs}"
            raise Conflict("training.peak_epoch", f"is {peak}", allowed, ["training.epochs"])
    if facts is not None:
        with keep(told), origins.below("model"):
            try:
                models.check(config["model"], facts)
            except SettingError as error:
                raise Conflict(error.key, error.found, error.allowed, ["data.name"]) from None
    populations = config["populations"]
    with keep(told), origins.below():
        _check_stack(config)
    for key, limit in (("stack", "block"), ("second_oracle_models", "models")):
        with keep(told), origins.below():
            _at_most("populations", populations, key, populations, limit)
    with keep(told), origins.below():
        _check_jobs(config, {name: tests[name] for name in listed})
    with keep(told), origins.below():
        _check_seeds(populations, config["datamodels"])
    with keep(told), origins.below():
        if "base" in config["forget_sets"]:
            found = "is the name of the split without a forget set"
            raise SettingError("forget_sets.base", found, "another name")
    defined = list(config["forget_sets"])
    for name, test in tests.items():
        place = key_of(name)
        with keep(told), origins.below():
            check_names(f"{dotted(place)}.forget_sets", test.forget_sets, defined, guess=True)
        with keep(told), origins.below():
            if test.models is not None and name in listed:
                _at_most(dotted(place), {"models": test.models}, "models", populations, "models")
        before = len(told)
        with keep(told):
            _check_methods(place, test, origins)
        with keep(told):
            _check_metrics(place, test, origins)
        if name in listed and len(told) == before:
            with keep(told):
                _check_task(place, test, origins)
    for name, study in checked:
        if isinstance(study, Experiment | ExperimentsStudy):
            with keep(told), origins.below(name):
                study.check(config)
    with keep(told), origins.below():
        others = [f"{dotted(key_of(name))}.forget_sets" for name in tests]
        every = list(dict.fromkeys(one for test in tests.values() for one in test.forget_sets))
        check_names("populations.second_oracle", populations["second_oracle"], every, others=others)
    with keep(told), origins.below():
        _check_datamodels(config, sizes)
    with keep(told), origins.below():
        _check_gradients(config, used)
    for name in used:
        if name in defined:
            with keep(told):
                _check_forget_set(name, origins, root, facts, sizes)
    with keep(told), origins.below():
        _check_shipped(config, used)
    return told


def facts_and_sizes(origins: Origins, root: Path) -> tuple[Facts | None, Sizes]:
    """What is known of the data set before it is loaded."""
    data = origins.config["data"]
    facts = facts_of(origins.config, root)
    if facts is not None and facts.train_points is not None:
        train, val = facts.train_points, facts.points - facts.train_points
        if min(train, val) < facts.classes:
            found = f"is {data['name']}, of {train} training and {val} validation points"
            allowed = f"at least {facts.classes} of each, one of each class"
            raise origins.error(("data", "name"), found, allowed, ["data.checksums"])
    try:
        return facts, None if facts is None else set_sizes(origins.config, facts)
    except ValueError as error:
        name = next(name for name in part_wishes(data) if str(error).startswith(name))
        raise InputError(f"{origins.file_of(('data', name))}: data.{error}") from None


def _check_stack(config: Config) -> None:
    """Models of this kind can run as one network, where they are asked to."""
    name, stack = config["model"]["name"], config["populations"]["stack"]
    if stack > 1 and not models.stacks(name):
        found = f"is {stack}, and a {name} cannot be stacked"
        raise Conflict("populations.stack", found, "1", ["model.name"])


def _at_most(section: str, settings: Config, key: str, populations: Config, limit: str) -> None:
    if settings[key] > populations[limit]:
        others = [f"populations.{limit}"]
        allowed = f"at most {others[0]}, which is {populations[limit]}"
        raise Conflict(f"{section}.{key}", f"is {settings[key]}", allowed, others)


def _check_jobs(config: Config, tests: Mapping[str, Experiment]) -> None:
    """The run has no more jobs than can be planned."""
    populations, datamodels = config["populations"], config["datamodels"]
    blocks = -(-populations["models"] // populations["block"])
    asked = {(name, method) for test in tests.values() for name in test.forget_sets
             for method in test.methods}  # fmt: skip
    jobs = blocks * (1 + len({name for name, _ in asked}) + len(asked))
    if jobs > MOST_JOBS:
        found = f"is {populations['block']}, which makes about {jobs} jobs"
        allowed = f"blocks that make at most {MOST_JOBS}"
        raise Conflict("populations.block", found, allowed, ["populations.models"])
    jobs = -(-subset_models(datamodels) // datamodels["block"])
    if jobs > MOST_JOBS:
        found = f"is {datamodels['block']}, which makes about {jobs} jobs"
        allowed = f"blocks that make at most {MOST_JOBS}"
        others = ["datamodels.held_out", "datamodels.seeds", "datamodels.estimators"]
        raise Conflict("datamodels.block", found, allowed, others)


def _check_seeds(populations: Config, datamodels: Config) -> None:
    ranges = [
        (f"populations.{key}", populations[key], populations["models"])
        for key in ("first_seed", "oracle_first_seed")
    ]
    if populations["second_oracle"]:
        key = "second_oracle_first_seed"
        ranges.append((f"populations.{key}", populations[key], populations["second_oracle_models"]))
    ranges.append(("datamodels.first_seed", datamodels["first_seed"], subset_models(datamodels)))
    for (one, first, many), (other, start, length) in itertools.combinations(ranges, 2):
        if first < start + length and start < first + many:
            seeds = f"{start}..{start + length - 1}, and {one} {first}..{first + many - 1}"
            allowed = "ranges of seeds that do not overlap"
            others = [one, "populations.models", "populations.second_oracle_models"]
            raise Conflict(other, f"gives the seeds {seeds}", allowed, others)


def _check_methods(key: Key, test: Experiment, origins: Origins) -> None:
    """Each method has its settings, each of them makes a plan, and none stands twice."""
    section: Any = functools.reduce(lambda part, name: part[name], key, origins.config)
    grids_of = section.get("grids", {})
    for method in test.methods:
        fields = registry.settings_of("methods", method).model_fields.values()
        if method not in grids_of and any(field.is_required() for field in fields):
            missing = (*key, "grids", method)
            raise _missing(origins, (*key, "methods"), missing, "a grid for each method")
    for method in dict.fromkeys([*test.methods, *grids_of]):
        grids, epochs = grids_of.get(method, [{}]), 0
        for place, grid in enumerate(grids):
            where = ("grids", method, place) if method in grids_of else ()
            with origins.below(*key, *where):
                for setting in combinations(method, [grid]):
                    plan = plan_of(method, setting)
                    prepare, epochs = plan.prepare, epochs + len(plan.epochs)
                    if epochs > MOST_EPOCHS:
                        found = (
                            f"is {setting.get('epochs')}: above {MOST_EPOCHS} of {method} in all"
                        )
                        raise SettingError("epochs", found, "fewer epochs, or fewer settings")
                    named = ("prepare", prepare and prepare.name) if where else ("methods", method)
                    _check_prepare(prepare, named, key, test, origins)
        with origins.below(*key, "grids", method):
            settings = combinations(method, grids)
        if (number := repeated(list(map(json.dumps, settings)))) is not None:
            text = ", ".join(f"{name} {value}" for name, value in settings[number].items())
            found = f"gives the setting {text} twice"
            raise origins.error((*key, "grids", method), found, "each setting once")


def _check_prepare(
    prepare: Prepare | None, named: tuple[str, Any], key: Key, test: Experiment, origins: Origins
) -> None:
    """What a preparation needs of the forget sets, these have; `named`: the key that asks for it,
    and the name there."""
    if prepare is None:
        return
    needs = getattr(registry.module("preparations", prepare.name), "NEEDS", ())
    for name in test.forget_sets:
        definition = origins.config["forget_sets"].get(name)
        if definition is None:
            continue
        kind = definition["kind"]
        given = getattr(registry.module("data/forget_sets", kind), "GIVES", ())
        if lacking := [need for need in needs if need not in given]:
            found = f"names {named[1]}, which needs a {lacking[0].replace('_', ' ')}, and "
            found += f"forget_sets.{name}.kind is {kind}"
            others = [f"{dotted(key)}.forget_sets", f"forget_sets.{name}"]
            raise Conflict(named[0], found, "forget sets of kind classes", others)


def _check_task(key: Key, test: Experiment, origins: Origins) -> None:
    """What the run's model predicts leaves the statistics that are asked for, and can be taught
    what the methods teach."""
    model = origins.config["model"]["name"]
    predicts = models.predicts(model)
    left = records.left_by(predicts)
    end = f"and model.name is {model}, which predicts the {predicts.replace('_', ' ')}"

    def error(key_: str, found: str, allowed: str) -> InputError:
        return origins.error((*key, key_), f"names {found}, {end}", allowed, ["model.name"])

    for statistic in test.record:
        if statistic not in left:
            allowed = ", ".join(name for name in left if name not in records.ALWAYS)
            raise error("record", statistic, allowed)
    for metric in test.metrics:
        settings = origins.config["metrics"].get(metric) or {}
        for statistic in metrics.needs(registry.module("metrics", metric), settings):
            if statistic not in left:
                raise error("metrics", f"{metric}, which needs {statistic}", "other metrics")
    if predicts == "class":
        return
    section: Any = functools.reduce(lambda part, name: part[name], key, origins.config)
    for method in test.methods:
        for setting in combinations(method, section.get("grids", {}).get(method, [{}])):
            plan = plan_of(method, setting)
            if plan.prepare is not None:
                prepare = registry.module("preparations", plan.prepare.name)
                if "whole_class" in getattr(prepare, "NEEDS", ()):
                    found = f"{method}, whose preparation {plan.prepare.name} needs classes"
                    raise error("methods", found, "methods that need none")
            if wrong := sorted(plan.wrong_classes()):
                found = f"{method}, which teaches wrong classes ({wrong[0]})"
                raise error("methods", found, "methods without wrong classes")


def _check_metrics(key: Key, test: Experiment, origins: Origins) -> None:
    """Each metric has its settings, and its file says what it needs."""
    place = (*key, "metrics")
    for metric in test.metrics:
        settings = registry.settings_of("metrics", metric).model_fields.values()
        if metric not in origins.config["metrics"] and any(s.is_required() for s in settings):
            raise _missing(origins, place, ("metrics", metric), "the settings of each metric")
        module, file = registry.module("metrics", metric), f"src/palimpsest/metrics/{metric}.py"
        for constant in ("NEEDS", "OF_ORACLES"):
            if not hasattr(module, constant):
                raise InputError(f"{file}: has no {constant}; needed: see metrics/__init__.py")
        for statistic in metrics.needs(module, origins.config["metrics"].get(metric) or {}):
            if statistic not in records.STATISTICS:
                allowed = ", ".join(records.STATISTICS)
                raise InputError(f"{file}: NEEDS names {statistic}; allowed: {allowed}")


def _missing(origins: Origins, key: tuple, place: tuple, needed: str) -> InputError:
    """The list at `key` names a thing whose settings should be at `place`."""
    return InputError(
        f"{origins.file_of(key)}: {dotted(key)} names {place[-1]}, and {dotted(place)} is missing; "
        f"needed: {needed}"
    )


def _check_gradients(config: Config, used: Sequence[str]) -> None:
    """Where a set in use is estimated anew, the model has what the estimator takes gradients of."""
    name, model = config["datamodels"]["estimator"], config["model"]["name"]
    definitions = [config["forget_sets"][one] for one in used if one in config["forget_sets"]]
    estimated = config["datamodels"]["shipped"] is None and any(map(needs_estimate, definitions))
    takes = {one: registry.module(ESTIMATORS, one).NEEDS for one in registry.names(ESTIMATORS)}
    if estimated and takes[name] == "originals" and models.predicts(model) != "class":
        found = f"is {name}, which takes gradients of the true class, and model.name is {model}, "
        allowed = ", ".join(one for one, needs in takes.items() if needs != "originals")
        key = "datamodels.estimator"
        raise Conflict(key, f"{found}which predicts the next token", allowed, ["model.name"])


def _check_datamodels(config: Config, sizes: Sizes) -> None:
    datamodels = config["datamodels"]
    first, seeds, fraction = (datamodels[key] for key in ("first_seed", "seeds", "fraction"))
    if first % seeds:
        allowed = f"a multiple of datamodels.seeds, which is {seeds}"
        raise Conflict("datamodels.first_seed", f"is {first}", allowed, ["datamodels.seeds"])
    name = datamodels["estimator"]
    estimator, settings = registry.module(ESTIMATORS, name), datamodels["estimators"][name]
    models, limit = estimator.models(settings), config["populations"]["models"]
    where = f"datamodels.estimators.{name}"
    if estimator.NEEDS == "originals" and models > limit:
        _at_most(where, settings, "checkpoints", config["populations"], "models")
    if sizes is None:
        return
    train = sizes[0]
    subset = round(fraction * train)
    if not 0 < subset < train:
        found = f"is {fraction}, {subset} of the {train} training points"
        allowed = f"a part of 1 to {train - 1} points"
        raise Conflict("datamodels.fraction", found, allowed, _SIZES)
    if hasattr(estimator, "check"):
        try:
            estimator.check(settings, train)
        except SettingError as error:
            key = f"{where}.{error.key}"
            raise Conflict(key, error.found, error.allowed, _SIZES) from None


def _check_shipped(config: Config, used: Sequence[str]) -> None:
    """The shipped estimate exists, is of this training set, and holds the sets in use."""
    name = config["datamodels"]["shipped"]
    if name is None:
        return
    key, anew = "datamodels.shipped", "null, to estimate anew"
    if name not in shipped_names():
        raise SettingError(key, f"is {name}", "; ".join([*shipped_names(), anew]))
    sets = {n: d for n, d in config["forget_sets"].items() if n in used and needs_estimate(d)}
    if not sets:
        return
    estimate = Estimate.load(shipped_path(name))
    for setting, value in estimate.content["data"].items():
        here = config["data"].get(setting)
        if here != value:
            there, here = json.dumps(value), json.dumps(here)
            found = f"is {name}, whose sets belong to data.{setting} {there}, and here it is {here}"
            raise Conflict(key, found, f"one of the same data, or {anew}", [f"data.{setting}"])
    for one, definition in sets.items():
        try:
            estimate.set_of(*(definition[k] for k in SET_KEYS))
        except InputError as error:
            there = str(error).rpartition("allowed: ")[2]
            found = f"is {name}, which holds no set like forget_sets.{one}"
            raise Conflict(key, found, f"{there}; or {anew}", [f"forget_sets.{one}"]) from None


def _check_forget_set(
    name: str, origins: Origins, root: Path, facts: Facts | None, sizes: Sizes
) -> None:
    """The definition against the training set, and the indices of its files as far as possible."""
    settings = dict(origins.config["forget_sets"][name])
    module = registry.module("data/forget_sets", settings.pop("kind"))
    data = origins.config["data"]
    if sizes is not None and facts is not None:
        with origins.below("forget_sets", name):
            try:
                module.check(settings, sizes[0], facts.forgettable)
            except SettingError as error:
                raise Conflict(error.key, error.found, error.allowed, _SIZES) from None
    paths = getattr(module, "FILES", ())
    settings |= {path: str(root / settings[path]) for path in paths}
    try:
        if "labels" in getattr(module, "NEEDS", ()):
            split, labels = _split(data, root)
            if split is not None:
                module.choose(split, None, labels, **settings)
        if paths:
            forget = module.choose(None, **settings)
            _check_indices(forget, data, root, facts, sizes)
    except ValueError as error:
        key = ("forget_sets", name, *paths[:1])
        file = origins.last_of(key, _SIZES)
        raise InputError(f"{file}: {dotted(key)}: {error}") from None


def _check_indices(
    forget: np.ndarray, data: Config, root: Path, facts: Facts | None, sizes: Sizes
) -> None:
    """Exact, unless labels decide which points are trained on and their files are not here."""
    official = None if facts is None else facts.train_points
    by_label = official is None or data["train_size"] is not None
    split = _split(data, root)[0] if by_label else None
    if split is not None:
        split.with_forget(forget)
    elif official is not None and forget[-1] >= official:
        allowed = f"0 to {official - 1}"
        raise ValueError(
            f"forget index {forget[-1]} is not in the training set; allowed: {allowed}"
        )
    elif sizes is not None and len(forget) >= sizes[0]:
        raise ValueError(
            f"the forget set has {len(forget)} points and the training set {sizes[0]}; "
            f"allowed: at most {sizes[0] - 1}"
        )


def _split(data: Config, root: Path) -> tuple[Split | None, np.ndarray | None]:
    """The split of a data set and the classes that it can be forgotten by; None if its files are
    not there, or take long to load."""
    return _split_of(json.dumps(dict(data)), root)


@functools.lru_cache(maxsize=1)
def _split_of(settings: str, root: Path) -> tuple[Split | None, np.ndarray | None]:
    data = json.loads(settings)
    source, own = source_of(data)
    if getattr(source, "SLOW", False):
        return None, None
    files = root / data["data_dir"], False, data["checksums"]
    try:
        source.check(*files, **registry.accepted(source.check, own))
        dataset = source.load(*files, **own)
    except InputError:
        return None, None
    split = base_split(dataset, **part_wishes(data), seed=data["split_seed"])
    return split, dataset.groups_or_labels
