"""What a killed run of Snakemake leaves locked, unlocked by the next one.

Snakemake locks the files of a run and unlocks them when it ends; after kill -9 or a loss of power
they stay locked, and the next run stops until somebody types --unlock. The operating system's own
locks die with their process, so they tell whether a run that left its mark still lives.
"""

import fcntl
from pathlib import Path
from typing import TextIO


def enter(folder: Path) -> TextIO | None:
    """Join the runs that live in Snakemake's `folder`; where none does, remove what is locked.

    The result has to be kept as long as the run lives; None where the folder cannot be written or
    its file system has no locks (then Snakemake asks for --unlock as ever).
    """
    try:
        folder.mkdir(exist_ok=True)
        mark = (folder / "runs").open("w")
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another run lives: its locks are Snakemake's to judge
            pass
        else:
            for stale in (folder / "locks").glob("*.lock"):
                stale.unlink(missing_ok=True)
        fcntl.flock(mark, fcntl.LOCK_SH)
    except OSError:
        return None
    return mark
