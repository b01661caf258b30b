"""Show a run of Snakemake as one line per finished job, with the time left.

    snakemake 2>&1 | python tools/show_progress.py

The first estimate comes from nominal seconds per kind of job; as jobs finish, what they really took
replaces it. Errors, and everything Snakemake says outside of jobs that go well, are passed on.
"""

import argparse
import os
import re
import sys
import time
from collections import Counter, defaultdict

NOMINAL = {  # seconds of one job of the run `digits`; only their proportions matter
    "train_block": 80.0,
    "datamodel_block": 40.0,
    "unlearn_block": 60.0,
    "score": 10.0,
    "report_ascent": 20.0,
    "draw": 6.0,
    "estimate_datamodel": 10.0,
}
OTHER = 4.0
PRIOR = 60.0  # seconds until what is measured outweighs the first estimate
JOB = re.compile(r"^(?:local)?rule (\w+):")
COUNT = re.compile(r"^(\w+)\s+(\d+)$")
FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)")
NOISE = re.compile(  # what Snakemake says of jobs that go well
    r"^(\[.*\d\d:\d\d:\d\d|Select jobs|Execute \d+ jobs|\d+ of \d+ steps|Job stats|job +count"
    r"|-+ +-+|total +\d+|Building DAG|Using |host:|Provided|Rules claiming|Assuming|Job counts"
    r"|SNAKEMAKE|=+$|Config |Complete log|Elapsed time|  |\s*$|Shutting|localrule |rule )"
)


class Progress:
    """Counts jobs and estimates the time left."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.planned: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.running: dict[str, list[float]] = defaultdict(list)
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def starts(self, rule: str) -> None:
        """A job of this rule has started."""
        self.running[rule].append(time.monotonic())

    def finishes(self, rule: str) -> str:
        """A job of this rule has finished; the line to show."""
        now = time.monotonic()
        if self.running[rule]:
            self.seconds[rule].append(now - self.running[rule].pop(0))
        self.done[rule] += 1
        total, done = sum(self.planned.values()), sum(self.done.values())
        spent = now - self.started
        return f"[{done}/{total}] {rule:<24} {spent:5.0f} s, about {self.left():.0f} s left"

    def left(self) -> float:
        """Seconds until the last job, from the work that is left and the pace so far."""
        cost = {rule: self._cost(rule) for rule in self.planned}
        work_done = sum(self.done[rule] * cost[rule] for rule in self.planned)
        work_left = sum((self.planned[r] - self.done[r]) * cost[r] for r in self.planned)
        cores = os.cpu_count() or 1  # the first estimate: nominal seconds, on all cores
        pace = (work_done + PRIOR * cores) / (time.monotonic() - self.started + PRIOR)
        return work_left / pace

    def _cost(self, rule: str) -> float:
        if self.seconds[rule]:
            return sum(self.seconds[rule]) / len(self.seconds[rule])
        known = [name for name in self.seconds if self.seconds[name]]
        nominal = sum(NOMINAL.get(name, OTHER) * len(self.seconds[name]) for name in known)
        measured = sum(sum(self.seconds[name]) for name in known)
        return NOMINAL.get(rule, OTHER) * (measured / nominal if nominal else 1.0)


def main() -> None:
    """Filter standard input to standard output until it ends."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    progress, counting, failed = Progress(), False, False
    for line in sys.stdin:
        text = line.rstrip("\n")
        counting = text.startswith("job ") or (counting and not text.startswith("total"))
        if counting and (match := COUNT.match(text)):
            progress.planned[match[1]] = int(match[2])
        elif match := JOB.match(text):
            progress.starts(match[1])
        elif match := FINISHED.match(text):
            print(progress.finishes(match[1]), flush=True)
        elif failed or not NOISE.match(text):
            failed = failed or "rror" in text
            print(text, flush=True)


if __name__ == "__main__":
    main()
