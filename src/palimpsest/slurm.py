"""What is asked of SLURM: to cancel a run's jobs, and what stands in the way of new ones."""

import re
import shlex
import subprocess
import time

_PATIENCE = 60  # seconds for an answer
_QUESTIONS, _PAUSE = 6, 5.0  # how often it is asked for unknown nodes, and the seconds between
_NOT_NOW = ("busy", "not available now", "down, drained or reserved", "inactive or drain")
"""in what SLURM says of nodes that will be there later: a job waits for them"""


def cancel(name: str) -> int | None:
    """Cancel the jobs of this name; how many there were. None where that cannot be done."""
    jobs = _answer(["squeue", "--noheader", "--format=%i", f"--name={name}"])
    if jobs and _answer(["scancel", f"--name={name}"]) is None:
        return None
    return None if jobs is None else len(jobs.split())


def partitions() -> list[str] | None:
    """The names of all partitions; None where SLURM does not answer."""
    found = _answer(["sinfo", "--noheader", "--all", "--format=%R"])
    return None if found is None else sorted(set(found.split()))


def setting(name: str) -> str:
    """A setting of the cluster, such as MinJobAge, as `scontrol show config` has it."""
    found = re.search(rf"^{name}\s*= (\S*)", _answer(["scontrol", "show", "config"]) or "", re.M)
    return found[1] if found else ""


def has_accounting() -> bool:
    """Whether SLURM keeps accounts, of which `sacct` tells."""
    return setting("AccountingStorageType") not in ("accounting_storage/none", "(null)", "")


def refusal(call: str) -> str | None:
    """Why SLURM would never run a job that is submitted by this call of sbatch; None: it would.
    TimeoutError where it does not answer.

    A controller that has just been started knows no node until each has told of itself, and refuses
    what they could run; it is asked again.
    """
    for question in range(_QUESTIONS):
        why = _refusal(call)
        if why is None or "unknown" not in (_answer(["sinfo", "--noheader", "--format=%T"]) or ""):
            break
        if question < _QUESTIONS - 1:
            time.sleep(_PAUSE)
    return why


def _refusal(call: str) -> str | None:
    """What it says at once."""
    try:
        done = subprocess.run(
            [*shlex.split(call), "--test-only", "--wrap=true"],
            text=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"sbatch has not answered within {_PATIENCE} seconds") from None
    said = done.stderr.strip().splitlines() or ["sbatch failed without a word"]
    if done.returncode == 0 or any(words in said[-1] for words in _NOT_NOW):
        return None
    return re.sub(r"^(sbatch: error|allocation failure): ", "", said[-1])


def _answer(command: list[str]) -> str | None:
    try:
        return subprocess.run(
            command, check=True, text=True, timeout=_PATIENCE,
            stdin=subprocess.DEVNULL, capture_output=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
