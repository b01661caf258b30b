"""What the tests on SLURM share: a cluster, a local run to be equal to, copies of it to finish."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from cluster import Cluster, cluster
from on_slurm import LOCAL, RESULTS
from running import NO_BYTECODE, TIMEOUT, command, copy_folder, copy_sources


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """A cluster that runs; a test leaves it as it was."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight originals in two blocks, trained on this machine without SLURM: not to be changed."""
    folder = copy_sources(tmp_path_factory.mktemp("local"))
    (folder / "two_blocks.yaml").write_text("populations: {block: 4, stack: 4}\n")
    done = subprocess.run(
        command("-c", "2", *LOCAL), cwd=folder, env=NO_BYTECODE, text=True, timeout=TIMEOUT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def folder(local: Path, tmp_path: Path) -> Path:
    """A copy of the local run before it trained: two jobs are left."""
    copy = copy_folder(local, tmp_path / "run")
    shutil.rmtree(copy / RESULTS / "populations")
    return copy
