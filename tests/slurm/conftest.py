"""What the tests on SLURM share: a cluster, a local run to be equal to, copies of it to finish."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, cluster
from on_slurm import RESULTS, copy_with_overlay, run_here
from running import copy_folder


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """A cluster that runs; a test leaves it as it was."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight originals in two blocks, trained on this machine without SLURM: not to be changed."""
    folder = copy_with_overlay(tmp_path_factory.mktemp("local"))
    run_here(folder)
    return folder


@pytest.fixture
def folder(local: Path, tmp_path: Path) -> Path:
    """A copy of the local run before it trained: two jobs are left."""
    copy = copy_folder(local, tmp_path / "run")
    shutil.rmtree(copy / RESULTS / "populations")
    return copy
