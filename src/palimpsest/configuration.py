"""The configuration: files merged, then checked before any job starts.

`check` raises one InputError with one sentence that names the file that sets a key, the dotted key,
what was found and what is allowed. It imports no torch and takes a fraction of a second.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.config_machine import check_machine
from palimpsest.config_meaning import check_meaning, combinations
from palimpsest.config_schema import check_schema, show
from palimpsest.config_sources import Sources, read_yaml
from palimpsest.files import InputError

__all__ = ["check", "combinations", "load", "merge"]


def load(paths: Sequence[str | Path]) -> dict[str, Any]:
    """The YAML files `paths` merged, the later over the earlier: maps merge, lists are replaced."""
    config: dict[str, Any] = {}
    for path in paths:
        config = merge(config, _mapping(path))
    return config


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`: maps merge, everything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def check(
    config: Mapping[str, Any],
    *,
    sources: Sequence[str | Path],
    schema: Mapping[str, Any] | str | Path,
    root: str | Path = ".",
    machine: bool = True,
) -> None:
    """Raise InputError, one sentence, for the first thing that is wrong with `config`.

    `sources` are the files behind it in the order of merging; what none of them sets is said to
    come from the command line. Relative paths start at `root`. `machine=False` (a dry run) leaves
    out what depends on this machine: data files, results folder, disk, device.
    """
    root = Path(root)
    files = [(str(source), _mapping(root / source)) for source in sources]
    origin = Sources(config, files)
    check_schema(origin, schema if isinstance(schema, Mapping) else _mapping(root / schema))
    check_meaning(origin, root)
    if machine:
        check_machine(origin, root)


def _mapping(path: str | Path) -> Mapping[str, Any]:
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds {show(content)}; needed: a map of settings")
    return content
