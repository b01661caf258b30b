"""Join the parts of one table that were scored forget set by forget set and method by method."""

from pathlib import Path

from palimpsest.complete import add_grid, check_complete, grid
from palimpsest.parts import read_parts
from palimpsest.programs import Parser, run_program
from palimpsest.tables import join_tables, write_table


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--table", required=True, help="its name in the parts")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="of jobs (.json)")
    add_grid(parser)
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    args = parser.parse_args()
    parts, training_set = read_parts(args.parts, args.table)
    joined = join_tables(parts)
    check_complete(joined, grid(args.grid), args.out, joined=True)
    write_table(joined, args.out, seal=True, training_set=training_set)


if __name__ == "__main__":
    run_program(main)
