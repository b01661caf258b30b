"""What all figures share: fonts and grid, names, markers, colours, and how files are written.

No figure uses pyplot, so drawing needs no display and changes no setting of the caller.
"""

import logging
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from palimpsest.files import InputError, atomic_path

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each glyph of a PDF

FORMATS = (".pdf", ".png", ".svg")
_METADATA: dict[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}
_SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": "0.4",
    "axes.linewidth": 0.8,
    "grid.linewidth": 0.5,
    "figure.titlesize": 11,
    "svg.hashsalt": "palimpsest",
    "savefig.dpi": 180,
    "pdf.fonttype": 42,
}
SPLIT_NAMES = {"forget": "forget set", "retain": "retain set", "val": "validation set"}
BATCH_NORM_NAMES = {"train": "BatchNorm in train mode", "frozen": "BatchNorm frozen"}
NOTE_LETTERS = 16
"""of the note at the foot of a figure, that fit into an inch"""
MARKERS = ("^", "s", "D", "v", "p", "h", "<", ">", "8", "d")  # o, *, P and x have a meaning
INK = "0.15"  # of what is not data: original, oracle, floor
SIZE = 26.0  # area of a marker, in square points


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the look of all figures, whatever the caller's settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # matplotlib's own font: the others that seaborn names differ between machines
        sns.set_theme("paper", "whitegrid", "colorblind", "DejaVu Sans", 0.93, rc=_SETTINGS)
        yield


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Write `figure` to each of `paths`, its format by the suffix; equal figures, equal bytes."""
    check_formats(paths)
    with figure_style():
        figure.draw_without_rendering()  # lays out once for all formats
        figure.set_layout_engine("none")
        for axes in figure.axes:  # the layout varies in its last bits
            axes.set_position(np.round(axes.get_position().bounds, 6))
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
    return sns.blend_palette(sns.color_palette("viridis", 256)[:218], as_cmap=True)


def method_name(method: str) -> str:
    """A method's name in the figures: `ga` is GA, `ce_ft` is CE-FT, `zero_row` is zero row."""
    if method == "nothing":
        return "original"
    if method.endswith("_ft"):
        kind = method.removesuffix("_ft")
        return f"{kind.upper()}-FT" if len(kind) <= 3 else f"{kind} FT"
    return method.upper() if len(method) <= 5 and "_" not in method else method.replace("_", " ")


def method_markers(
    methods: Iterable[str], chosen: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A marker for each method, by its place among their sorted names, or as `chosen`.

    The circle is kept for the original, as in the paper.
    """
    names = sorted(set(methods) - {"nothing"})
    return {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(names)} | dict(chosen or {})


def forget_set_name(name: str) -> str:
    """A forget set's name in the figures."""
    return name.replace("_", " ")


def start_figure(
    width: float, height: float, handles: Sequence[Artist], note: str
) -> tuple[Figure, SubFigure]:
    """A figure and the part of it that is drawn in, `width` by `height` inches.

    Below that part stand the legend with `handles` and `note`, a line or more that says what the
    data are, so that neither can cover a panel.
    """
    columns = max(1, min(len(handles), int(width / 1.45)))
    lines = textwrap.wrap(note, int(width * NOTE_LETTERS))
    foot_height = 0.18 * -(-len(handles) // columns) + 0.12 + 0.18 * len(lines)
    figure = Figure(figsize=(width, height + foot_height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, foot_height])
    top, foot = parts
    foot.legend(
        handles=handles, loc="upper center", ncols=columns, frameon=False, borderaxespad=0.1,
        columnspacing=1.4, handletextpad=0.5, labelspacing=0.4,
    )  # fmt: skip
    foot.text(0.5, 0.06, "\n".join(lines), ha="center", va="bottom", fontsize=7.5, color="0.35")
    return figure, top


def facets(part: SubFigure, count: int, most: int = 3) -> list[Axes]:
    """`count` panels of one common scale, in rows of at most `most`."""
    columns = min(count, most)
    axes = part.subplots(math.ceil(count / columns), columns, sharex=True, sharey=True)
    panels = [axes] if count == 1 else list(axes.flat)
    for ax in panels[count:]:
        ax.set_visible(False)
    for ax in panels[max(count - columns, 0) : count]:
        ax.tick_params(labelbottom=True)
    return panels[:count]


def hollow(ax: Axes, fill: str = "white") -> None:
    """Fill the points drawn last with `fill`, and keep their colours for the edges."""
    points = ax.collections[-1]
    points.set_edgecolor(points.get_facecolor())  # type: ignore[arg-type]
    points.set(facecolor=fill, linewidth=1.0)


def point_handle(label: str, marker: str, face: str = "0.45", edge: str = "0.45") -> Line2D:
    """A legend entry of one marker."""
    return Line2D([], [], ls="", marker=marker, ms=5.5, mfc=face, mec=edge, label=label)
