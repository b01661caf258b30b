"""What all figures share: fonts and grid, names, markers, colours, and how files are written.

No figure uses pyplot, so drawing needs no display and changes no setting of the caller.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure

from palimpsest.files import InputError, atomic_path

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each glyph of a PDF

FORMATS = (".pdf", ".png", ".svg")
_METADATA: dict[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}
_SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "figure.titlesize": 11,
    "text.color": "0.15",
    "axes.labelcolor": "0.15",
    "axes.edgecolor": "0.4",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.8",
    "grid.linewidth": 0.5,
    "xtick.bottom": False,
    "ytick.left": False,
    "svg.hashsalt": "palimpsest",
    "savefig.dpi": 180,
    "pdf.fonttype": 42,
}
METHOD_NAMES = {"nothing": "original", "ga": "GA", "gda": "GDA", "scrub": "SCRUB"}
SPLIT_NAMES = {"forget": "forget set", "retain": "retain set", "val": "validation set"}
_METHOD_MARKERS = {"ga": "^", "gda": "s", "scrub": "D"}
_OTHER_MARKERS = ("v", "p", "h", "<", ">", "8")
COLOURBLIND = ("#0173B2", "#DE8F05", "#029E73")  # the first of seaborn's palette of that name
INK = "0.15"  # of what is not data: original, oracle, floor


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the look of all figures, whatever the caller's settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Write `figure` to each of `paths`, its format by the suffix; equal figures, equal bytes."""
    check_formats(paths)
    with figure_style():
        for path in paths:
            with atomic_path(path) as temporary:
                figure.savefig(temporary, metadata=_METADATA[path.suffix])


def check_formats(paths: Sequence[Path]) -> None:
    """InputError for a path of another format than .pdf, .png and .svg."""
    for path in paths:
        if path.suffix not in FORMATS:
            raise InputError(f"{path}: the format of a figure is one of {', '.join(FORMATS)}")


def cost_colours() -> Colormap:
    """Dark to light, monotone in grey too, without viridis' palest end, which white swallows."""
    shades = matplotlib.colormaps["viridis"]
    return LinearSegmentedColormap.from_list("cost", [shades(0.85 * i / 255) for i in range(256)])


def method_name(method: str) -> str:
    """A method's name in the figures; a user's own keeps its name."""
    return METHOD_NAMES.get(method, method)


def method_markers(methods: Sequence[str]) -> dict[str, str]:
    """A marker for each method; the circle is kept for the original, as in the paper."""
    others = [method for method in methods if method not in _METHOD_MARKERS]
    spare = {method: _OTHER_MARKERS[i % len(_OTHER_MARKERS)] for i, method in enumerate(others)}
    return {method: _METHOD_MARKERS.get(method) or spare[method] for method in methods}


def forget_set_name(name: str) -> str:
    """A forget set's name in the figures."""
    return name.replace("_", " ")


def start_figure(
    width: float, height: float, handles: Sequence[Artist], note: str
) -> tuple[Figure, SubFigure]:
    """A figure and the part of it that is drawn in, `width` by `height` inches.

    Below that part stand the legend with `handles` and `note`, one line that says what the data
    are, so that neither can cover a panel.
    """
    columns = max(1, min(len(handles), int(width / 1.45)))
    foot_height = 0.18 * -(-len(handles) // columns) + 0.12 + 0.18 * bool(note)
    figure = Figure(figsize=(width, height + foot_height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, foot_height])
    top, foot = parts
    foot.legend(
        handles=handles, loc="upper center", ncols=columns, frameon=False, borderaxespad=0.1,
        columnspacing=1.4, handletextpad=0.5, labelspacing=0.4,
    )  # fmt: skip
    foot.text(0.5, 0.06, note, ha="center", va="bottom", fontsize=7.5, color="0.35")
    return figure, top
