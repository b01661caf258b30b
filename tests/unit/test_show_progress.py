"""The progress line: counts, time left, and errors that are passed on."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "tools" / "show_progress.py"
LOG = """Building DAG of jobs...
Job stats:
job            count
-----------  -------
train_block        2
all                1
total              3

Select jobs to execute...
[Sat Nov 21 04:05:06 2026]
rule train_block:
    input: a
[Sat Nov 21 04:05:09 2026]
Finished jobid: 3 (Rule: train_block)
1 of 3 steps (33%) done
Nothing to be done (all requested files are present and up to date).
RuleException:
Error in rule train_block:
    message: it broke
"""


def test_jobs_become_lines_and_errors_stay() -> None:
    run = subprocess.run(
        [sys.executable, str(PROGRAM)], input=LOG, capture_output=True, text=True, check=True
    )
    lines = run.stdout.splitlines()
    assert lines[0].startswith("[1/3] train_block")
    assert "s left" in lines[0]
    assert "Nothing to be done (all requested files are present and up to date)." in lines
    assert "Error in rule train_block:" in lines
    assert "    message: it broke" in lines
    assert not any("Building DAG" in line or "Select jobs" in line for line in lines)
