"""How the tests of the workflow run Snakemake, and what they read from it."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))  # for scripts, which pytest does not run
sys.path.insert(0, str(Path(__file__).parents[1]))

from warm import Warm

from palimpsest.forecast.jobs import DRY_RUN, Job, parsed

ROOT = Path(__file__).parents[2]
SMOKE = "config/smoke.yaml"
TIMEOUT = 900
NO_BYTECODE = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
STARTS = Warm(
    "snakemake.cli", "snakemake.report", "snakemake.executors.local", "smart_open", "pydantic",
    "docutils.parsers.rst.directives.images",
)  # fmt: skip


def sources() -> list[str]:
    """The files of the repository that git tracks or would track, as relative paths."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return sorted(name for name in listed.stdout.split("\0") if (ROOT / name).is_file())


def copy_sources(folder: Path) -> Path:
    """Write every source file anew into `folder`: the same bytes, the time of now."""
    for name in sources():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


def copy_folder(folder: Path, target: Path) -> Path:
    """Copy a whole folder with its results and their times."""
    return Path(shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True))


def command(*arguments: str) -> list[str]:
    """The command line of Snakemake under the interpreter of the tests."""
    return [sys.executable, "-m", "snakemake", *arguments]


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `folder`; its whole output is in `stdout`."""
    return subprocess.run(
        command(*arguments),
        cwd=folder, env=NO_BYTECODE, timeout=TIMEOUT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def look(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`snakemake` of arguments with which no job starts, after a shared import of Snakemake."""
    words = command(*arguments)[1:]
    return STARTS.run(words, cwd=folder, env=NO_BYTECODE, timeout=TIMEOUT, merge=True)


def plan(folder: Path, *arguments: str) -> list[Job]:
    """The jobs that a dry run plans; none where Snakemake says that nothing is to be done."""
    done = look(folder, *DRY_RUN, *arguments)
    assert done.returncode == 0, done.stdout
    jobs = list(parsed(done.stdout.splitlines()))
    assert jobs or "Nothing to be done" in done.stdout, done.stdout
    return jobs


def write_overlay(folder: Path, overlay: dict | str, name: str = "overlay.yaml") -> str:
    """Write an overlay, or its text, into `folder`; its name, for --configfile."""
    text = overlay if isinstance(overlay, str) else yaml.safe_dump(overlay)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def run_study(study: str, overlay: dict, folder: Path) -> Path:
    """Run a study from nothing in a copy of the sources; the folder of its results."""
    root = copy_sources(folder)
    name = write_overlay(root, overlay)
    done = snakemake(root, study, "-c", "2", "--configfile", name)
    assert done.returncode == 0, done.stdout[-5000:]
    return root / "results" / overlay["run"] / study


def check_shown(folder: Path, tables: Collection[str], figures: Collection[str]) -> None:
    """Each table and each figure of a study is there in every form, and not empty."""
    for name in tables:
        for suffix in ("csv", "md", "tex"):
            assert (folder / "tables" / f"{name}.{suffix}").stat().st_size > 100
    for name in figures:
        for suffix in ("pdf", "svg", "png"):
            assert (folder / f"{name}.{suffix}").stat().st_size > 1000


def rules(jobs: list[Job]) -> Counter[str]:
    """How many jobs of each rule."""
    return Counter(job.rule for job in jobs)


def outputs(jobs: list[Job]) -> list[str]:
    """Every file that the jobs would write."""
    return [path for job in jobs for path in job.outputs]
