"""Join the parts of one table that were scored forget set by forget set and method by method."""

import argparse
from pathlib import Path

from palimpsest.parts import read_part
from palimpsest.programs import run_program
from palimpsest.tables import join_tables, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="its name in the parts")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="of jobs (.json)")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    args = parser.parse_args()
    parts = [read_part(path, args.table) for path in args.parts]
    write_table(join_tables(parts), args.out)


if __name__ == "__main__":
    run_program(main)
