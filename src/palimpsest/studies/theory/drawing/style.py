"""One look for the figures of the theory, and files that are the same at every run."""

import io
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from palimpsest.files import atomic_path

matplotlib.use("Agg")

# seaborn's palette "colorblind", written out: importing seaborn takes seconds
COLOURS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161")
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "0.45"
SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "palimpsest",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
}
METADATA = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}


def style() -> AbstractContextManager[None]:
    """A context in which figures are drawn: `with style(): ...`."""
    return matplotlib.rc_context(SETTINGS)


def save(figure: Figure, outputs: list[str]) -> None:
    """Write a figure to each path (.pdf, .svg or .png), atomically and without dates."""
    for output in outputs:
        suffix = str(output).rsplit(".", 1)[-1]
        if suffix not in METADATA:
            raise ValueError(f"{output}: a figure ends in {', '.join(METADATA)}")
        with matplotlib.rc_context(SETTINGS), atomic_path(output) as path:
            figure.savefig(path, metadata=METADATA[suffix])


def png_bytes(figure: Figure) -> bytes:
    """A figure as PNG in memory, for a notebook."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata=METADATA["png"])
    return stream.getvalue()
