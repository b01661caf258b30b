"""A node dies, a controller is away, Snakemake is killed and started again beside its jobs."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from cluster import Cluster
from on_slurm import FILES, LOCAL, ORIGINALS, PATIENCE, RESULTS, contents, programs, start

FIRST = (ORIGINALS[0], *FILES)
"""one of the two jobs"""
LARGE = ("--set-resources", "train_block:mem_mb=40000")
"""a node has memory for one such job"""


def of_the_first(found: dict[str, bytes]) -> dict[str, bytes]:
    """Of the contents of a run what its first job made."""
    return {key: value for key, value in found.items() if "/original/0." in key}


@contextlib.contextmanager
def killed(slurm: Cluster, folder: Path, jobs: int, options: Sequence[str] = ()) -> Iterator[str]:
    """The name of a killed run of which so many jobs train on, frozen; they thaw in the end."""
    run = start(slurm, folder, *LOCAL, options=options)

    def freeze() -> bool:
        for program in programs(folder):
            program.suspend()
        return len(programs(folder)) == jobs

    run.wait_for(freeze, "jobs that train")
    frozen = programs(folder)
    run.kill()
    try:
        yield run.name
    finally:
        for program in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                program.resume()
        psutil.wait_procs(frozen, timeout=PATIENCE)


@pytest.fixture
def no_scancel(slurm: Cluster) -> Iterator[None]:
    """A cluster whose scancel fails."""
    broken = slurm.folder / "bin" / "scancel"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    yield
    broken.unlink()


def test_a_run_survives_the_death_of_a_node(slurm, folder, local):
    run = start(slurm, folder, *FIRST)
    run.wait_for(lambda: programs(folder), "a job that trains")
    node = slurm.jobs(run.name, "%N")[0]
    slurm.kill(node)
    try:
        assert run.end() == 0, run.text
        jobs = [line.split("|") for line in slurm.jobs(run.name, "%T|%N|%m|%l")]
        failed, done = sorted(jobs, key=lambda job: job[0] == "COMPLETED")
        assert failed[0] == "NODE_FAIL"
        assert done == ["COMPLETED", other(node), "6004M", "6:02:00"]
        assert contents(folder) == of_the_first(contents(local))
    finally:
        slurm.start_node(node)
        slurm.wait_until_idle()


def other(node: str) -> str:
    """The other of the two nodes."""
    return {"node1": "node2", "node2": "node1"}[node]


def test_a_run_survives_a_controller_that_is_away_when_its_job_ends(slurm, folder, local):
    run = start(slurm, folder, *FIRST)
    run.wait_for(lambda: programs(folder), "a job that trains")
    slurm.kill("controller")
    try:
        run.wait_for((folder / ORIGINALS[0]).exists, "its result")
        run.wait_for(lambda: "Falling back to 'sacct'" in run.text, "a question")
    finally:
        slurm.restart_controller()
    assert run.end() == 0, run.text
    assert slurm.jobs(run.name) == ["COMPLETED"]
    assert contents(folder) == of_the_first(contents(local))


def test_a_run_that_is_started_again_cancels_the_jobs_of_its_killed_self(slurm, folder, local):
    with killed(slurm, folder, 2) as old:
        again = start(slurm, folder, *LOCAL)
        assert again.end() == 0, again.text
        assert "cancelled 2 jobs that a killed run had left" in again.text
        slurm.wait_for(lambda: slurm.jobs(old) == ["CANCELLED"] * 2, "cancelled jobs", PATIENCE)
        assert programs(folder) == []
    assert contents(folder) == contents(local)


@pytest.fixture
def one_node(slurm: Cluster) -> Iterator[None]:
    """A cluster of which the second node takes no job until it is resumed."""
    slurm("scontrol", "update", "nodename=node2", "state=drain", "reason=test")
    yield
    if "drain" in slurm("sinfo", "--noheader", "--nodes=node2", "--format=%T"):
        resume_second_node(slurm)
    slurm.wait_until_idle()


def resume_second_node(slurm: Cluster) -> None:
    """Let the second node take jobs again."""
    slurm("scontrol", "update", "nodename=node2", "state=resume")


def test_what_cannot_be_cancelled_changes_no_result(slurm, folder, local, no_scancel, one_node):
    with killed(slurm, folder, 1, LARGE) as old:  # the second job waits for memory
        again = start(slurm, folder, *LOCAL, options=LARGE)
        again.wait_for(lambda: again.name and slurm.jobs(again.name), "new jobs")
        resume_second_node(slurm)
        assert again.end() == 0, again.text
        assert f"could not be cancelled (scancel --name={old})" in again.text
        results = state_of(folder)
        assert contents(folder) == contents(local)
    slurm.wait_for(lambda: slurm.jobs(old) == ["FAILED"] * 2, "old jobs that fail", PATIENCE)
    assert state_of(folder) == results
    logs = (folder / ".snakemake" / "slurm_logs").rglob("*.log")  # the other's log is the newer's
    said = [log.read_text(errors="replace") for log in logs]
    assert any("another one has begun; nothing was written" in text for text in said)


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the models: its time and its bytes."""
    files = (folder / RESULTS / "populations").rglob("[!.]*.*")
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
