"""How the tests run Snakemake on the cluster, and what they read of its jobs."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from cluster import Cluster, end_with_parent
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

from running import NO_BYTECODE, SMOKE, TIMEOUT, command, copy_sources, snakemake

RESULTS = Path("results/smoke")
ORIGINALS = [f"{RESULTS}/populations/original/{block}.npz" for block in range(2)]
FILES = ("--configfile", SMOKE, "two_blocks.yaml")
LOCAL = (*ORIGINALS, *FILES)
PATIENCE = 600.0
"""seconds for what takes a few on a quiet machine"""
JOBS = 3
"""the data, and two blocks of originals"""
SLURM = (
    "--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "5",
)  # fmt: skip
LAST = ("--latency-wait", "20")
"""an option of one value, so that a target may follow"""
BESIDE_CONTENT = {"made_by", "sha256"}
"""what arrays say of the machine and the moment that made them"""


@dataclass
class OnSlurm:
    """Snakemake on the login node.

    Args:
        slurm: the cluster that it sends jobs to.
        said: the file of what it says.
    """

    slurm: Cluster
    process: subprocess.Popen[bytes]
    said: Path

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """The name of its jobs; empty while it has none."""
        found = re.search(r"^SLURM run ID: (\S+)$", self.text, re.M)
        return found[1] if found else ""

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds; AssertionError if the run ends before it does."""

        def settled() -> bool:
            if condition():
                return True
            assert not self.has_ended(), self.text
            return False

        self.slurm.wait_for(settled, what, PATIENCE)

    def end(self, seconds: float = TIMEOUT) -> int:
        """Wait until it ends; its exit code."""
        return self.process.wait(timeout=seconds)

    def kill(self) -> None:
        """SIGKILL for it and for all that runs on its login node."""
        self.process.kill()
        self.process.wait(timeout=30)


def copy_with_overlay(folder: Path) -> Path:
    """A copy of the repository, with an overlay that makes two blocks of the eight originals."""
    copy = copy_sources(folder)
    (copy / "two_blocks.yaml").write_text("populations: {block: 4, stack: 4}\n")
    return copy


def run_here(folder: Path) -> None:
    """Train both blocks on this machine, without SLURM."""
    done = snakemake(folder, "-c", "2", *LOCAL)
    if done.returncode:
        raise RuntimeError(done.stdout)


def start(slurm: Cluster, folder: Path, *targets: str, options: Sequence[str] = ()) -> OnSlurm:
    """Start Snakemake with the profile for SLURM in `folder`."""
    said = folder / f"said_{len(list(folder.glob('said_*')))}"
    with said.open("wb") as file:
        process = subprocess.Popen(
            slurm.login(*command(*SLURM, *options, *LAST, *targets)),
            cwd=folder, env=NO_BYTECODE | slurm.environment | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=end_with_parent,
        )  # fmt: skip
    return OnSlurm(slurm, process, said)


def programs(folder: Path) -> list[psutil.Process]:
    """The programs that train in `folder`, on all nodes."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if words[1:2] == ["src/train_block.py"] and process.info["cwd"] == str(folder):
            found.append(process)
    return found


def contents(folder: Path, below: str = "populations") -> dict[str, bytes]:
    """Every array and every weight that a run has made in a folder of its results."""
    found = {}
    for path in sorted((folder / RESULTS / below).glob("**/[!.]*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                for key in set(arrays.files) - BESIDE_CONTENT:
                    found[f"{name} {key}"] = arrays[key].tobytes()
        elif path.suffix == ".safetensors":
            for key, value in load_file(path).items():
                found[f"{name} {key}"] = value.tobytes()
    return found
