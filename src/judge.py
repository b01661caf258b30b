"""Judge what a study claims: one row per claim with its verdict, from the study's measures.py.

With --by worlds the same claims where the truth is known, from the study's worlds.py.
"""

from pathlib import Path

from palimpsest.complete import add_grids, check_tables
from palimpsest.programs import (
    Parser,
    check_form,
    check_keywords,
    inputs_of,
    json_map,
    run_program,
    study_module,
)
from palimpsest.tables import write_table


def main() -> None:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--study", required=True, help="its name, a folder of studies/")
    parser.add_argument(
        "--by", choices=["measures", "worlds"], default="measures",
        help="the study's module that judges",
    )  # fmt: skip
    parser.add_argument(
        "--inputs", nargs="*", default=[], metavar="NAME=PATH",
        help="claims and tables; the paths of one name are joined",
    )  # fmt: skip
    add_grids(parser)
    parser.add_argument("--settings", type=json_map, default={}, help="keywords of judge(), JSON")
    parser.add_argument("--out", type=Path, required=True, help="one row per claim (.csv)")
    args = parser.parse_args()
    measures = study_module(args.study, args.by)
    check_form(measures, f"study {args.study}: its {args.by}", "judge")
    check_keywords(measures.judge, args.settings, f"study {args.study}")
    inputs = inputs_of(measures, args.inputs, f"study {args.study} is judged by")
    check_tables(inputs, args.grids)
    write_table(measures.judge(inputs, **args.settings), args.out, seal=True)


if __name__ == "__main__":
    run_program(main)
