"""A killed run's locks, half-written files and jobs go with the next run; a living one's stay."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from palimpsest import runs
from palimpsest.files import InputError, atomic_path


def lock(folder: Path) -> Path:
    """A lock file where Snakemake writes its own."""
    path = folder / "locks" / "0.output.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("results/klom.csv")
    return path


def half_written(results: Path) -> Path:
    """What a program leaves that is killed while it writes."""
    path = results / "smoke" / "ascent" / ".lemma_1.0abc.partial.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("%PDF")
    return path


def entered(folder: Path, results: Path | None = None) -> runs.Run:
    run = runs.enter(folder, results)
    assert run is not None
    return run


def job_of(run: runs.Run, before: str = "pass") -> subprocess.Popen[bytes]:
    """A job that knows its run and outlives it, and runs by now."""
    program = f"import signal, time; {before}; print('ready', flush=True); time.sleep(60)"
    job = subprocess.Popen(
        [sys.executable, "-c", program],
        env={runs.VARIABLE: str(run.file)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert job.stdout is not None
    assert job.stdout.readline() == b"ready\n"  # until then a new process may have no environment
    return job


def test_what_a_dead_run_left_is_cleared(tmp_path: Path) -> None:
    dead = entered(tmp_path)
    locked, half = lock(tmp_path), half_written(tmp_path / "results")
    dead.lock.close()  # as the end of its process does
    entered(tmp_path, tmp_path / "results")
    assert not locked.exists()
    assert not half.exists()
    assert not dead.file.exists()


def test_what_a_living_run_has_stays(tmp_path: Path) -> None:
    first = entered(tmp_path)
    held, half = lock(tmp_path), half_written(tmp_path / "results")
    second = entered(tmp_path)
    first.lock.close()  # the second still lives
    third = entered(tmp_path, tmp_path / "results")
    assert held.exists()
    assert half.exists()
    for run in (second, third):
        run.lock.close()
    entered(tmp_path)
    assert not held.exists()


def test_jobs_of_a_dead_run_are_ended_and_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    dead, living = entered(tmp_path), entered(tmp_path)
    orphan, own = job_of(dead), job_of(living)
    dead.lock.close()
    try:
        assert entered(tmp_path).orphans == [orphan.pid]
        assert not psutil.pid_exists(orphan.pid)
        assert own.poll() is None
    finally:
        own.kill()
        own.wait()


def test_an_orphan_that_ignores_being_asked_is_killed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    dead = entered(tmp_path)
    stubborn = job_of(dead, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    dead.lock.close()
    entered(tmp_path)
    assert not psutil.pid_exists(stubborn.pid)


def test_a_job_of_a_run_that_was_followed_by_another_writes_nothing(
    tmp_path: Path, monkeypatch
) -> None:
    result = tmp_path / "klom.csv"
    run = entered(tmp_path / ".snakemake")
    monkeypatch.setenv(runs.VARIABLE, str(run.file))
    monkeypatch.setattr("palimpsest.files.guards", [runs.check_wanted])
    run.lock.close()  # the run is over, and no other has begun
    with atomic_path(result) as temporary:
        temporary.write_text("old")
    monkeypatch.delenv(runs.VARIABLE)  # this process is no orphan to be ended
    entered(tmp_path / ".snakemake")
    monkeypatch.setenv(runs.VARIABLE, str(run.file))
    with pytest.raises(InputError, match="another one has begun"), atomic_path(result) as temporary:
        temporary.write_text("late")
    with pytest.raises(InputError, match=r"^the run that started this job has ended"):
        runs.check_wanted()  # nor does it begin
    assert result.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["klom.csv"]


def test_a_folder_that_cannot_be_made_is_left_to_snakemake(tmp_path: Path) -> None:
    assert runs.enter(tmp_path / "missing" / ".snakemake") is None
    assert os.listdir(tmp_path) == []


def test_what_stands_in_the_way_of_results_is_named(tmp_path: Path) -> None:
    results = tmp_path / "results" / "digits"
    table = results / "ascent" / "klom.csv"
    (results / "populations" / "v1.5").mkdir(parents=True)
    runs.check_places([tmp_path / "logs", tmp_path / "results"], results)
    table.mkdir(parents=True)
    with pytest.raises(InputError, match=r"klom\.csv is a folder where a file belongs"):
        runs.check_places([], results)
    (tmp_path / "logs").write_text("")
    with pytest.raises(InputError, match="logs is a file where a folder belongs"):
        runs.check_places([tmp_path / "logs"], results)
