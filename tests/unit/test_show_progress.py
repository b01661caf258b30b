"""What is shown of a run: a first line, a line per job, errors; and that signals end all of it."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "tools" / "show_progress.py"
LOG = """run tiny: ascent; N = 8 models of resnet9; 2 forget sets, 12 settings
Building DAG of jobs...
Provided cores: 2
Conda environments: ignored
Job stats:
job            count
-----------  -------
train_block        2
all                1
total              3

Select jobs to execute...
[Sat Nov 21 04:05:06 2026]
localrule train_block:
    input: a
    jobid: 3
    benchmark: results/tiny/benchmarks/train_block/original/0.tsv
    wildcards: population=original, block=0
[Sat Nov 21 04:05:09 2026]
Finished jobid: 3 (Rule: train_block)
1 of 3 steps (33%) done
Nothing to be done (all requested files are present and up to date).
RuleException:
Error in rule train_block:
    message: it broke
    jobid: 4
"""
# In place of Snakemake: a job of its own group, which is deaf, and one elsewhere, as kernels are.
BUSY = """
import subprocess, sys
deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
jobs = [
    subprocess.Popen([sys.executable, "-S", "-c", deaf]),
    subprocess.Popen(["sleep", "600"], start_new_session=True),
]
print("pids", *(job.pid for job in jobs), flush=True)
jobs[0].wait()
"""


def words(program: str) -> list[str]:
    """The command that shows how a program in place of Snakemake runs."""
    return [sys.executable, str(PROGRAM), sys.executable, "-S", "-c", program]


def shown(folder: Path, log: str, end: str = "") -> subprocess.CompletedProcess[str]:
    """What is shown of a run that says `log`."""
    program = f"print({log!r}, end='', flush=True)\n{end}"
    return subprocess.run(words(program), cwd=folder, capture_output=True, text=True)


def test_the_first_line_says_what_will_be_done_and_jobs_become_lines(tmp_path: Path) -> None:
    done = shown(tmp_path, LOG, "raise SystemExit(3)")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"run tiny: ascent; N = 8 models of resnet9; 2 forget sets, 12 settings; 3 jobs, "
        r"about \d+ (s|min) on 2 cores \(as the run digits takes\)",
        lines[0],
    )
    assert re.fullmatch(r"\[1/3\] train_block +0 s, about \d+ (s|min) left", lines[1])
    assert lines[2:] == [
        "Nothing to be done (all requested files are present and up to date).",
        "RuleException:",
        "Error in rule train_block:",
        "    message: it broke",
        "    jobid: 4",
    ]
    kept = tmp_path / "results" / "tiny" / "benchmarks" / "train_block" / "original" / "0.tsv"
    kept.parent.mkdir(parents=True)
    kept.write_text("s\n400.0\n")
    again = shown(tmp_path, LOG).stdout.splitlines()[0]
    assert again.endswith("3 jobs, about 7 min on 2 cores (as jobs took before)")


def test_a_terminal_has_a_bar_with_the_jobs_that_run(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 100))
    text = LOG.split("[Sat Nov 21 04:05:09")[0]
    program = f"import time\nprint({text!r}, flush=True)\ntime.sleep(2.5)"
    process = subprocess.Popen(words(program), cwd=tmp_path, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while data := os.read(ours, 1000):
            seen += data
    os.close(ours)
    assert process.wait() == 0, seen.decode()
    assert "% |" in seen.decode()
    assert "0/3 jobs, about" in seen.decode()
    assert "left: train_block original 0" in seen.decode()


def hear_signals() -> None:
    """What starts the tests, such as nohup, may have signals ignored, which is inherited."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def busy(folder: Path, **options: object) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run of deaf jobs that is being shown, and the processes behind it."""
    process = subprocess.Popen(
        words(BUSY), cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=hear_signals, **options,
    )  # fmt: skip
    behind: list[int] = []
    try:
        assert process.stdout is not None
        behind = [int(word) for word in process.stdout.readline().split()[1:]]
        behind += [child.pid for child in psutil.Process(process.pid).children()]
        yield process, behind
    finally:
        for pid in [process.pid, *behind]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def living(pids: list[int]) -> list[int]:
    """Those of these processes that run."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_with_one_line(tmp_path: Path, number: signal.Signals) -> None:
    with busy(tmp_path) as (process, behind):
        assert len(behind) == 4  # two jobs, what stands for Snakemake, the watcher
        process.send_signal(number)
        said, _ = process.communicate(timeout=120)
        assert said == "stopped: 0 of 0 jobs are done; the same command goes on from there\n"
        assert process.returncode == 128 + number
        assert living(behind) == []


def test_killed_it_leaves_nothing_running(tmp_path: Path) -> None:
    with busy(tmp_path) as (process, behind):
        process.kill()
        process.wait()
        deadline = time.monotonic() + 120
        while living(behind) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert living(behind) == []


def test_what_a_command_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    program = BUSY.replace("jobs[0].wait()", "raise SystemExit(5)")
    done = subprocess.run(words(program), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 5
    job = int(done.stdout.split()[1])
    assert living([job]) == []
    os.kill(int(done.stdout.split()[2]), signal.SIGKILL)  # of another session: the next run's
