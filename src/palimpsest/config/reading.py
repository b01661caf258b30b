"""Files of settings: read, and merged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.config.plain_yaml import read_yaml
from palimpsest.config.sentences import show
from palimpsest.files import InputError


def load(paths: Sequence[str | Path]) -> dict[str, Any]:
    """The YAML files `paths` merged, the later over the earlier: maps merge, lists are replaced."""
    config: dict[str, Any] = {}
    for path in paths:
        config = merge(config, read_settings(path))
    return config


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`: maps merge, everything else is replaced.

    So is a NAMED section where the overlay names another thing: its settings belong to that.
    """
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        if not (isinstance(below, Mapping) and isinstance(value, Mapping)):
            merged[key] = value
        elif key in NAMED and value.get("name", below.get("name")) != below.get("name"):
            merged[key] = dict(value)
        else:
            merged[key] = merge(below, value)
    return merged


NAMED = ("model",)
"""sections that name a thing, and hold nothing but its settings"""


SUFFIXES = (".yaml", ".yml", ".json")
TEMPLATE = "__use_yte__"
"""the key by which Snakemake takes a file as a template, with Python in it"""


def read_settings(path: str | Path) -> Mapping[str, Any]:
    """The content of a YAML file that is a map; InputError if it is anything else."""
    if Path(path).suffix not in SUFFIXES or Path(path).parts[0] == "results":
        raise InputError(
            f"{path}: is no file of settings; needed: a .yaml file, and targets before --configfile"
        )
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds {show(content)}; needed: a map of settings")
    if TEMPLATE in content:
        raise InputError(f"{path}: has the key {TEMPLATE}; needed: settings, and no template")
    return content
