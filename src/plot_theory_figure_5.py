"""Draw Figure 5 of Ascent Fails to Forget under two readings of its model."""

import argparse

from palimpsest.studies.theory.drawing import figure_5
from palimpsest.studies.theory.drawing.style import save, style


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, draw, write one file per output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", nargs="+", required=True, help="files ending in pdf, svg, png")
    options = parser.parse_args(arguments)
    with style():
        figure = figure_5.draw()
    save(figure, options.out)


if __name__ == "__main__":
    main()
