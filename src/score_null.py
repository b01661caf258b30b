"""Score oracles against simulated oracles: the null floor, what a perfect method would score."""

import argparse
from pathlib import Path

from palimpsest.data.splits import Split
from palimpsest.files import write_json
from palimpsest.margins import Margins
from palimpsest.metric_arguments import add_klom, klom_settings
from palimpsest.metrics import null_floor
from palimpsest.programs import run_program, whole
from palimpsest.scores import PARTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument(
        "--repeats", type=whole(1), default=20, help="simulated pairs of populations"
    )
    add_klom(parser)
    parser.add_argument("--out", type=Path, required=True, help="floor per set of points (.json)")
    args = parser.parse_args()

    split = Split.load(args.split)
    oracles = Margins.load(args.oracles).of(split.points)
    floors = null_floor(
        oracles.margins,
        {part: split.columns(part) for part in PARTS},
        repeats=args.repeats,
        percentile=args.percentile,
        **klom_settings(args),
    )
    write_json(args.out, {part: float(values.mean()) for part, values in floors.items()})


if __name__ == "__main__":
    run_program(main)
