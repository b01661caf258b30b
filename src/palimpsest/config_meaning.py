"""What a schema cannot say of a configuration: that its parts fit each other and the data set."""

import ast
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.config_sources import Sources, dotted
from palimpsest.data.sources import dataset_size, load_dataset
from palimpsest.data.splits import base_split, part_sizes
from palimpsest.files import InputError

FEWEST_FOR_A_FIT = 3
"""models that a regression needs"""


def check_meaning(sources: Sources, root: Path) -> None:
    """Raise InputError for the first part that does not fit; `root` is where relative paths start.

    Reads no images, except of digits where a forget set comes from a file.
    """
    sizes = set_sizes(sources, root)
    _check_training(sources)
    _check_populations(sources)
    _check_names(sources)
    _check_grids(sources)
    _check_methods(sources)
    _check_klom(sources)
    _check_datamodels(sources, sizes)
    _check_forget_sets(sources, root, sizes)


def combinations(grids: list[dict[str, list]]) -> list[dict[str, Any]]:
    """Every setting of a list of grids: for each grid the product of its lists, in their order."""
    return [
        dict(zip(grid, values, strict=True))
        for grid in grids
        for values in itertools.product(*grid.values())
    ]


def set_sizes(sources: Sources, root: Path) -> tuple[int, int] | None:
    """Training and validation points; None where the files do not tell without being loaded."""
    data = sources.config["data"]
    size = dataset_size(data["name"], root / data["data_dir"], data["checksums"])
    if size is None:
        return None
    wanted = {name: data[name] for name in ("val_fraction", "train_size", "val_size")}
    try:
        return part_sizes(*size, **wanted)
    except ValueError as error:
        name = next(name for name in wanted if str(error).startswith(name))
        raise InputError(f"{sources.file_of(('data', name))}: data.{error}") from None


def _check_training(sources: Sources) -> None:
    training = sources.config["training"]
    if training["peak_epoch"] >= training["epochs"]:
        raise sources.error(
            ("training", "peak_epoch"),
            f"is {training['peak_epoch']}",
            f"below training.epochs, which is {training['epochs']}",
        )


def _check_populations(sources: Sources) -> None:
    populations, datamodels = sources.config["populations"], sources.config["datamodels"]
    if populations["stack"] > populations["block"]:
        raise sources.error(
            ("populations", "stack"),
            f"is {populations['stack']}",
            f"at most populations.block, which is {populations['block']}",
        )
    if populations["second_oracle_models"] > populations["models"]:
        raise sources.error(
            ("populations", "second_oracle_models"),
            f"is {populations['second_oracle_models']}",
            f"at most populations.models, which is {populations['models']}",
        )
    subsets = datamodels["held_out" if datamodels["estimator"] == "trak" else "models"]
    ranges = [
        (("populations", "first_seed"), populations["first_seed"], populations["models"]),
        (("populations", "oracle_first_seed"), populations["oracle_first_seed"],
         populations["models"]),
        (("datamodels", "first_seed"), datamodels["first_seed"], subsets),
    ]  # fmt: skip
    if populations["second_oracle"]:
        ranges.append(
            (("populations", "second_oracle_first_seed"), populations["second_oracle_first_seed"],
             populations["second_oracle_models"])
        )  # fmt: skip
    for (one, first, models), (other, second, others) in itertools.combinations(ranges, 2):
        if first < second + others and second < first + models:
            raise sources.error(
                other,
                f"gives the seeds {second}..{second + others - 1}, and {'.'.join(one)} "
                f"{first}..{first + models - 1}",
                "ranges of seeds that do not overlap",
            )


