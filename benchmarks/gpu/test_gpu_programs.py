"""The other programs of this folder at toy size on the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(program: str, out: Path, *options: str) -> dict:
    command = [sys.executable, HERE / program, "--device", "cpu", "--toy", "--out", out, *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def test_same_results_compares_the_captured_path_with_the_cpu(tmp_path):
    found = run("same_results.py", tmp_path / "out.json", "--stack", "1")
    rows = found["score_and_interval"]
    assert list(rows) == ["cpu float32", "captured float32", "captured bfloat16"]
    for row in [*rows.values(), {part: [found["null_floor"][part]] for part in ("train", "val")}]:
        assert all(0 < row[part][0] < 12 for part in ("train", "val"))
    assert all(row["accuracy"]["train"] > 0.3 for row in rows.values())
    assert "--toy" in found["command"] and found["machine"]["torch"] and found["date"]


def test_engine_stands_beside_its_rival(tmp_path):
    found = run("engine.py", tmp_path / "out.json", "--models", "2", "--rival-steps", "2")
    assert len(found["engine"]["test_accuracy"]) == 2
    best = max(own["models_per_second"] for own in found["rival"].values())
    assert found["engine_over_rival"] == found["engine"]["models_per_second"] / best > 0
