"""The shell script of a run: the order of its jobs, and how it goes on, ends and refuses."""

import importlib.util
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from palimpsest.forecast.jobs import Job

ROOT = Path(__file__).parents[2]


def load_tool():
    spec = importlib.util.spec_from_file_location("as_script", ROOT / "tools" / "as_script.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def planned(rule: str, makes: str, *reads: str, **wildcards: str) -> Job:
    return Job(rule, reads, (makes,), wildcards=wildcards)


def test_a_block_is_done_before_the_next_one_begins():
    jobs = [
        planned("train_block", "o1", "data", block="1", population="original"),
        planned("prepare_data", "data"),
        planned("train_block", "o0", "data", block="0", population="original"),
        planned("unlearn_block", "gda0", "o0", "split", block="0", method="gda"),
        planned("unlearn_block", "ga1", "o1", "split", block="1", method="ga"),
        planned("train_block", "s0", "split", block="0", population="second_oracle/a"),
        planned("select_forget_set", "split", "data"),
        planned("train_block", "r0", "split", block="0", population="oracle/a"),
        planned("unlearn_block", "ga0", "o0", "split", block="0", method="ga"),
        planned("score", "s", "ga0", "ga1"),
    ]
    found = [one.outputs[0] for one in tool.by_blocks(jobs, ["ga", "gda"])]
    assert found == ["data", "split", "o0", "r0", "ga0", "gda0", "s0", "o1", "ga1", "s"]


def test_what_waits_for_a_datamodel_comes_block_by_block_too():
    jobs = [
        planned("datamodel_block", "h0", block="0"),
        planned("unlearn_block", "u1", "o1", "split", block="1", method="ga"),
        planned("train_block", "r1", "split", block="1", population="oracle/pc1"),
        planned("train_block", "r0", "split", block="0", population="oracle/pc1"),
        planned("select_forget_set", "split", "estimate"),
        planned("estimate_datamodel", "estimate", "o0", "o1", "h0"),
        planned("train_block", "o1", block="1", population="original"),
        planned("train_block", "o0", block="0", population="original"),
        planned("unlearn_block", "u0", "o0", "split", block="0", method="ga"),
    ]
    found = [one.outputs[0] for one in tool.by_blocks(jobs, ["ga"])]
    assert found == ["o0", "o1", "h0", "estimate", "split", "r0", "u0", "r1", "u1"]


class Script:
    """A script of two jobs that write a line each, in a folder that looks like the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "src").mkdir()
        (folder / "src" / "train_block.py").write_text("")
        self.jobs = {"a": self.job("a", "echo 1 > {out}"), "b": self.job("b", "cp {in} {out}", "a")}

    def job(self, name: str, command: str, reads: str = "") -> Job:
        out, source = f"results/toy/{name}.txt", f"results/toy/{reads}.txt"
        words = command.replace("{out}", out).replace("{in}", source)
        inputs = ("src/train_block.py", *([source] if reads else []))
        return Job("toy", inputs, (out,), command=f"{words} > logs/{name}.log 2>&1")

    def write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(self.folder)
        head = tool.HEAD.format(count=2, run="toy")
        lines = [tool.line_of(job) for job in self.jobs.values()]
        (self.folder / "run.sh").write_text(head + "\n".join(lines) + "\n")

    def start(self, *words: str) -> subprocess.Popen[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            ["sh", "run.sh", *words], cwd=self.folder, env=os.environ | {"PATH": path},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *words: str) -> tuple[int, list[str]]:
        """Its exit code, and what it says, without the seconds."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=60)
        return process.returncode, [line.rpartition(" s: ")[2] for line in said.splitlines()]

    def read(self, name: str) -> str:
        return (self.folder / "results" / "toy" / f"{name}.txt").read_text()


A, B = "results/toy/a.txt", "results/toy/b.txt"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script(tmp_path)
    made.jobs["a"] = made.job("a", "echo 1 > {out}; true")
    made.write(monkeypatch)
    return made


def test_no_job_begins_after_the_time_and_the_next_call_goes_on(script, monkeypatch):
    script.jobs["a"] = script.job("a", "sleep 5; echo 1 > {out}; true")
    script.write(monkeypatch)
    assert script.run("4") == (0, [A, "the time is up"])
    assert script.run() == (0, [B])
    assert script.read("b") == "1\n"
    assert script.run() == (0, [])


def test_another_command_another_source_and_a_newer_input_are_run_again(script, monkeypatch):
    assert script.run() == (0, [A, B])
    script.jobs["b"] = script.job("b", "echo 2 > {out}; true", "a")
    script.write(monkeypatch)
    assert script.run() == (0, [B])
    assert script.read("b") == "2\n"
    os.utime(script.folder / A, (time.time() + 5, time.time() + 5))
    assert script.run() == (0, [B])
    (script.folder / "src" / "train_block.py").write_text("# edited")
    script.write(monkeypatch)
    assert script.run()[1][0] == A


def test_a_result_that_nobody_knows_of_is_made(script):
    (script.folder / "results" / "toy").mkdir(parents=True)
    (script.folder / A).write_text("of another run")
    assert script.run()[1] == [A, B]
    assert script.read("a") == "1\n"


def test_a_job_that_fails_ends_the_script_with_its_last_words(script, monkeypatch):
    script.jobs["a"] = script.job("a", "ls {in}", "none")
    script.write(monkeypatch)
    code, said = script.run()
    assert code == 1
    assert said[:2] == [A, f"failed: {A}, see logs/a.log"]
    assert "none.txt" in said[2]


@pytest.mark.parametrize("words", ["1h", "3.5", "-5", " "])
def test_seconds_that_are_none(script, words):
    code, (said,) = script.run(words)
    assert code == 2
    assert said == f"error: {words} is no number of seconds; allowed: a whole one"
    assert not (script.folder / "results").exists()


def test_another_folder_is_refused(script):
    (script.folder / "src" / "train_block.py").unlink()
    assert script.run()[0] == 2
    assert not (script.folder / "results").exists()


def test_a_script_is_refused_while_a_job_of_a_killed_one_lives(script, monkeypatch):
    waits = "touch begun; until [ -e go ]; do sleep 0.1; done; echo 1 > {out}; true"
    script.jobs["a"] = script.job("a", waits)
    script.write(monkeypatch)
    killed = script.start()
    while not (script.folder / "begun").exists():
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    refused = "error: a script of this run, or a job that it left, still runs; end it first"
    assert script.run() == (2, [refused])
    (script.folder / "go").touch()
    for _ in range(100):  # until the job has ended
        time.sleep(0.1)
        if (found := script.run()) != (2, [refused]):
            break
    assert found == (0, [A, B])  # nobody noted that it had


def test_names_are_quoted():
    job = Job("toy", (), ("results/toy/it's.txt",), command="echo \"it's\" > 'logs/a b.log'")
    words = shlex.split(tool.line_of(job))
    assert words[2] == f"mkdir -p 'logs' results/toy && {job.command}".replace("'logs'", "logs")
    assert words[3:] == ["logs/a b.log", "1", "results/toy/it's.txt"]
