"""Draw Figures 1a-d and 2a-b of Why Fine-Tuning Struggles in one setting."""

import argparse

from palimpsest.studies.theory.drawing import figures_f
from palimpsest.studies.theory.drawing.style import save, style


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, draw, write one file per output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", nargs="+", required=True, help="files ending in pdf, svg, png")
    parser.add_argument(
        "--setting", choices=list(figures_f.SETTINGS), required=True,
        help="shapes of the data: of App. A.1, or truly overparameterised",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="seed of the one data set")
    options = parser.parse_args(arguments)
    with style():
        figure = figures_f.draw(options.setting, options.seed)
    save(figure, options.out)


if __name__ == "__main__":
    main()
