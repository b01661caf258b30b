"""Draw the path of one method through the plane of KLoM and its time course (Figure 2)."""

import argparse
from pathlib import Path

from palimpsest.figures.time_course import draw_illusion
from palimpsest.plots.style import check_formats, save_figure
from palimpsest.programs import run_program
from palimpsest.tables import by_setting, read_klom


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--klom", type=Path, required=True, help="klom.csv of the study")
    parser.add_argument("--forget-set", required=True)
    parser.add_argument("--method", default="ga", help="a method with learning rates and epochs")
    parser.add_argument("--title", default="", help="default: the method and the forget set")
    parser.add_argument("--note", default="", help="line at the foot: models, data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".pdf, .svg, .png")
    args = parser.parse_args()
    check_formats(args.out)
    klom = read_klom(args.klom)
    figure = draw_illusion(
        by_setting(klom),
        args.forget_set,
        method=args.method,
        title=args.title,
        note=args.note,
        percentile=klom["percentile"].iloc[0],
    )
    save_figure(figure, args.out)


if __name__ == "__main__":
    run_program(main)
