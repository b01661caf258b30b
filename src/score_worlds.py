"""Score the worlds of known truth of a study on one forget set, as parts of its tables.

A world puts records of a known kind in the place of a method's (studies/STUDY/worlds.py): the
original itself, an oracle, a broken model. Each part has the column `world`.
"""

import logging
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.oracles import load_both
from palimpsest.parts import scored_on, write_parts
from palimpsest.programs import Parser, run_program, study_module, whole
from palimpsest.provenance import provenance
from palimpsest.records import load_population
from palimpsest.sections import add_metrics, metrics_of


def main() -> None:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--study", required=True, help="its name, a folder of studies/")
    parser.add_argument("--forget-set", required=True, help="its name, for the tables")
    parser.add_argument(
        "--large", action="store_true", help="the set is not the smallest of its family"
    )
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--second-oracles", type=Path, nargs="*", default=[], help="likewise")
    parser.add_argument("--numbers", type=whole(2), nargs="+", required=True, help="values of N")
    add_metrics(parser)
    parser.add_argument("--out", type=Path, required=True, help="parts of tables (.json)")
    args = parser.parse_args()
    worlds = study_module(args.study, "worlds")
    split, metrics = Split.load(args.split), metrics_of(args)
    split.check_forgets(args.split)
    truth = worlds.truth_of(
        args.forget_set,
        split,
        load_population(args.originals, split, "original"),
        *load_both(args.oracles, args.second_oracles, split, args.forget_set),
        args.large,
    )
    rows = worlds.scored(truth, metrics, args.numbers, report=logging.info)
    tables = {name: pd.DataFrame(part) for name, part in rows.items()}
    write_parts(args.out, tables, scored_on(split, args.forget_set), provenance(vars(args)))


if __name__ == "__main__":
    run_program(main)
