"""Faults: a run that is killed and started again, files half written, models that diverge."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from running import (
    NO_BYTECODE,
    SMOKE,
    TIMEOUT,
    command,
    copy_sources,
    plan,
    snakemake,
    write_overlay,
)

KILLS = 3
NAMES = [f"results/smoke/ascent/{name}.csv" for name in ("klom", "accuracy", "number_of_models")]
TABLES = ("-c", "2", *NAMES, "--configfile", SMOKE)
"""arguments of the run that ends with the tables"""


@contextlib.contextmanager
def living_run(folder: Path, jobs: int):
    """A run that has finished `jobs` jobs; in the end Snakemake and its jobs are killed."""
    process = subprocess.Popen(
        command(*TABLES), cwd=folder, env=NO_BYTECODE, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    said, finished = [], 0
    try:
        for line in process.stdout:
            said.append(line)
            finished += line.startswith("Finished jobid")
            if finished == jobs:
                break
        assert finished == jobs, "".join(said)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait(timeout=TIMEOUT)
    assert process.returncode == -signal.SIGKILL, "".join(said)


def leave_half_a_file(whole: Path, target: Path) -> Path:
    """What a program leaves that is killed while it writes `target`: half, under another name."""
    half = target.with_name(f".{target.stem}.half{target.suffix}")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return half


@pytest.fixture(scope="module")
def killed(undisturbed, tmp_path_factory):
    """The results of a run that was killed at random moments and started again, no unlocking."""
    folder = copy_sources(tmp_path_factory.mktemp("killed"))
    moments = random.Random(20)
    for _ in range(KILLS):
        with living_run(folder, moments.randint(1, 5)):  # of about 30 jobs
            time.sleep(moments.uniform(0, 3))
    for name in ("populations/original/0.npz", "unlearned/random_8/ga/0.npz"):
        whole = undisturbed.folder / "results" / "smoke" / name
        leave_half_a_file(whole, folder / "results" / "smoke" / name)
    done = snakemake(folder, *TABLES)
    assert done.returncode == 0, done.stdout
    return folder / "results" / "smoke" / "ascent"


@pytest.mark.parametrize("table", ["klom.csv", "accuracy.csv", "number_of_models.csv"])
def test_a_killed_run_ends_with_the_same_bytes(table, killed, undisturbed):
    assert (killed / table).read_bytes() == undisturbed.table(table).read_bytes()


def test_a_second_run_beside_a_living_one_is_refused(tmp_path):
    folder = copy_sources(tmp_path)
    with living_run(folder, 1):
        second = snakemake(folder, *TABLES)
    assert second.returncode == 1
    assert "LockException" in second.stdout


def test_a_half_written_file_is_no_result(finished_copy):
    folder = finished_copy()
    record = folder / "results" / "smoke" / "populations" / "original" / "0.npz"
    half = leave_half_a_file(record, record)
    record.unlink()
    name = str(record.relative_to(folder))
    jobs = plan(folder, name, "--configfile", SMOKE)
    assert [job.rule for job in jobs] == ["train_block"]
    assert name in jobs[0].outputs
    shutil.copyfile(half, record)  # had it taken the name of a result, no reader would trust it
    done = subprocess.run(
        [*command()[:1], "src/score_oracles.py", "--forget-set", "random_8",
         "--split", "results/smoke/splits/random_8.json", "--oracles", name,
         "--metrics", '{"klom": {}}', "--out-references", "null.json", "--out-parts", "parts.json"],
        cwd=folder, env=NO_BYTECODE, capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_diverged_models_are_counted_and_kept(finished_copy, undisturbed):
    folder = finished_copy()
    grid = {"lr": [5.0e-2, 1.0e3], "epochs": [3], "forget_batch": [4], "batch_norm": ["frozen"]}
    overlay = write_overlay(folder, {"ascent": {"grids": {"ga": [grid]}}})
    started = time.time()
    done = snakemake(folder, *TABLES, overlay)
    assert done.returncode == 0, done.stdout
    tables = folder / "results" / "smoke" / "ascent"
    klom, accuracy = (pd.read_csv(tables / name) for name in ("klom.csv", "accuracy.csv"))

    broken = accuracy[(accuracy.method == "ga") & (accuracy.lr == 1e3)]
    assert len(broken) == 6  # two forget sets, three splits
    assert (broken.diverged_models > 0).all()
    assert (broken.n_models == 8).all()
    rows = klom[(klom.method == "ga") & (klom.lr == 1e3)]
    assert len(rows) == 6
    assert (rows.nan_points > 0).all()
    assert (rows.n_models == 8).all()
    assert np.isfinite(rows[["klom", "ci_low", "ci_high", "null", "klom_mean"]]).all(axis=None)
    assert (rows.klom > rows.null).all()

    sound = klom[klom.method != "ga"]
    before = pd.read_csv(undisturbed.table("klom.csv"))
    pd.testing.assert_frame_equal(
        sound.reset_index(drop=True), before[before.method != "ga"].reset_index(drop=True)
    )
    originals = folder / "results" / "smoke" / "populations" / "original" / "0.npz"
    assert originals.stat().st_mtime < started
