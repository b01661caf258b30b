"""What jobs of a real run took, from the benchmark files that Snakemake leaves.

On a machine that does other things as well, the wall time of a job (`s`) says little; what it costs
is its processor time. Snakemake samples that twice a second for 15 s, then every 30 s, and not at
the end: what came after the last sample is filled up at the same load.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palimpsest.files import InputError
from palimpsest.forecast.stages import Task, stages_of

OFTEN, UNTIL, SELDOM = 0.5, 15.5, 30.0  # seconds, of snakemake.benchmark
STARTED = 1.0
"""seconds from which on the samples say how busy a job was"""


@dataclass(frozen=True)
class Row:
    """Planned against measured seconds of the jobs of a stage that have both."""

    stage: str
    jobs: int
    of: int
    planned: float
    measured: float
    wall: float

    @property
    def ratio(self) -> float:
        """Planned over measured."""
        return self.planned / self.measured


def check_results(results: Path) -> None:
    """InputError unless benchmark files can be in a folder of results."""
    if not (results / "benchmarks").is_dir():
        raise InputError(f"--check is {results}, which has no benchmarks; needed: results/RUN")


def compared(tasks: Sequence[Task], results: Path) -> list[Row]:
    """A row for each stage of which `results` has benchmark files; InputError where it has none.

    Jobs on a GPU are compared by their wall time.
    """
    check_results(results)
    rows = []
    for stage, own in stages_of(tasks).items():
        found = [(task, seconds_in(benchmark_of(task, results))) for task in own]
        pairs = [(task, seconds) for task, seconds in found if seconds is not None]
        if pairs:
            measured = sum(wall if task.job.gpu else busy for task, (wall, busy) in pairs)
            rows.append(
                Row(
                    stage, len(pairs), len(own), sum(task.seconds for task, _ in pairs),
                    measured, sum(wall for _, (wall, _) in pairs),
                )
            )  # fmt: skip
    if not rows:
        raise InputError(
            f"--check is {results}, which has no benchmark file of a job of this configuration; "
            "needed: the results of the same run"
        )
    return rows


def benchmark_of(task: Task, results: Path) -> Path:
    """The benchmark file of a task in the results of a run, which may lie in another folder."""
    own = Path(task.job.benchmark)
    if own.parts[1:2] == ("theory",):  # whose results are those of all runs
        return own
    return results.joinpath(*own.parts[2:])


def seconds_in(path: Path) -> tuple[float, float] | None:
    """Wall and processor seconds of a job; None where there are none, or they are half written."""
    try:
        with path.open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        wall = [float(row["s"]) for row in rows]
        sampled = [0.0 if row["cpu_time"] == "NA" else float(row["cpu_time"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not 0 < sum(wall) < math.inf or not all(0 <= one < math.inf for one in sampled):
        return None
    return sum(wall), sum(map(busy_seconds, wall, sampled))


def busy_seconds(wall: float, sampled: float) -> float:
    """Processor seconds of a job of so many seconds, from those until its last sample; where there
    are none, all of them."""
    every, since = (OFTEN, 0.0) if wall < UNTIL else (SELDOM, UNTIL)
    last = since + (wall - since) // every * every
    load = min(sampled / last, 1.0) if last >= STARTED else 1.0
    return min(sampled + (wall - last) * load, wall) if sampled else wall
