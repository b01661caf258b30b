"""What the tests of the workflow share: one undisturbed run, and copies of it to change."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import SMOKE, copy_folder, copy_sources, snakemake


@dataclass(frozen=True)
class Run:
    """A finished run of `smoke`: not to be changed."""

    folder: Path

    def table(self, name: str) -> Path:
        """A table of its results."""
        return self.folder / "results" / "smoke" / "ascent" / name


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run `smoke` in a copy of the repository, from nothing to the end."""
    folder = copy_sources(tmp_path_factory.mktemp("undisturbed"))
    done = snakemake(folder, "-c", "2", "--configfile", SMOKE)
    assert done.returncode == 0, done.stdout
    return Run(folder)


@pytest.fixture(scope="session")
def finished_copy(
    undisturbed: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Path]]:
    """Call it for a copy of the finished run that may be changed."""
    folders = []

    def copy() -> Path:
        folders.append(tmp_path_factory.mktemp("copy"))
        return copy_folder(undisturbed.folder, folders[-1])

    yield copy
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Runs two starts of Snakemake at a time; what a test no longer waits for is dropped."""
    executor = ThreadPoolExecutor(max_workers=2)
    yield executor
    executor.shutdown(cancel_futures=True)
