"""Architectures: each file is one, found by name.

A model has a function `build(data, *, ...)` that gives one untrained `nn.Module` for a data set of
these `data.facts.Facts`; its keywords are the settings. `weights(data, **settings)` counts its
weights without building it. Reading the file needs no torch. It may say otherwise than

    READS = "images"    or "texts", token ids (batch, length)
    PREDICTS = "class"  logits (batch, classes); or "next_token": logits (batch, length - 1,
                        vocabulary) of the tokens from the second on
    STACKS = True       whether k models can run as one network (`stacks.stack`)
    FILES = ()          settings that are paths of files or folders, or None

and may have `check(data, **settings)`, SettingError for settings that do not fit the data set or
each other, and `check_files(data, **settings)`, the same for what the files hold.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.files import SettingError

Model = Mapping[str, Any]
"""name and settings, as in the configuration"""
Predicts = Literal["class", "next_token"]


def predicts(name: str) -> Predicts:
    """What a model predicts."""
    found: Predicts = getattr(registry.module("models", name), "PREDICTS", "class")
    return found


def stacks(name: str) -> bool:
    """Whether k models of this kind can run as one network."""
    return bool(getattr(registry.module("models", name), "STACKS", True))


def reads(name: str) -> str:
    """What a model reads: "images" or "texts"."""
    return str(getattr(registry.module("models", name), "READS", "images"))


def files(model: Model) -> dict[str, str]:
    """The paths that a model's settings name, by setting."""
    settings = getattr(registry.module("models", model["name"]), "FILES", ())
    return {setting: model[setting] for setting in settings if model.get(setting) is not None}


def files_to_read(model: Model) -> list[str]:
    """The files of these paths that are there, those of folders included: inputs of its jobs."""
    found = []
    for path in map(Path, files(model).values()):
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [str(file) for file in inside if file.is_file()]
    return found


def check(model: Model, data: Facts) -> None:
    """SettingError unless the model reads such data, and its settings fit them and each other."""
    name, held = model["name"], "images" if data.vocabulary is None else "texts"
    if reads(name) != held:
        fitting = [other for other in registry.names("models") if reads(other) == held]
        found = f"is {name}, which reads {reads(name)}, and the data set holds {held}"
        raise SettingError("name", found, ", ".join(fitting))
    _call("check", model, data)


def check_files(model: Model, data: Facts, root: Path = Path()) -> None:
    """SettingError unless the files of the model, in `root`, are there and fit the data set."""
    paths = {setting: str(root / path) for setting, path in files(model).items()}
    _call("check_files", {**model, **paths}, data)


def _call(function: str, model: Model, data: Facts) -> None:
    found = getattr(registry.module("models", model["name"]), function, None)
    if found is not None:
        given = {key: value for key, value in model.items() if key != "name"}
        settings = registry.settings_of("models", model["name"]).model_validate(given)
        found(data, **settings.model_dump())
