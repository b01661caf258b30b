"""The whole configuration checked, before any job starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.config import settings
from palimpsest.config.machine import check_machine
from palimpsest.config.meaning import check_meaning
from palimpsest.config.origins import Origins
from palimpsest.config.reading import read_settings
from palimpsest.config.sentences import validate


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
