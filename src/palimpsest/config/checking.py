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
from palimpsest.config.study import Experiment, ExperimentsStudy
from palimpsest.files import InputError

MOST = 10
"""sentences that are told at once"""


def check(
    config: Mapping[str, Any],
    *,
    files: Sequence[str | Path],
    root: str | Path = ".",
    machine: bool = True,
) -> None:
    """Raise InputError for what is wrong with `config`: a sentence a line, at most MOST.

    `files` are those behind it in the order of merging; what none of them sets is said to come from
    the command line. Relative paths start at `root`. `machine=False` (a dry run) leaves out what
    depends on this machine: data files, results folder, disk, device.
    """
    root = Path(root)
    origins = Origins(config, [(str(file), read_settings(root / file)) for file in files])
    _check_run(origins)
    checked = validate(settings.configuration(), origins, most=MOST)
    told = check_meaning(checked, origins, root)
    if machine and not told:
        check_machine(origins, root)
    if told:
        raise InputError("\n".join(told[:MOST]))


def check_target(
    target: str, study: str, config: Mapping[str, Any], *, files: Sequence[str | Path]
) -> None:
    """InputError for a `target` of a `study` of populations that the run does not list."""
    listed = config["studies"]
    if study in listed or not issubclass(settings.studies()[study], Experiment | ExperimentsStudy):
        return
    file = Origins(config, [(str(file), read_settings(file)) for file in files]).file_of(
        ("studies",)
    )
    raise InputError(
        f"{file}: studies is [{', '.join(listed)}], and the target {target} belongs to {study}; "
        f"needed: {study} among them, as in --config 'studies=[{', '.join([*listed, study])}]'"
    )


def _check_run(origins: Origins) -> None:
    """Files that change the run of the first one, and do not name their own, are refused."""
    (_, base), *overlays = origins.files
    if not overlays or origins.config == base or any("run" in over for _, over in overlays):
        return
    run = base.get("run")
    if origins.config.get("run") == run:
        raise InputError(
            f"{overlays[-1][0]}: run is missing, and its results would lie among those of {run}; "
            "needed: run, a name of its own"
        )
