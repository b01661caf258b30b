"""KLoM of the originals as more models are used, beside what the number of models alone makes.

The paper ("Ascent Fails to Forget", Appendix J) finds large scores with 20 and 50 models and calls
them stable after 80. A histogram of few models scores high against another of the same
distribution; the null floor is that part.
"""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, StrMethodFormatter

from palimpsest.plots.style import (
    COLOURBLIND,
    INK,
    SPLIT_NAMES,
    figure_style,
    forget_set_name,
    start_figure,
)
from palimpsest.tables import SPLITS

_COLUMNS = 3
_MARKERS = {"forget": "o", "retain": "s", "val": "^"}
_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10]
PAPERS_NUMBERS = (20, 50, 80)  # of models, in the paper's remark


def draw_number_of_models(
    table: pd.DataFrame,
    forget_sets: Sequence[str] | None = None,
    *,
    title: str = "",
    note: str = "",
    percentile: float = 95,
) -> Figure:
    """One panel per forget set: scores (solid), null floor (dashed), second oracles (hollow).

    `table` as `tables.read_number_of_models` gives it. The axis of scores is logarithmic, the same
    in all panels. ValueError for a forget set without a row, or a table without rows.
    """
    names = list(forget_sets or dict.fromkeys(table["forget_set"]))
    for name in names:
        if name not in set(table["forget_set"]):
            raise ValueError(f"forget set {name} is not in the table of numbers of models")
    if not names:
        raise ValueError("the table of numbers of models has no rows")
    chosen = table[table["forget_set"].isin(names)]
    scores = chosen[["score", "null"]].stack()
    scores = scores[scores > 0]
    columns = min(len(names), _COLUMNS)
    rows = math.ceil(len(names) / columns)
    colours = dict(zip(SPLITS, COLOURBLIND, strict=True))
    handles = _handles(
        dict(zip(SPLITS, COLOURBLIND, strict=True)),
        second=bool((chosen["comparison"] == "second_oracle").any()),
        named=bool(
            chosen["n_models"].min() <= max(PAPERS_NUMBERS)
            and chosen["n_models"].max() >= min(PAPERS_NUMBERS)
        ),
    )
    with figure_style():
        figure, top = start_figure(2.7 * max(columns, 2) + 0.6, 2.4 * rows + 0.7, handles, note)
        axes = top.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, ax in enumerate(axes.flat):
            if place >= len(names):
                ax.set_visible(False)
                continue
            _draw_panel(ax, chosen[chosen["forget_set"] == names[place]], colours)
            ax.set_title(forget_set_name(names[place]))
            if place + columns >= len(names):
                ax.tick_params(labelbottom=True)
        low, high = scores.min() / 1.3, scores.max() * 1.6
        axes[0, 0].set_yscale("log")
        axes[0, 0].set_yticks([tick for tick in _TICKS if low <= tick <= high])
        axes[0, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes[0, 0].yaxis.set_minor_locator(NullLocator())
        axes[0, 0].set_ylim(low, high)
        top.supxlabel("number of models N, of each population", fontsize=9)
        top.supylabel(f"KLoM of the originals (p{percentile:g}, nats)", fontsize=9)
        top.suptitle(title)
    return figure


def _draw_panel(ax: Axes, panel: pd.DataFrame, colours: dict[str, Any]) -> None:
    for split in SPLITS:
        rows = panel[panel["split"] == split].sort_values("n_models")
        look: dict[str, Any] = {"color": colours[split], "marker": _MARKERS[split], "ms": 4.5}
        own = rows[rows["comparison"] == "original"]
        ax.plot(own["n_models"], own["score"], lw=1.4, mec="white", mew=0.4, zorder=4, **look)
        ax.plot(own["n_models"], own["null"], color=colours[split], ls="--", lw=1.1, zorder=3)
        second = rows[rows["comparison"] == "second_oracle"]
        ax.plot(second["n_models"], second["score"], ls="", mfc="none", mew=0.9, zorder=3.5,
                **look)  # fmt: skip
    numbers = panel["n_models"]
    for number in PAPERS_NUMBERS:
        if numbers.min() <= number <= numbers.max():
            ax.axvline(number, color=INK, lw=0.8, ls=":", zorder=1.5)
            side = "right" if number == numbers.max() else "left"
            ax.annotate(
                f"{number}", (number, 1), xycoords=("data", "axes fraction"), va="top", ha=side,
                xytext=(-2 if side == "right" else 2, -2), textcoords="offset points", fontsize=7,
                color=INK,
            )  # fmt: skip


def _handles(colours: dict[str, Any], *, second: bool, named: bool) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colours[split], marker=_MARKERS[split], ms=4.5, lw=1.4, mec="white",
               label=SPLIT_NAMES[split])
        for split in SPLITS
    ]  # fmt: skip
    handles.append(Line2D([], [], color="0.3", ls="--", lw=1.1, label="null floor"))
    if second:
        handles.append(Line2D([], [], color="0.3", ls="", marker="o", ms=4.5, mfc="none",
                              label="second oracles (hollow)"))  # fmt: skip
    if named:
        handles.append(Line2D([], [], color=INK, ls=":", lw=0.8, label="N named in the paper"))
    return handles
