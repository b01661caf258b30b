"""Draw KLoM of the originals and its null floor against the number of models (Appendix J)."""

import argparse
from pathlib import Path

from palimpsest.figures.number_of_models import draw_number_of_models
from palimpsest.plots.style import check_formats, save_figure
from palimpsest.programs import run_program
from palimpsest.tables import read_number_of_models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="number_of_models.csv")
    parser.add_argument("--forget-sets", nargs="+", help="default: all, as in the table")
    parser.add_argument("--title", default="")
    parser.add_argument("--note", default="", help="line at the foot: data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".pdf, .svg, .png")
    args = parser.parse_args()
    check_formats(args.out)
    table = read_number_of_models(args.table)
    figure = draw_number_of_models(
        table,
        args.forget_sets,
        title=args.title,
        note=args.note,
        percentile=table["percentile"].iloc[0] if len(table) else 95,
    )
    save_figure(figure, args.out)


if __name__ == "__main__":
    run_program(main)
