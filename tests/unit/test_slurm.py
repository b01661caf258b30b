"""What is asked of SLURM, with programs that stand for its own; tests/slurm has a real one."""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from palimpsest import runs, slurm

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
Configuration data as of 2026-11-29T13:00:00
AccountingStorageType   = accounting_storage/{storage}
MinJobAge               = 300 sec
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Make a program of SLURM of this name and body; the file of the arguments that it is given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, body: str) -> Path:
        given = tmp_path / f"{name}.given"
        (folder / name).write_text(f"#!/bin/sh\necho \"$@\" >> '{given}'\n{body}\n")
        (folder / name).chmod(0o755)
        return given

    return make


def test_jobs_are_cancelled_by_their_name(program) -> None:
    asked, cancelled = program("squeue", "echo 17; echo 18"), program("scancel", "")
    assert slurm.cancel("a_run") == 2
    assert "--name=a_run" in asked.read_text()
    assert cancelled.read_text() == "--name=a_run\n"


def test_a_run_without_jobs_cancels_none(program) -> None:
    program("squeue", "")
    cancelled = program("scancel", "")
    assert slurm.cancel("a_run") == 0
    assert not cancelled.exists()


@pytest.mark.parametrize("squeue", ["exit 1", "echo 17"])
def test_a_cluster_that_does_not_answer_cannot_cancel(program, squeue) -> None:
    program("squeue", squeue)
    program("scancel", "exit 1")
    assert slurm.cancel("a_run") is None


def test_where_there_is_no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert slurm.cancel("a_run") is None
    assert slurm.partitions() is None
    assert not slurm.has_accounting()


def test_partitions_by_name(program) -> None:
    program("sinfo", "echo main; echo gpu; echo main")
    assert slurm.partitions() == ["gpu", "main"]


@pytest.mark.parametrize(("storage", "kept"), [("none", False), ("slurmdbd", True)])
def test_settings_of_the_cluster(program, storage, kept) -> None:
    program("scontrol", f"cat <<END\n{CONFIG.format(storage=storage)}END")
    assert slurm.has_accounting() == kept
    assert slurm.setting("MinJobAge") == "300"
    assert slurm.setting("NoSuchSetting") == ""


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        ("sbatch: Job 4 to start at 2026-11-30T01:37:08 using 1 processors", 0, None),
        ("allocation failure: Requested nodes are busy", 1, None),
        (
            "sbatch: error: invalid partition specified: night\n"
            "allocation failure: Invalid partition name specified",
            1,
            "Invalid partition name specified",
        ),
        ("sbatch: error: Memory specification is wrong", 1, "Memory specification is wrong"),
        ("", 1, "sbatch failed without a word"),
    ],
)
def test_why_a_job_would_never_run(program, said, code, why) -> None:
    given = program("sbatch", f"echo '{said}' >&2; exit {code}")
    assert slurm.refusal("sbatch --comment 'of a rule' --mem 100") == why
    assert given.read_text() == "--comment of a rule --mem 100 --test-only --wrap=true\n"


def test_a_controller_that_knows_no_node_yet_is_asked_again(program, monkeypatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(slurm, "time", SimpleNamespace(sleep=waited.append))
    refused = "echo 'allocation failure: Requested node configuration is not available' >&2; exit 1"
    asked = program("sinfo", "echo unknown; echo idle")
    given = program("sbatch", refused)
    assert slurm.refusal("sbatch") == "Requested node configuration is not available"
    assert len(given.read_text().splitlines()) == len(waited) + 1 > 1
    assert asked.read_text().startswith("--noheader --format=%T\n")
    waited.clear()
    program("sbatch", f"[ $(wc -l < '{given}') -gt 8 ] || {{ {refused}; }}")
    assert slurm.refusal("sbatch") is None
    assert len(waited) == 2
    waited.clear()
    program("sinfo", "echo idle")
    program("sbatch", refused)
    assert slurm.refusal("sbatch") == "Requested node configuration is not available"
    assert waited == []


def test_a_slow_controller_is_a_sentence(program, monkeypatch) -> None:
    monkeypatch.setattr(slurm, "_PATIENCE", 0.2)
    program("sbatch", "exec sleep 30")
    with pytest.raises(TimeoutError, match=r"sbatch has not answered within 0\.2 seconds"):
        slurm.refusal("sbatch")


def test_a_run_cancels_the_jobs_of_the_dead_ones_alone(tmp_path: Path, program) -> None:
    asked = program("squeue", "echo 17")
    program("scancel", "")
    dead, living = runs.enter(tmp_path), runs.enter(tmp_path)
    assert dead is not None and living is not None
    dead.has_jobs_named("of_the_dead")
    living.has_jobs_named("of_the_living")
    dead.lock.close()
    again = runs.enter(tmp_path)
    assert again is not None and again.cancelled == {"of_the_dead": 1}
    assert "--name=of_the_dead" in asked.read_text()
    assert "of_the_living" not in asked.read_text()


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (1000, "they need root"),
        (0, "no slurmd here, and only Debian's packages are known"),
    ],
)
def test_where_slurm_cannot_be_tested_it_is_said(
    program, monkeypatch, capsys, user, reason
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "slurm")
    tests = importlib.import_module("run")
    program("unshare", "")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(tests, "missing", lambda: ["slurmd"])
    monkeypatch.setattr(tests.shutil, "which", lambda program: None)
    monkeypatch.setattr(sys, "argv", ["run.py", "--short"])
    tests.main()
    assert capsys.readouterr().out == f"the tests on SLURM were NOT RUN: {reason}\n"
