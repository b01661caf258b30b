"""Fine-tuning at other learning rates: does it not forget, or was the rate too small?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from palimpsest.config import combinations
from palimpsest.plots.charts import draw_bars, limits_of, mark_diverged
from palimpsest.plots.style import INK, figure_style, point_handle, start_figure
from palimpsest.studies.classes.figures._charts import (
    AXIS_NAMES,
    MEANINGS,
    QUANTITY_MARKERS,
    oracle_means,
    over_classes,
    reference_handle,
)
from palimpsest.studies.classes.trials import class_means, read_trials

INPUTS = ("rates_accuracy_models",)
QUANTITIES = ("UA", "RA", "TA")


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """A panel for each quantity over the learning rate: each class, their mean, Retrain.

    A dotted line marks the rate of the other experiments.
    """
    trials = read_trials(inputs[INPUTS[0]][0])
    own = trials[trials["method"] == "ft"]
    table = over_classes(own, QUANTITIES, keys=["lr"]).sort_values(["quantity", "lr"])
    rates = own.drop_duplicates("variant").set_index("variant")["lr"]
    classes = class_means(own, QUANTITIES).reset_index()
    classes["lr"] = classes["variant"].map(rates)
    oracle = oracle_means(trials, QUANTITIES)
    default = combinations("ft", [{}])[0]["lr"]
    with figure_style():
        colours = dict(zip(QUANTITY_MARKERS, sns.color_palette(), strict=False))
        diverged, intervals = (table["diverged"] > 0).any(), table["low"].notna().any()
        handles = _handles(diverged=bool(diverged), intervals=bool(intervals), default=default)
        figure, top = start_figure(8.4, 2.9, handles, note)
        for ax, quantity in zip(top.subplots(1, 3), QUANTITIES, strict=True):
            means = table[table["quantity"] == quantity]
            _draw_panel(ax, means, classes, quantity, colours[quantity])
            ax.axhline(oracle[quantity], color=INK, lw=1.0, ls="--", zorder=1.5)
            ax.axvline(default, color=INK, lw=0.8, ls=":", zorder=1.5)
            ax.set_ylim(limits_of([*classes[quantity], oracle[quantity]]))
            ax.set_xlabel("learning rate of FT")
            ax.set_ylabel(AXIS_NAMES[quantity])
            ax.set_title(MEANINGS[quantity])
    return figure, table


def _draw_panel(
    ax: Axes, means: pd.DataFrame, classes: pd.DataFrame, quantity: str, colour: tuple
) -> None:
    for _, one in classes.sort_values("lr").groupby("forget_set"):
        ax.plot(one["lr"], one[quantity], color="0.72", lw=0.8, zorder=2)
    draw_bars(ax, means["lr"], means["mean"], means, "y", colour=colour)
    ax.plot(means["lr"], means["mean"], color=colour, marker=QUANTITY_MARKERS[quantity], lw=1.5,
            ms=5.5, mec="white", mew=0.5, zorder=4)  # fmt: skip
    lost = means[means["diverged"] > 0]
    mark_diverged(ax, lost["lr"], lost["mean"])
    ax.set_xscale("log")
    ax.set_xticks(means["lr"].to_list(), [f"{rate:g}" for rate in means["lr"]], fontsize=7.5)
    ax.xaxis.set_minor_locator(NullLocator())


def _handles(*, diverged: bool, intervals: bool, default: float) -> list[Line2D]:
    handles = [
        Line2D([], [], color="0.35", marker="o", ms=5, mec="white", label="mean over classes"),
        Line2D([], [], color="0.72", lw=0.8, label="one class"),
    ]
    if intervals:
        handles.append(Line2D([], [], color="0.35", lw=0.8, label="95 % interval"))
    handles += [
        reference_handle(),
        Line2D([], [], color=INK, lw=0.8, ls=":", label=f"default rate {default:g}"),
    ]
    if diverged:
        handles.append(point_handle("some diverged", "x", edge=INK))
    return handles
