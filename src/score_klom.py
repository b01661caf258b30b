"""Score every setting of a method on a forget set against the oracles: KLoM, accuracy, cost."""

import argparse
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.files import read_json
from palimpsest.margins import Margins
from palimpsest.metric_arguments import add_klom, klom_settings
from palimpsest.programs import run_program, whole
from palimpsest.scores import accuracy_rows, klom_rows
from palimpsest.tables import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument("--method", required=True, help="its name, for the table")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--unlearned", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, help="costs (.json)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument("--null", type=Path, required=True, help="null floor (.json)")
    parser.add_argument("--training-epochs", type=whole(1), required=True, help="of one oracle")
    parser.add_argument("--repeats", type=whole(1), default=20, help="redraws behind the interval")
    parser.add_argument(
        "--seconds",
        choices=["measured", "omitted"],
        default="measured",
        help="omitted: leave wall times out, so that equal runs give equal tables",
    )
    add_klom(parser)
    parser.add_argument("--out-klom", type=Path, required=True, help="KLoM (.csv)")
    parser.add_argument("--out-accuracy", type=Path, required=True, help="accuracies (.csv)")
    args = parser.parse_args()

    split, null = Split.load(args.split), read_json(args.null)
    oracles = Margins.load(args.oracles).of(split.points)
    unlearned = Margins.load(args.unlearned).of(split.points)
    costs = [read_json(path) for path in args.costs]
    oracle_passes = args.training_epochs * len(split.retain)
    scores, accuracies = [], []
    for number, settings in enumerate(costs[0]["settings"]):
        head = {"forget_set": args.forget_set, "method": args.method} | settings
        population = unlearned.setting(number)
        models = sum(block["models"] for block in costs)
        seconds = sum(block["seconds"][number] * block["models"] for block in costs) / models
        cost = {
            "relative_cost": costs[0]["passes"][number] / oracle_passes,
            "seconds": seconds if args.seconds == "measured" else None,
        }
        rows = klom_rows(
            population.margins,
            oracles.margins,
            split,
            null,
            percentile=args.percentile,
            repeats=args.repeats,
            settings=klom_settings(args),
        )
        scores += [head | row | cost for row in rows]
        accuracies += [head | row for row in accuracy_rows(population, split)]
    write_table(pd.DataFrame(scores), args.out_klom)
    write_table(pd.DataFrame(accuracies), args.out_accuracy)


if __name__ == "__main__":
    run_program(main)
