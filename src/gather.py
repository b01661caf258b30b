"""Join the parts of one table that were scored forget set by forget set and method by method."""

from pathlib import Path

from palimpsest.parts import read_part
from palimpsest.programs import Parser, json_map, run_program
from palimpsest.tables import check_complete, join_tables, write_table


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--table", required=True, help="its name in the parts")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="of jobs (.json)")
    parser.add_argument(
        "--settings", type=json_map, default={},
        help="how many settings of each method have to be there on each forget set, JSON",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    args = parser.parse_args()
    joined = join_tables([read_part(path, args.table) for path in args.parts])
    check_complete(joined, args.settings, args.out)
    write_table(joined, args.out, seal=True)


if __name__ == "__main__":
    run_program(main)
