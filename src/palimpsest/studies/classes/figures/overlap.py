"""From theory to network: is the class forgotten that shares features with another?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.data.splits import Split
from palimpsest.plots.charts import limits_of, mark_diverged
from palimpsest.plots.style import INK, figure_style, point_handle, start_figure
from palimpsest.records import Record
from palimpsest.studies.classes.figures._charts import (
    plain,
)
from palimpsest.studies.classes.overlap import overlaps, rank_correlation
from palimpsest.studies.classes.trials import read_trials

INPUTS = ("base", "originals", "table_accuracy_models")
_NAMES = {
    "overlap": "overlap: largest cosine of class means",
    "margin": "mean margin in the originals (nats)",
}


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", classes: dict[str, int]
) -> tuple[Figure, pd.DataFrame]:
    """UA after FT against the overlap, and against the margin, a dot for each class.

    `classes` are the class of each forget set that is one.
    """
    split = Split.load(inputs["base"][0])
    originals = Record.load(inputs["originals"]).of(split.points)
    table = overlap_table(
        overlaps(originals, split.columns("train")),
        read_trials(inputs["table_accuracy_models"][0]),
        classes,
    )
    with figure_style():
        handles = _handles(table)
        figure, top = start_figure(7.2, 3.2, handles, note)
        for ax, name in zip(top.subplots(1, 2, sharey=True), _NAMES, strict=True):
            _draw_panel(ax, table, name)
    return figure, table


def overlap_table(
    measured: pd.DataFrame, trials: pd.DataFrame, classes: Mapping[str, int]
) -> pd.DataFrame:
    """`measured` of the forgotten classes, with UA after FT, its sd over trials, and, the same in
    every row, Spearman's rho of UA with `overlap` and with `margin`, and their intervals."""
    own = plain(trials, ["ft"])
    own = own[(own["method"] == "ft") & own["forget_set"].isin(list(classes))]
    table = own.groupby("forget_set", sort=False).agg(
        UA=("UA", "mean"), UA_sd=("UA", "std"), trials=("UA", "size"), diverged=("diverged", "sum")
    ).reset_index()  # fmt: skip
    table.insert(1, "class", table["forget_set"].map(classes))
    table = table.merge(measured, on="class")
    for name in _NAMES:
        found = rank_correlation(table[name].to_numpy(), table["UA"].to_numpy())
        for part, value in zip(("rho", "rho_low", "rho_high"), found, strict=True):
            table[f"{name}_{part}"] = value
    return table


def _draw_panel(ax: Axes, table: pd.DataFrame, name: str) -> None:
    spread = {"xerr": table[f"{name}_sd"].fillna(0), "yerr": table["UA_sd"].fillna(0)}
    ax.errorbar(table[name], table["UA"], **spread, fmt="none", ecolor="0.72", elinewidth=0.8,
                zorder=2)  # fmt: skip
    ax.scatter(table[name], table["UA"], s=30, color=sns.color_palette()[0], ec=INK, lw=0.5,
               zorder=4)  # fmt: skip
    named = table.dropna(subset=[name, "UA"]).sort_values(name)
    for place, (_, row) in enumerate(named.iterrows()):  # above and below in turn
        ax.annotate(f"{row['class']}", (row[name], row["UA"]), fontsize=8, color=INK, ha="center",
                    va="center", xytext=(0, (9, -9)[place % 2]), textcoords="offset points",
                    zorder=5)  # fmt: skip
    lost = table[table["diverged"] > 0]
    mark_diverged(ax, lost[name], lost["UA"])
    ax.set_ylim(limits_of([*(table["UA"] + table["UA_sd"].fillna(0)),
                                *(table["UA"] - table["UA_sd"].fillna(0))], 0.1))  # fmt: skip
    ax.set_xlabel(_NAMES[name])
    ax.set_ylabel("UA after FT (%)" if name == "overlap" else "")
    rho, low, high = (table[f"{name}_{part}"].iloc[0] if len(table) else np.nan
                      for part in ("rho", "rho_low", "rho_high"))  # fmt: skip
    told = f"Spearman's rho = {rho:.2f}" if np.isfinite(rho) else "Spearman's rho: not defined"
    if np.isfinite(low):
        told += f" [{low:.2f}, {high:.2f}]"
    ax.set_title(told)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [
        point_handle("one class, its number", "o", face=sns.color_palette()[0], edge=INK),
        Line2D([], [], color="0.72", lw=0.8, label="sd over models"),
    ]
    if (table["diverged"] > 0).any():
        handles.append(point_handle("some diverged", "x", edge=INK))
    return handles
