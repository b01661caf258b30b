"""A run as a shell script: the same results, without Snakemake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import NO_BYTECODE, ROOT, SMOKE

KLOM = "results/smoke/ascent/klom.csv"
EXPECTED = [
    "results/smoke/unlearned/random_8/ga/0.npz",
    "results/smoke/ascent/scores/random_8/ga.json",
    KLOM,
]


def write_script(folder: Path, *words: str) -> None:
    """Write run.sh in `folder`."""
    command = [sys.executable, "tools/as_script.py", *words, "--out", "run.sh"]
    subprocess.run(command, cwd=folder, env=NO_BYTECODE, check=True)


def started(folder: Path) -> list[str]:
    """What the script says of the jobs that it begins."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "run.sh"], cwd=folder, env=NO_BYTECODE | {"PATH": path},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return [line.split(": ")[1] for line in done.stdout.splitlines()]


def test_a_script_makes_what_is_missing_and_what_is_made_of_it(finished_copy, undisturbed):
    folder = finished_copy()
    shutil.rmtree(folder / "results/smoke/unlearned/random_8/ga")
    (folder / "results/smoke/ascent/scores/random_8/ga.json").unlink()
    (folder / KLOM).unlink()
    write_script(folder, "--configfile", SMOKE, "--target", KLOM)
    assert started(folder) == EXPECTED
    made, before = (path / KLOM for path in (folder, undisturbed.folder))
    assert made.read_bytes() == before.read_bytes()
    assert started(folder) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--configfile", "config/digits-classes.yaml", "--target", "classes"),
        ("--configfile", "config/alignment-fashion-resnet18.yaml"),
    ],
)
def test_a_script_of_every_study_is_one(words, tmp_path):
    script = tmp_path / "run.sh"
    command = [sys.executable, "tools/as_script.py", *words, "--out", str(script)]
    subprocess.run(command, cwd=ROOT, env=NO_BYTECODE, check=True)
    subprocess.run(["sh", "-n", script], check=True)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("job ") for line in lines) > 20
