"""Draw one figure of a study, and write the numbers that it shows as a table.

A figure is a file studies/STUDY/figures/NAME.py with the names of its INPUTS and a function
draw(inputs, *, note, ...) that gives the figure and its table; its settings are the keywords.
"""

from pathlib import Path

import pandas as pd

from palimpsest.complete import add_grids, check_tables
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


def main() -> None:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, required=True, help="the figure's file, .py")
    parser.add_argument(
        "--inputs", nargs="*", default=[], metavar="NAME=PATH",
        help="files that it draws from; the paths of one name are joined",
    )  # fmt: skip
    add_grids(parser)
    parser.add_argument("--settings", type=json_map, default={}, help="its keywords, JSON")
    parser.add_argument("--note", default="", help="line at the foot: models, data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".pdf, .svg, .png")
    parser.add_argument("--out-table", type=Path, required=True, help="what it shows, .csv")
    args = parser.parse_args()
    # Here, so that --help and wrong words need not wait for Matplotlib.
    from matplotlib.figure import Figure

    from palimpsest.plots.style import check_formats, save_figure

    check_formats(args.out)
    figure = load_file(args.figure, "draw", given=["note"])
    inputs = inputs_of(figure, args.inputs, f"{args.figure} draws from")
    check_tables(inputs, args.grids)
    check_keywords(figure.draw, args.settings, str(args.figure), taken=["note"])
    made = figure.draw(inputs, note=args.note, **args.settings)
    drawn, table = check_made(made, (Figure, pd.DataFrame), f"{args.figure}: draw()")
    write_table(table, args.out_table)
    save_figure(drawn, args.out)


if __name__ == "__main__":
    run_program(main)
