"""How the tests of steps run a program as a person would."""

import json
from pathlib import Path

from warm import Warm

ROOT = Path(__file__).parents[2]
PROGRAMS = Warm(
    "torch", "pandas", "scipy.stats", "sklearn.svm", "matplotlib.pyplot", "safetensors.torch"
)


def run(program, *args):
    """Run a program of src/ by its name, with words as arguments."""
    return PROGRAMS.run([ROOT / "src" / f"{program}.py", *args])


def done(program, *args):
    """Run a program that must succeed."""
    ran = run(program, *args)
    assert ran.returncode == 0, ran.stderr
    return ran


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
