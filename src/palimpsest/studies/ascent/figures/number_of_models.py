"""KLoM of the originals as more models are used, beside what the number of models alone makes.

The paper ("Ascent Fails to Forget", Appendix J) finds large scores with 20 and 50 models and calls
them stable after 80. A histogram of few models scores high against another of the same
distribution; the null floor is that part.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, StrMethodFormatter

from palimpsest.data.splits import PARTS
from palimpsest.plots.style import (
    INK,
    SPLIT_NAMES,
    facets,
    figure_style,
    forget_set_name,
    hollow,
    point_handle,
    start_figure,
)
from palimpsest.tables import read_number_of_models

INPUTS = ("number_of_models",)
PAPERS_NUMBERS = (20, 50, 80)  # of models, in the paper's remark
_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10]


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """One panel per forget set: scores (solid), null floor (dashed), second oracles (hollow).

    The axis of scores is logarithmic, the same in all panels. ValueError for a table without rows.
    """
    table = read_number_of_models(inputs["number_of_models"][0])
    names = list(dict.fromkeys(table["forget_set"]))
    if not names:
        raise ValueError("the table of numbers of models has no rows")
    numbers = table["n_models"]
    marked = [number for number in PAPERS_NUMBERS if numbers.min() <= number <= numbers.max()]
    scores = table[["klom", "null"]].stack()
    low, high = scores[scores > 0].min() / 1.3, scores.max() * 1.6
    with figure_style():
        look = {
            "hue": "split", "style": "split", "style_order": PARTS, "legend": False,
            "palette": dict(zip(PARTS, sns.color_palette(), strict=False)),
            "markers": dict(zip(PARTS, "os^", strict=True)),
        }  # fmt: skip
        second = "second_oracle" in set(table["comparison"])
        rows, columns = -(-len(names) // 3), min(len(names), 3)
        handles = _handles(look, second=second, marked=bool(marked))
        figure, top = start_figure(2.7 * max(columns, 2) + 0.6, 2.4 * rows + 0.7, handles, note)
        axes = facets(top, len(names))
        for ax, name in zip(axes, names, strict=True):
            _draw_panel(ax, table[table["forget_set"] == name], look, marked)
            ax.set(title=forget_set_name(name), xlabel="", ylabel="")
        axes[0].set(yscale="log", ylim=(low, high))
        axes[0].set_yticks([tick for tick in _TICKS if low <= tick <= high])
        axes[0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes[0].yaxis.set_minor_locator(NullLocator())
        top.supxlabel("number of models N, of each population", fontsize=9)
        percentile = f"p{table['percentile'].iloc[0]:g}"
        top.supylabel(f"KLoM of the originals ({percentile}, nats)", fontsize=9)
    return figure, table


def _draw_panel(ax: Axes, panel: pd.DataFrame, look: dict[str, Any], marked: Sequence[int]) -> None:
    own = panel[panel["comparison"] == "original"]
    second = panel[panel["comparison"] == "second_oracle"]
    sns.lineplot(own, x="n_models", y="klom", **look, dashes=False, ms=4.5, lw=1.4, mew=0.4,
                 errorbar=None, ax=ax, zorder=4)  # fmt: skip
    sns.lineplot(own, x="n_models", y="null", hue="split", palette=look["palette"], ls="--",
                 lw=1.1, errorbar=None, legend=False, ax=ax, zorder=3)  # fmt: skip
    if len(second):
        sns.scatterplot(second, x="n_models", y="klom", **look, s=20, ax=ax, zorder=3.5)
        hollow(ax)
    numbers = panel["n_models"]
    for number in marked:
        ax.axvline(number, color=INK, lw=0.8, ls=":", zorder=1.5)
        side = "right" if number == numbers.max() else "left"
        ax.annotate(
            f"{number}", (number, 1), xycoords=("data", "axes fraction"), va="top", ha=side,
            xytext=(-2 if side == "right" else 2, -2), textcoords="offset points", fontsize=7,
            color=INK,
        )  # fmt: skip


def _handles(look: dict[str, Any], *, second: bool, marked: bool) -> list[Line2D]:
    handles = [
        Line2D([], [], color=look["palette"][split], marker=look["markers"][split], ms=4.5, lw=1.4,
               mec="white", label=SPLIT_NAMES[split])
        for split in PARTS
    ]  # fmt: skip
    handles.append(Line2D([], [], color="0.3", ls="--", lw=1.1, label="null floor"))
    if second:
        handles.append(point_handle("second oracles (hollow)", "o", face="none", edge="0.3"))
    if marked:
        handles.append(Line2D([], [], color=INK, ls=":", lw=0.8, label="N named in the paper"))
    return handles
