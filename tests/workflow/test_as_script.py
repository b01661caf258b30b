"""A run as a shell script: the same results, without Snakemake."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import NO_BYTECODE, ROOT, SMOKE

from palimpsest.forecast.jobs import Job

TOOL = ROOT / "tools" / "as_script.py"
KLOM = "results/smoke/ascent/klom.csv"


def tool():
    spec = importlib.util.spec_from_file_location("as_script", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def job(rule: str, makes: str, *reads: str, block: str = "") -> Job:
    return Job(rule, reads, (makes,), wildcards={"block": block} if block else {})


def test_a_block_is_done_before_the_next_one_begins():
    jobs = [
        job("train_block", "o1", "data", block="1"),
        job("prepare_data", "data"),
        job("train_block", "o0", "data", block="0"),
        job("unlearn_block", "u1", "o1", "split", block="1"),
        job("select_forget_set", "split", "data"),
        job("unlearn_block", "u0", "o0", "split", block="0"),
        job("score", "s", "u0", "u1"),
        job("draw", "theory"),
    ]
    found = [one.outputs[0] for one in tool().by_blocks(jobs)]
    assert found == ["data", "split", "theory", "o0", "u0", "o1", "u1", "s"]


def started(folder: Path, *words: str) -> list[str]:
    """What the script says of the jobs that it begins."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "run.sh", *words], cwd=folder, env=NO_BYTECODE | {"PATH": path},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return [line.split(": ")[1] for line in done.stdout.splitlines()]


@pytest.fixture
def folder(finished_copy) -> Path:
    """A finished run without a table and what one method gave it, and the script for it."""
    copy = finished_copy()
    shutil.rmtree(copy / "results/smoke/unlearned/random_8/ga")
    (copy / "results/smoke/ascent/scores/random_8/ga.json").unlink()
    (copy / KLOM).unlink()
    words = ("--configfile", SMOKE, "--target", KLOM, "--out", "run.sh")
    subprocess.run(
        [sys.executable, TOOL.relative_to(ROOT), *words], cwd=copy, env=NO_BYTECODE, check=True
    )
    return copy


def test_a_script_makes_what_is_missing_and_what_is_made_of_it(folder, undisturbed):
    expected = [
        "results/smoke/unlearned/random_8/ga/0.npz",
        "results/smoke/ascent/scores/random_8/ga.json",
        KLOM,
    ]
    assert started(folder, "1") == [expected[0], "the time is up"]
    assert started(folder) == expected[1:]
    made, before = (path / KLOM for path in (folder, undisturbed.folder))
    assert without_seconds(made) == without_seconds(before)
    assert started(folder) == []


def without_seconds(table: Path) -> list[list[str]]:
    """The cells of a table but for the last column, what models took."""
    rows = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
    assert rows[0][-1] == "seconds"
    return [row[:-1] for row in rows]
