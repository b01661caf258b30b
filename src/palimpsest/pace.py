"""How much longer a run takes: reckoned from what jobs like its own took before.

Before: what Snakemake's benchmark files of earlier runs hold, else nominal seconds. As jobs finish,
their pace against what was expected of them corrects what is expected of the others.
"""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

NOMINAL = {  # seconds of a job of the run `digits`; RULE/METHOD where it matters
    "prepare_data": 5.0,
    "select_forget_set": 1.0,
    "train_block": 85.0,
    "datamodel_block": 75.0,
    "estimate_datamodel": 45.0,
    "unlearn_block": 42.0,
    "unlearn_block/ga": 85.0,
    "unlearn_block/gda": 35.0,
    "unlearn_block/scrub": 36.0,
    "unlearn_block/nothing": 12.0,
    "unlearn_block/zero_row": 12.0,
    "score": 10.0,
    "score/ga": 28.0,
    "score/gda": 4.0,
    "score/scrub": 4.0,
    "score/nothing": 4.0,
    "score_oracles": 4.0,
    "score_number_of_models": 9.0,
    "score_worlds": 30.0,
    "judge_ascent": 7.0,
    "judge_worlds": 13.0,
    "judge_theory": 60.0,
    "report_ascent": 20.0,
    "report_theory": 15.0,
    "draw": 6.0,
    "all": 0.0,
}
OTHER = 4.0
DOUBT = 30.0  # expected seconds of finished jobs that weigh as much as the first expectation
ABOUT = "run.txt"  # beside benchmark files: what run they are of


def kept(results: Path, run: str, about: str) -> dict[str, float]:
    """Benchmark file -> seconds: of this run's earlier jobs, else of runs that are about the same.

    `about` is what the run says of itself, without its name; it is kept for the runs to come.
    """
    found: dict[str, float] = {}
    for other in sorted(results.glob(f"*/benchmarks/{ABOUT}")):
        if other.parents[1].name != run and other.read_text(encoding="utf-8") == about:
            for path, seconds in _seconds_in(other.parents[1]).items():
                own = Path(*[run if part == other.parents[1].name else part for part in path.parts])
                found[str(own)] = seconds
    for folder in (results / run, results / "theory"):
        found |= {str(path): seconds for path, seconds in _seconds_in(folder).items()}
    return found


def keep_about(results: Path, run: str, about: str) -> None:
    """Write down what a run says of itself, beside its benchmark files."""
    file = results / run / "benchmarks" / ABOUT
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(about, encoding="utf-8")


def _seconds_in(folder: Path) -> dict[Path, float]:
    found = {}
    for path in sorted(folder.rglob("benchmarks/**/*.tsv")):
        try:
            with path.open(encoding="utf-8") as stream:
                found[path] = sum(float(row["s"]) for row in csv.DictReader(stream, delimiter="\t"))
        except (OSError, ValueError, KeyError, TypeError):  # half written, or of another version
            continue
    return found


def rule_of(path: str) -> str:
    """The rule whose benchmark file this is."""
    return Path(path.rpartition("benchmarks/")[2]).parts[0].removesuffix(".tsv")


def in_words(seconds: float) -> str:
    """A duration as one would say it."""
    for unit, size, digits in (("d", 86400.0, 1), ("h", 3600.0, 1), ("min", 60.0, 0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s"


@dataclass
class Job:
    """A job that has started; its benchmark file tells it from others of its rule."""

    rule: str
    started: float
    benchmark: str = ""
    wildcards: str = ""


@dataclass
class Pace:
    """What is done and what is left of a run.

    Args:
        kept: benchmark file -> seconds that its job took before.
        planned: jobs of each rule.
        cores: jobs that run side by side.
        started: time at which the run began; all times are seconds of one clock.
    """

    started: float
    kept: dict[str, float] = field(default_factory=dict)
    planned: Counter[str] = field(default_factory=Counter)
    cores: int = 1
    running: dict[str, Job] = field(default_factory=dict)
    finished: list[tuple[Job, float]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Jobs in all."""
        return sum(self.planned.values())

    def finishes(self, number: str, now: float) -> None:
        """A job that runs has finished."""
        job = self.running.pop(number)
        self.finished.append((job, now - job.started))

    def left(self, now: float) -> float:
        """Seconds until the last job ends."""
        correction = self._corrections(now)
        running = [
            max(self._expected(job) * correction[job.rule] - (now - job.started), 0.0)
            for job in self.running.values()
        ]
        work = sum(running)
        begun = [*self.running.values(), *(job for job, _ in self.finished)]
        for rule, count in self.planned.items():
            own = [self._expected(job) for job in begun if job.rule == rule]
            mean = self._mean(rule)
            # those that have begun may have been the longest ones: the others share what is left
            rest = max(count * mean - sum(own), 0.2 * mean * (count - len(own)))
            work += rest * correction[rule] if count > len(own) else 0.0
        return max([work / self.cores, *running])

    def _expected(self, job: Job) -> float:
        """Seconds that were expected of one job, before any correction."""
        if job.benchmark in self.kept:
            return self.kept[job.benchmark]
        names = [f"{job.rule}/{part}" for part in job.benchmark.removesuffix(".tsv").split("/")]
        known = [NOMINAL[name] for name in names if name in NOMINAL]
        nominal = NOMINAL.get(job.rule, OTHER)
        return self._mean(job.rule) * (known[0] if known else nominal) / (nominal or 1.0)

    def _mean(self, rule: str) -> float:
        """Seconds that are expected of a job of this rule."""
        seconds = [value for path, value in self.kept.items() if rule_of(path) == rule]
        return sum(seconds) / len(seconds) if seconds else NOMINAL.get(rule, OTHER)

    def _corrections(self, now: float) -> dict[str, float]:
        """For each rule what the expected seconds are to be multiplied by.

        From jobs that have finished, and from those that already run for longer than expected.
        """
        took: defaultdict[str, float] = defaultdict(float)
        expected: defaultdict[str, float] = defaultdict(float)
        for job, seconds in self.finished:
            took[job.rule] += seconds
            expected[job.rule] += self._expected(job)
        for job in self.running.values():
            if now - job.started > self._expected(job):
                took[job.rule] += now - job.started
                expected[job.rule] += self._expected(job)
        overall = (sum(took.values()) + DOUBT) / (sum(expected.values()) + DOUBT)
        return {
            rule: (took[rule] + DOUBT * overall) / (expected[rule] + DOUBT)
            for rule in {*self.planned, *(job.rule for job in self.running.values())}
        }
