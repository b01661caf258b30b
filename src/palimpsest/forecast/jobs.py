"""The jobs of a run, from what a dry run of Snakemake says: what they read, write and are told.

Nothing about a run is counted a second time: the words that a program would be given say how many
models, settings and points it has.
"""

import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from palimpsest.files import InputError, regular_file

DRY_RUN = ("-n", "-p", "--nocolor")
_RULE = re.compile(r"^(?:local)?rule (\w+):$")
_FACT = re.compile(r"^    (input|output|benchmark|wildcards|resources): (.*)$")
_COMMAND = "Shell command: "
_TOTAL = re.compile(r"^total +(\d+)$")


@dataclass(frozen=True)
class Job:
    """A job that Snakemake plans.

    Args:
        inputs, outputs: paths.
        benchmark: the file that its time would be written to; empty for a rule without a program.
        gpu: whether it takes a GPU.
        words: option of its program -> the words after it.
        command: all of it, for a shell; empty for a rule without a program.
    """

    rule: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    benchmark: str = ""
    wildcards: dict[str, str] = field(default_factory=dict)
    gpu: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)
    command: str = ""

    def number(self, option: str) -> int:
        """The whole number after an option."""
        return int(self.words[option][0])


def dry_run(files: Sequence[str], targets: Sequence[str], *, every: bool = False) -> list[Job]:
    """The jobs that Snakemake would run in this folder; `every`: those that are done already, too.

    InputError with what Snakemake says where it plans nothing.
    """
    again = ("--forceall",) if every else ()
    overlays = ("--configfile", *files) if files else ()
    command = [sys.executable, "-m", "snakemake", *targets, *DRY_RUN, *again, *overlays]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(_why(done.stderr + done.stdout, targets))
    return list(parsed((done.stdout + done.stderr).splitlines()))


def parsed(lines: Iterable[str]) -> Iterator[Job]:
    """The jobs of a dry run. InputError unless they are as many as it counts itself."""
    facts: dict[str, str] = {}
    rule, jobs, total = "", 0, 0
    lines = iter(lines)
    for line in lines:
        if found := _RULE.match(line):
            rule, facts = found[1], {}
        elif found := _FACT.match(line):
            facts[found[1]] = found[2]
        elif line.startswith(_COMMAND) and rule:
            jobs += 1
            yield _job(rule, facts, *_whole(line.removeprefix(_COMMAND), lines))
            rule = ""
        elif found := _TOTAL.match(line):
            total = int(found[1])
    if jobs != total:
        raise InputError(
            f"the dry run of Snakemake counts {total} jobs and tells of {jobs}; needed: the "
            "version of envs/requirements.lock, and no quiet: in its profile"
        )


def _job(rule: str, facts: dict[str, str], command: str, words: list[str]) -> Job:
    pairs = (pair.partition("=") for pair in facts.get("wildcards", "").split(", ") if pair)
    return Job(
        rule,
        tuple(filter(None, facts.get("input", "").split(", "))),
        tuple(filter(None, facts.get("output", "").split(", "))),
        facts.get("benchmark", ""),
        {name: value for name, _, value in pairs},
        re.search(r"\bgpu=[1-9]", facts.get("resources", "")) is not None,
        _options(words),
        "" if command == "None" else command,
    )


def _options(command: list[str]) -> dict[str, list[str]]:
    """Option -> the words after it, up to where the log begins."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for word in itertools.takewhile(lambda word: word != ">", command):
        if word.startswith("--"):
            words = found[word] = []
        else:
            words.append(word)
    return found


def _whole(command: str, lines: Iterator[str]) -> tuple[str, list[str]]:
    """A command with the lines that it goes on in, as one with a caption does; its words.
    ValueError where a quotation never ends."""
    while True:
        try:
            return command, shlex.split(command)
        except ValueError:
            line = next(lines, None)
            if line is None:
                raise
            command += f"\n{line}"


def _why(said: str, targets: Sequence[str]) -> str:
    """The sentence in what Snakemake says."""
    own = re.findall(r"^error: (.*)$", said, re.M)
    if own:
        return "\n".join(own)
    unknown = re.search(r"MissingRuleException|No rule to produce (\S+)", said)
    if unknown and targets:
        return (
            f"--target is {' '.join(targets)}, which no rule makes; allowed: a study of the run, "
            "a target such as figures, or a file in results/RUN"
        )
    last = [line for line in said.splitlines() if line.strip()]
    return f"Snakemake plans nothing: {last[-1].strip() if last else 'it says nothing'}"


def names(files: Sequence[str | Path]) -> list[str]:
    """Overlays as they are given to Snakemake; InputError for one that is not there."""
    for file in files:
        regular_file(file, "overlay")
    return [str(file) for file in files]
