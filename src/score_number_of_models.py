"""KLoM of the originals, and of a second oracle population, as N grows; how true the null floor is.

"Ascent Fails to Forget" (Appendix J) finds scores "stable after N = 80". Here every score stands
beside what oracles score against oracles with the same N.
"""

import argparse
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import PARTS, Split
from palimpsest.klom import klom, klom_intervals, null_floor, set_percentiles
from palimpsest.parts import write_parts
from palimpsest.programs import run_program, whole
from palimpsest.records import Record
from palimpsest.sections import add_metrics, metrics_of

NULL_CHECK = (
    "forget_set", "n_models", "split", "percentile", "null", "second_oracle", "ci_low", "ci_high",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--second-oracles", type=Path, nargs="*", default=[], help="likewise")
    parser.add_argument("--numbers", type=whole(2), nargs="+", required=True, help="values of N")
    add_metrics(parser)
    parser.add_argument("--out", type=Path, required=True, help="parts of tables (.json)")
    args = parser.parse_args()

    split, settings = Split.load(args.split), metrics_of(args, on_oracles=True)["klom"]
    percentile, repeats = settings.pop("percentile"), settings.pop("null_repeats")
    columns = {part: split.columns(part) for part in PARTS}
    oracles = Record.load(args.oracles).of(split.points)["margin"]
    compared = {"original": Record.load(args.originals).of(split.points)["margin"]}
    if args.second_oracles:
        second = Record.load(args.second_oracles).of(split.points)["margin"]
        compared["second_oracle"] = second

    def floors(n: int) -> dict[str, float]:
        """Null floor of n models against n, per set of points."""
        simulated = null_floor(
            oracles,
            columns,
            unlearned_models=n,
            oracle_models=n,
            repeats=repeats,
            percentile=percentile,
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
            scores = set_percentiles(points, columns, percentile=percentile)
            rows += [
                {
                    "forget_set": args.forget_set,
                    "comparison": comparison,
                    "n_models": n,
                    "split": part,
                    "percentile": percentile,
                    "klom": float(scores[part]),
                    "null": floor[part],
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
            repeats=repeats,
            percentile=percentile,
            **settings,
        )
        checks = [
            {
                "forget_set": args.forget_set,
                "n_models": n,
                "split": part,
                "percentile": percentile,
                "null": floor[part],
                "second_oracle": intervals[part].score,
                "ci_low": intervals[part].ci_low,
                "ci_high": intervals[part].ci_high,
            }
            for part in PARTS
        ]
    tables = {"number_of_models": pd.DataFrame(rows)}
    write_parts(args.out, tables | {"null_check": pd.DataFrame(checks, columns=[*NULL_CHECK])})


if __name__ == "__main__":
    run_program(main)
