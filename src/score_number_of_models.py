"""KLoM of the originals, and of a second oracle population, as N grows; how true the null floor is.

"Ascent Fails to Forget" (Appendix J) finds scores "stable after N = 80". Here every score stands
beside what oracles score against oracles with the same N.
"""

import argparse
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.margins import Margins
from palimpsest.metric_arguments import add_klom, klom_settings
from palimpsest.metrics import klom, klom_intervals, null_floor, set_percentiles
from palimpsest.programs import run_program, whole
from palimpsest.scores import PARTS, percentile_name
from palimpsest.tables import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument("--second-oracles", type=Path, nargs="*", default=[], help="likewise")
    parser.add_argument("--numbers", type=whole(2), nargs="+", required=True, help="values of N")
    parser.add_argument(
        "--repeats", type=whole(1), default=20, help="simulated pairs of populations"
    )
    add_klom(parser)
    parser.add_argument("--out-table", type=Path, required=True, help="score against N (.csv)")
    parser.add_argument("--out-null-check", type=Path, required=True, help="floor and truth (.csv)")
    args = parser.parse_args()

    split, settings = Split.load(args.split), klom_settings(args)
    columns = {part: split.columns(part) for part in PARTS}
    oracles = Margins.load(args.oracles).of(split.points).margins
    compared = {"original": Margins.load(args.originals).of(split.points).margins}
    if args.second_oracles:
        second = Margins.load(args.second_oracles).of(split.points).margins
        compared["second_oracle"] = second
    score, null = (f"{what}_{percentile_name(args.percentile)}" for what in ("klom", "null"))

    def floors(n: int) -> dict[str, float]:
        """Null floor of n models against n, per set of points."""
        simulated = null_floor(
            oracles,
            columns,
            unlearned_models=n,
            oracle_models=n,
            repeats=args.repeats,
            percentile=args.percentile,
            **settings,
        )
        return {part: float(values.mean()) for part, values in simulated.items()}

    rows, checks = [], []
    for n in args.numbers:
        floor = floors(n)
        for comparison, margins in compared.items():
            if n > min(len(margins), len(oracles)):
                continue
            points = klom(margins[:n], oracles[:n], **settings)
            scores = set_percentiles(points, columns, percentile=args.percentile)
            rows += [
                {
                    "forget_set": args.forget_set,
                    "comparison": comparison,
                    "split": part,
                    "n_models": n,
                    score: float(scores[part]),
                    null: floor[part],
                }
                for part in PARTS
            ]
    if args.second_oracles:
        n = min(len(second), len(oracles))
        floor = floors(n)
        intervals = klom_intervals(
            second[:n],
            oracles[:n],
            columns,
            repeats=args.repeats,
            percentile=args.percentile,
            **settings,
        )
        checks = [
            {
                "forget_set": args.forget_set,
                "split": part,
                "n_models": n,
                null: floor[part],
                score.replace("klom", "second_oracle"): intervals[part].score,
                "ci_low": intervals[part].ci_low,
                "ci_high": intervals[part].ci_high,
            }
            for part in PARTS
        ]
    write_table(pd.DataFrame(rows), args.out_table)
    names = ["forget_set", "split", "n_models", null, score.replace("klom", "second_oracle")]
    write_table(pd.DataFrame(checks, columns=[*names, "ci_low", "ci_high"]), args.out_null_check)


if __name__ == "__main__":
    run_program(main)
