"""Compare this run's estimate of a datamodel with one that comes with the project: which points."""

from pathlib import Path

import pandas as pd

from palimpsest.datamodels.estimate import SET_KEYS, Estimate
from palimpsest.files import InputError
from palimpsest.programs import Parser, run_program
from palimpsest.tables import write_table


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--own", type=Path, required=True, help="the run's estimate (.json)")
    parser.add_argument("--shipped", type=Path, required=True, help="the project's (.json)")
    parser.add_argument("--out", type=Path, required=True, help="a row for each set (.csv)")
    args = parser.parse_args()
    own, shipped = Estimate.load(args.own), Estimate.load(args.shipped)
    if own.content["base_split"] != shipped.content["base_split"]:
        raise InputError(
            f"{args.own} and {args.shipped} are of two data sets or splits; needed: of one"
        )
    rows = []
    for entry in own.content["sets"]:
        wanted = {key: entry[key] for key in SET_KEYS}
        other = shipped.set_of(**wanted)
        shared = len(set(entry["indices"]) & set(other["indices"]))
        rows.append({**wanted, "points": len(other["indices"]), "shared": shared})
    table = pd.DataFrame(rows, columns=[*SET_KEYS, "points", "shared"])
    for name, estimate in (("this run's", own), ("the project's", shipped)):
        found = estimate.content["agreement"]
        print(
            f"{name} estimate: rank correlation {found['correlation']:.2f}, "
            f"ceiling {found['ceiling']:.2f}, {estimate.content['models']} models"
        )
    print(table.to_string(index=False))
    write_table(table, args.out)


if __name__ == "__main__":
    run_program(main)
