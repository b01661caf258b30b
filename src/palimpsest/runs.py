"""Runs of Snakemake in one folder: which of them live, and what the dead ones left.

Every run that starts jobs holds a file of its own in .snakemake/palimpsest, locked as long as its
process lives (the operating system's locks die with their process), and its jobs know that file.
The next run removes the files of the dead, ends the jobs that they left running, unlocks what they
had locked, and removes what was half written; a job whose run's file is gone puts no result in
place. So what a dead run left can never come after, and over, the results of a living one.
On a cluster the file also holds the name of the run's jobs there, by which they are cancelled.
"""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from palimpsest import slurm
from palimpsest.files import PARTIAL, InputError

if TYPE_CHECKING:
    import psutil

VARIABLE = "PALIMPSEST_RUN"
"""environment variable of a run's jobs: the run's file"""
_SUFFIXES = {  # of the files of a run's results
    ".csv", ".html", ".ipynb", ".json", ".npz", ".pdf", ".png", ".safetensors", ".sha256", ".svg",
    ".tsv",
}  # fmt: skip
_PATIENCE = 5.0  # seconds that an orphan has to end by itself


@dataclass
class Run:
    """A run that lives as long as this object is kept.

    Args:
        file: its file, which its jobs are told of.
        orphans: the jobs of dead runs that were ended, as process numbers.
        cancelled: for the name of a dead run's jobs on a cluster how many were cancelled; None if
            they could not be.
    """

    file: Path
    orphans: list[int]
    cancelled: dict[str, int | None]
    lock: TextIO

    def has_jobs_named(self, name: str) -> None:
        """Write down the name that this run's jobs have on a cluster."""
        self.lock.write(f"{name}\n")
        self.lock.flush()


def enter(folder: Path, results: Path | None = None) -> Run | None:
    """Join the runs that live in Snakemake's `folder`, and clear away what the dead ones left.

    Where no other run lives, what Snakemake locked is unlocked and the half-written files below
    `results` are removed. None where the folder cannot be written or its file system has no locks
    (then Snakemake asks for --unlock as ever).
    """
    marks = folder / "palimpsest"
    try:
        marks.mkdir(parents=folder.is_dir() or folder.parent.is_dir(), exist_ok=True)
        with (folder / "palimpsest.lock").open("w") as turn:  # one run enters at a time
            fcntl.flock(turn, fcntl.LOCK_EX)
            dead = [file for file in marks.iterdir() if not _lives(file)]
            names = [name for file in dead for name in file.read_text().split()]
            cancelled = {name: slurm.cancel(name) for name in names}
            orphans = end_jobs_of(dead)
            for file in dead:
                file.unlink(missing_ok=True)
            if not any(marks.iterdir()):
                for stale in (folder / "locks").glob("*.lock"):
                    stale.unlink(missing_ok=True)
                for half in results.rglob(f".*{PARTIAL}*") if results else ():
                    half.unlink(missing_ok=True)
            own = (marks / uuid.uuid4().hex).resolve()
            lock = own.open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return None
    return Run(own, orphans, cancelled, lock)


def end_jobs_of(files: list[Path]) -> list[int]:
    """End every process of this user whose run's file is one of these; their numbers."""
    import psutil  # here, so that the programs of jobs run where it is not installed

    names = {str(file.resolve()) for file in files}
    found = [process for process, file in _jobs() if file in names] if names else []
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(found, timeout=_PATIENCE)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=_PATIENCE)
    return [process.pid for process in found]


def check_places(folders: list[Path], results: Path) -> None:
    """InputError if something stands where a run's files go: a file in place of one of `folders`,
    a folder in place of a file of `results`."""
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            raise InputError(
                f"{folder} is a file where a folder belongs; move it away, then run again"
            )
    for path in sorted(results.rglob("*.*")):
        if path.suffix in _SUFFIXES and path.is_dir():
            raise InputError(
                f"{path} is a folder where a file belongs; move it away, then run again"
            )


def check_wanted(path: Path | None = None) -> None:
    """InputError if the run that started this job is over and another one has begun since.

    `path`: what the job is about to put in place; None: it has not begun.
    """
    file = os.environ.get(VARIABLE)
    if file and not Path(file).exists():
        place = f"{path}: " if path else ""
        raise InputError(
            f"{place}the run that started this job has ended and another one has begun; nothing "
            "was written"
        )


def _jobs() -> "Iterator[tuple[psutil.Process, str]]":
    """The processes that were started by runs, with the files of these."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and (file := process.environ().get(VARIABLE)):
                yield process, file


def _lives(file: Path) -> bool:
    """Whether the process that holds a run's file lives."""
    try:
        with file.open("r+") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return file.exists()
    return False
