"""Draw KLoM on the forget set against validation or retain set (Figures 1, 3, 6 and 7)."""

import argparse
from pathlib import Path

from palimpsest.figures.klom_plane import draw_klom_planes
from palimpsest.plots.style import check_formats, save_figure
from palimpsest.programs import run_program
from palimpsest.tables import by_setting, read_klom


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--klom", type=Path, required=True, help="klom.csv of the study")
    parser.add_argument("--forget-sets", nargs="+", required=True, help="in the panels' order")
    parser.add_argument("--methods", nargs="+", required=True, help="besides nothing, the original")
    parser.add_argument("--against", choices=["val", "retain"], default="val", help="vertical axis")
    parser.add_argument("--title", default="")
    parser.add_argument("--note", default="", help="line at the foot: models, data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".pdf, .svg, .png")
    args = parser.parse_args()
    check_formats(args.out)
    klom = read_klom(args.klom)
    figure = draw_klom_planes(
        by_setting(klom),
        args.forget_sets,
        args.methods,
        against=args.against,
        title=args.title,
        note=args.note,
        percentile=klom["percentile"].iloc[0],
    )
    save_figure(figure, args.out)


if __name__ == "__main__":
    run_program(main)