def _check_names(sources: Sources) -> None:
    config = sources.config
    defined, ascent = list(config["forget_sets"]), config["ascent"]
    if "base" in defined:
        raise sources.error(
            ("forget_sets", "base"), "is the name of the split without a forget set", "another name"
        )
    _check_choice(sources, ("ascent", "forget_sets"), ascent["forget_sets"], defined)
    for figure in ("figure_1_forget_set", "figure_2_forget_set"):
        _check_choice(sources, ("ascent", figure), [ascent[figure]], ascent["forget_sets"])
    chosen = ("ascent", "figure_3_forget_sets")
    _check_choice(sources, chosen, ascent["figure_3_forget_sets"], ascent["forget_sets"])
    if "nothing" not in ascent["methods"] or len(ascent["methods"]) < 2:
        found = f"names {', '.join(ascent['methods'])}"
        raise sources.error(("ascent", "methods"), found, "nothing, the original, and another one")
    second = config["populations"]["second_oracle"]
    _check_choice(sources, ("populations", "second_oracle"), second, ascent["forget_sets"])
    for method in ascent["methods"]:
        if method != "nothing" and method not in config["grids"]:
            raise InputError(
                f"{sources.file_of(('ascent', 'methods'))}: ascent.methods names {method}, and "
                f"grids.{method} is missing; needed: a grid for each method"
            )


def _check_choice(
    sources: Sources, key: tuple[str, ...], names: list[str], allowed: list[str]
) -> None:
    for name in names:
        if name not in allowed:
            raise sources.error(key, f"names {name!r}", ", ".join(allowed))


def _check_grids(sources: Sources) -> None:
    for method, grids in sources.config["grids"].items():
        for place, grid in enumerate(grids):
            if "ascent_epochs" in grid and max(grid["ascent_epochs"]) > min(grid["epochs"]):
                raise sources.error(
                    ("grids", method, place, "ascent_epochs"),
                    f"reaches {max(grid['ascent_epochs'])}",
                    f"at most the least of epochs, which is {min(grid['epochs'])}",
                )
        seen: list[dict[str, Any]] = []
        for setting in combinations(grids):
            if setting in seen:
                text = ", ".join(f"{name} {value}" for name, value in setting.items())
                raise sources.error(
                    ("grids", method), f"gives the setting {text} twice", "each setting once"
                )
            seen.append(setting)


def _check_klom(sources: Sources) -> None:
    klom, models = sources.config["klom"], sources.config["populations"]["models"]
    limit = f"at most populations.models, which is {models}"
    if max(klom["numbers_of_models"]) > models:
        found = f"holds {max(klom['numbers_of_models'])}"
        raise sources.error(("klom", "numbers_of_models"), found, limit)


def _check_datamodels(sources: Sources, sizes: tuple[int, int] | None) -> None:
    populations, datamodels = sources.config["populations"], sources.config["datamodels"]
    most = datamodels["models"] - FEWEST_FOR_A_FIT
    if datamodels["held_out"] > most:
        raise sources.error(
            ("datamodels", "held_out"),
            f"is {datamodels['held_out']}",
            f"at most {most}, so that {FEWEST_FOR_A_FIT} of datamodels.models, which is "
            f"{datamodels['models']}, are left for the estimate",
        )
    if datamodels["estimator"] == "trak":
        checkpoints = datamodels["trak"]["checkpoints"]
        if checkpoints > populations["models"]:
            raise sources.error(
                ("datamodels", "trak", "checkpoints"),
                f"is {checkpoints}",
                f"at most populations.models, which is {populations['models']}",
            )
    if sizes is None:
        return
    train = sizes[0]
    subset = round(datamodels["fraction"] * train)
    if not 0 < subset < train:
        raise sources.error(
            ("datamodels", "fraction"),
            f"is {datamodels['fraction']}, {subset} of the {train} training points",
            f"a part of 1 to {train - 1} points",
        )
    dimension = datamodels["trak"]["dimension"]
    if datamodels["estimator"] == "trak" and dimension > train:
        raise sources.error(
            ("datamodels", "trak", "dimension"),
            f"is {dimension}",
            f"at most {train}, the training points",
        )


