"""Make one table of a study: its numbers as CSV, the table as a paper prints it in other formats.

A table is a file studies/STUDY/tables/NAME.py with the names of its INPUTS and a function
make(inputs, *, ...) that gives the numbers in tidy form and the table of cells; its settings are
the keywords.
"""

from pathlib import Path

import pandas as pd

from palimpsest.complete import add_grids, check_tables
from palimpsest.files import InputError, atomic_path
from palimpsest.printing import as_latex, as_markdown
from palimpsest.programs import (
    Parser,
    check_keywords,
    check_made,
    inputs_of,
    json_map,
    load_file,
    run_program,
)
from palimpsest.tables import write_table

PRINTED = {".md": as_markdown, ".tex": as_latex}


def main() -> None:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True, help="the table's file, .py")
    parser.add_argument(
        "--inputs", nargs="*", default=[], metavar="NAME=PATH",
        help="files that it is made from; the paths of one name are joined",
    )  # fmt: skip
    add_grids(parser)
    parser.add_argument("--settings", type=json_map, default={}, help="its keywords, JSON")
    parser.add_argument("--caption", default="", help="what it shows, a text")
    parser.add_argument("--note", default="", help="line at the foot: models, data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".csv, .md, .tex")
    args = parser.parse_args()
    for path in args.out:
        if path.suffix not in (".csv", *PRINTED):
            raise InputError(f"{path}: the format of a table is one of .csv, {', '.join(PRINTED)}")
    table = load_file(args.table, "make")
    inputs = inputs_of(table, args.inputs, f"{args.table} is made from")
    check_tables(inputs, args.grids)
    check_keywords(table.make, args.settings, str(args.table))
    made = table.make(inputs, **args.settings)
    numbers, cells = check_made(made, (pd.DataFrame, pd.DataFrame), f"{args.table}: make()")
    for path in args.out:
        if path.suffix == ".csv":
            write_table(numbers, path, seal=True)
        else:
            with atomic_path(path) as temporary:
                text = PRINTED[path.suffix](cells, args.caption, args.note)
                temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_program(main)
