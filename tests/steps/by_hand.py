"""How the tests of steps run a program as a person would."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(program, *args):
    """Run a program of src/ by its name, with words as arguments."""
    return subprocess.run(
        [sys.executable, ROOT / "src" / f"{program}.py", *map(str, args)],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def refused(program, *args):
    """The sentence of a program that ends with exit code 1 and no traceback."""
    done = run(program, *args)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("error: ")


def prepare(folder, **data):
    """The words that prepare a data set in a folder."""
    return ("prepare_data", "--data", json.dumps(data), "--out-dataset", folder / "dataset.npz",
            "--out-split", folder / "base.json")  # fmt: skip