def _check_methods(sources: Sources) -> None:
    """Each method has its file, and its grids the settings that its schedule takes."""
    folder = Path(__file__).with_name("methods")
    for method in sources.config["ascent"]["methods"]:
        file = folder / f"{method}.py"
        if not file.is_file():
            there = sorted(path.stem for path in folder.glob("[a-z]*.py"))
            raise sources.error(
                ("ascent", "methods"), f"names {method}, which has no file", ", ".join(there)
            )
        known, needed = _settings_of(file)
        for place, grid in enumerate(sources.config["grids"].get(method, [])):
            key = ("grids", method, place)
            for name in grid:
                if name not in known:
                    found = f"is no setting of schedule() in methods/{method}.py"
                    raise sources.error((*key, name), found, ", ".join(known) or "none")
            for name in needed:
                if name not in grid:
                    raise sources.error(key, f"lacks {name}", f"grids with {', '.join(needed)}")


def _settings_of(file: Path) -> tuple[list[str], list[str]]:
    """The settings of the schedule of a method, and those without a default; imports nothing."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "schedule":
            names = [argument.arg for argument in node.args.args]
            keyword = [argument.arg for argument in node.args.kwonlyargs]
            needed = names[: len(names) - len(node.args.defaults)]
            without = zip(keyword, node.args.kw_defaults, strict=True)
            needed += [name for name, default in without if default is None]
            return names + keyword, needed
    raise InputError(f"{file}: has no function schedule; needed: the settings' schedule")


def _check_forget_sets(sources: Sources, root: Path, sizes: tuple[int, int] | None) -> None:
    sets = sources.config["forget_sets"]
    for name in sources.config["ascent"]["forget_sets"]:
        key, chosen = ("forget_sets", name), sets[name]
        if chosen["kind"] == "random":
            _check_size(sources, (*key, "size"), chosen["size"], sizes)
        elif chosen["kind"] == "principal_component":
            total = chosen["top"] + chosen["bottom"]
            if total == 0:
                raise sources.error((*key, "top"), "and bottom are 0", "together at least 1")
            _check_size(sources, (*key, "top"), total, sizes, " together with bottom")
            _check_size(sources, (*key, "component"), chosen["component"], sizes)
        else:
            _check_file(sources, key, root, sizes)


def _check_size(
    sources: Sources,
    key: tuple[str, ...],
    size: int,
    sizes: tuple[int, int] | None,
    note: str = "",
) -> None:
    if sizes is not None and size >= sizes[0]:
        allowed = f"at most {sizes[0] - 1}, below the {sizes[0]} training points"
        raise sources.error(key, f"is {size}{note}", allowed)


def _check_file(
    sources: Sources, key: tuple[str, ...], root: Path, sizes: tuple[int, int] | None
) -> None:
    """The file's indices: duplicates, and points outside the training set as far as it is known."""
    from palimpsest.data.forget_sets import forget_set_from_file

    chosen, data = sources.config["forget_sets"][key[1]], sources.config["data"]
    try:
        forget = forget_set_from_file(root / chosen["path"], chosen.get("key"))
        if data["name"] == "digits":
            wanted = {name: data[name] for name in ("val_fraction", "train_size", "val_size")}
            base_split(load_dataset("digits"), **wanted, seed=data["split_seed"]).with_forget(
                forget
            )
        elif sizes is not None:
            _check_official(forget, data, root, sizes[0])
    except ValueError as error:
        file = sources.file_of((*key, "path"))
        raise InputError(f"{file}: {dotted((*key, 'path'))}: {error}") from None


def _check_official(forget: np.ndarray, data: dict[str, Any], root: Path, train: int) -> None:
    """Against the official training part: exact unless train_size keeps a part of it."""
    size = dataset_size(data["name"], root / data["data_dir"], data["checksums"])
    official = size[1] if size else None
    if official is not None and forget[-1] >= official:
        raise ValueError(
            f"forget index {forget[-1]} is not in the training set; allowed: 0 to {official - 1}"
        )
    if len(forget) >= train:
        raise ValueError(
            f"the forget set has {len(forget)} points and the training set {train}; "
            f"allowed: at most {train - 1}"
        )
