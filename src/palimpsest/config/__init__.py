"""The configuration: files merged, then checked before any job starts.

`check` raises one InputError with one sentence that names the file that sets a key, the dotted key,
what was found and what is allowed. Nothing here imports torch, scipy or pandas.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from palimpsest.config import settings
from palimpsest.config.grids import combinations, flat, plan_of
from palimpsest.config.machine import check_machine
from palimpsest.config.meaning import check_meaning
from palimpsest.config.origins import Origins
from palimpsest.config.reading import load, merge, read_settings
from palimpsest.config.sentences import validate

__all__ = ["check", "combinations", "flat", "load", "merge", "plan_of", "section"]


def check(
    config: Mapping[str, Any],
    *,
    files: Sequence[str | Path],
    root: str | Path = ".",
    machine: bool = True,
) -> None:
    """Raise InputError, one sentence, for the first thing that is wrong with `config`.

    `files` are those behind it in the order of merging; what none of them sets is said to come from
    the command line. Relative paths start at `root`. `machine=False` (a dry run) leaves out what
    depends on this machine: data files, results folder, disk, device.
    """
    root = Path(root)
    origins = Origins(config, [(str(file), read_settings(root / file)) for file in files])
    checked = validate(settings.configuration(), origins)
    check_meaning(checked, origins, root)
    if machine:
        check_machine(origins, root)


def section(name: str, value: Any, where: str) -> dict[str, Any]:
    """One section given by hand, such as "training", or "forget_set": checked and complete.

    InputError names `where` it was given, such as "--training".
    """
    kind = settings.forget_set() if name == "forget_set" else settings.sections()[name]
    checked = validate(kind, Origins(value, [(where, value)]))
    complete: dict[str, Any] = TypeAdapter(kind).dump_python(checked)
    return {key: entry for key, entry in complete.items() if name != "metrics" or entry is not None}
