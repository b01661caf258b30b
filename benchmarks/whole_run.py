"""Where the time of a finished run went: seconds of each rule, and the share that is not training.

Reads what Snakemake's `benchmark:` files recorded; run the run first.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from timing import report

TRAINING = ("train_block", "datamodel_block", "unlearn_block")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="digits")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    folder = Path("results", args.run)
    seconds: dict[str, float] = defaultdict(float)
    jobs: dict[str, int] = defaultdict(int)
    for path in sorted(folder.rglob("benchmarks/**/*.tsv")):
        rule = path.parts[path.parts.index("benchmarks") + 1].removesuffix(".tsv")
        with path.open() as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                seconds[rule] += float(row["s"])
                jobs[rule] += 1
    total = sum(seconds.values())
    if not total:
        raise SystemExit(f"error: {folder} holds no benchmark files; run `make` first")
    training = sum(seconds[rule] for rule in TRAINING)
    result = {
        "benchmark": f"job seconds of the run {args.run}, both cores added up",
        "rules": {
            rule: {"jobs": jobs[rule], "seconds": round(seconds[rule], 1)}
            for rule in sorted(seconds, key=lambda rule: -seconds[rule])
        },
        "job_seconds": round(total, 1),
        "share_not_training": round(1 - training / total, 3),
    }
    report(result, args.out)


if __name__ == "__main__":
    main()
