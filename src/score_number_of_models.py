"""KLoM of the originals, and of a second oracle population, as N grows; how true the null floor is.

"Ascent Fails to Forget" (Appendix J) finds scores "stable after N = 80". Here every score stands
beside what oracles score against oracles with the same N.
"""

from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.oracles import load_both
from palimpsest.parts import scored_on, write_parts
from palimpsest.programs import Parser, run_program, whole
from palimpsest.provenance import provenance
from palimpsest.records import load_population
from palimpsest.scoring import NULL_CHECK, number_of_models_rows
from palimpsest.sections import add_metrics, metrics_of


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--second-oracles", type=Path, nargs="*", default=[], help="likewise")
    parser.add_argument("--numbers", type=whole(2), nargs="+", required=True, help="values of N")
    add_metrics(parser)
    parser.add_argument("--out", type=Path, required=True, help="parts of tables (.json)")
    args = parser.parse_args()

    split = Split.load(args.split)
    split.check_forgets(args.split)
    rows = number_of_models_rows(
        load_population(args.originals, split, "original"),
        *load_both(args.oracles, args.second_oracles, split, args.forget_set),
        split,
        args.numbers,
        {"forget_set": args.forget_set},
        **metrics_of(args)["klom"],
    )
    tables = {name: pd.DataFrame(found) for name, found in rows.items()}
    tables["null_check"] = pd.DataFrame(rows["null_check"], columns=[*NULL_CHECK])
    write_parts(args.out, tables, scored_on(split, args.forget_set), provenance(vars(args)))


if __name__ == "__main__":
    run_program(main)
