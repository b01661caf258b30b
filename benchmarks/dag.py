"""Seconds and memory that Snakemake takes to look at a run, by its number of jobs.

    python benchmarks/dag.py --jobs 300 2000 20000

A dry run of the real Snakefile for a made-up run: random forget sets of digits, as many as give so
many jobs, originals and oracles in ten blocks, four methods on each set. Processor seconds, so that
other work on the machine counts little.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = 10
A_SET = 5 * BLOCKS + 8
"""jobs of a forget set: oracles and four methods in blocks; one split, seven scores"""
BESIDE = 30


def overlay(jobs: int) -> dict[str, object]:
    """A run of about so many jobs."""
    names = [f"random_{number}" for number in range(max(1, round((jobs - BESIDE) / A_SET)))]
    return {
        "run": f"dag-{jobs}",
        "populations": {"block": 10, "stack": 10, "second_oracle": []},
        "forget_sets": {
            name: {"kind": "random", "size": 10, "seed": seed} for seed, name in enumerate(names)
        },
        "ascent": {
            "forget_sets": names,
            "figures": {
                "figure_1": {"forget_sets": names[:1]},
                "figure_2": {"forget_set": names[0]},
                "figure_3": {"forget_sets": names[:3]},
            },
        },
    }


def look(jobs: int, profile: Path | None) -> tuple[int, float, float]:
    """Jobs that a dry run plans, its processor seconds, its largest memory in MB."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(overlay(jobs), file)
        file.flush()
        profiled = ["-m", "cProfile", "-o", str(profile)] if profile else []
        words = ["-m", "snakemake", "-n", "--quiet", "rules", "--configfile", file.name]
        with tempfile.TemporaryFile("w+") as said:
            child = subprocess.Popen(
                [sys.executable, *profiled, *words], cwd=ROOT, stdout=said, stderr=said
            )
            _, status, usage = os.wait4(child.pid, 0)
            said.seek(0)
            text = said.read()
    if status:
        sys.exit(text[-2000:])
    total = re.search(r"^total +(\d+)$", text, re.M)
    assert total is not None, text[-2000:]
    return int(total[1]), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=[300, 2000, 20000])
    parser.add_argument("--profile", type=Path, help="of the last, for pstats")
    args = parser.parse_args()
    print("| jobs | CPU seconds | ms a job | memory, MB |\n|---|---|---|---|")
    for jobs in args.jobs:
        last = args.profile if jobs == args.jobs[-1] else None
        total, seconds, memory = look(jobs, last)
        print(
            f"| {total:,} | {seconds:.1f} | {1e3 * seconds / total:.1f} | {memory:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
