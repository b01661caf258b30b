"""Draw Figure 4 of Ascent Fails to Forget with printed and exact thresholds."""

import argparse

from palimpsest.studies.theory.drawing import figure_4
from palimpsest.studies.theory.drawing.style import save, style


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, draw, write one file per output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", nargs="+", required=True, help="files ending in pdf, svg, png")
    parser.add_argument(
        "--strengths", nargs="+", type=float, default=list(figure_4.STRENGTHS),
        help="values of mu = |R_ij| / (lambda |R|), one row each",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    with style():
        figure = figure_4.draw(strengths=tuple(options.strengths))
    save(figure, options.out)


if __name__ == "__main__":
    main()
