"""ICE-FT against KL-FT: which open choice could part them by the printed seven points of RA?

With the mean over points (`batchmean`) and labels that are not smoothed, KL-FT is ICE-FT. So all
settings are named by what they change of that one, and those of both methods share a row.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.plots.charts import draw_bars, limits_of, mark_diverged
from palimpsest.plots.style import INK, figure_style, method_name, point_handle, start_figure
from palimpsest.studies.classes.figures._charts import (
    AXIS_NAMES,
    MEANINGS,
    oracle_means,
    over_classes,
    reference_handle,
    spread_handles,
)
from palimpsest.studies.classes.trials import class_means, read_trials

INPUTS = ("divergence_accuracy_models",)
QUANTITIES = ("UA", "RA", "TA")
MARKERS = {"ice_ft": "s", "kl_ft": "D"}
SAME = "as ICE-FT's default"
"""the row in which the two methods are one"""
_BASE: dict[str, Any] = {
    "kl_reduction": "batchmean", "target_smoothing": 0.0, "kl_direction": "labels||model",
    "forward": "retain_first", "batch_norm": "train",
}  # fmt: skip
_WORDS = {
    "kl_reduction": "divided by classes", "target_smoothing": "smoothing {}",
    "kl_direction": "KL({})", "forward": "forward {}", "batch_norm": "BatchNorm {}",
}  # fmt: skip


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """A row for each choice; in it a dot for each method and alpha, and faint ones for classes."""
    trials = read_trials(inputs[INPUTS[0]][0])
    own = trials[trials["method"].isin(list(MARKERS))]
    own = own.assign(setting=[setting_name(row) for _, row in own.iterrows()])
    table = over_classes(own, QUANTITIES, keys=["alpha", "setting"])
    rows = sorted(table["setting"].unique(), key=lambda name: (name != SAME, name.count(",")))
    looks = [(method, alpha) for method in MARKERS for alpha in sorted(own["alpha"].unique())]
    table["place"] = [
        rows.index(row["setting"])
        + 0.72 * ((looks.index((row["method"], row["alpha"])) + 0.5) / len(looks) - 0.5)
        for _, row in table.iterrows()
    ]
    oracle = oracle_means(trials, QUANTITIES)
    with figure_style():
        colours = _colours(looks)
        handles = [
            *(point_handle(f"{method_name(method)}, alpha {alpha:g}", MARKERS[method],
                           colours[method, alpha], INK) for method, alpha in looks),
            *spread_handles(diverged=bool((table["diverged"] > 0).any()),
                            intervals=bool(table["low"].notna().any())),
            reference_handle(),
        ]  # fmt: skip
        figure, top = start_figure(9.6, 0.42 * len(rows) + 1.0, handles, note)
        axes = top.subplots(1, len(QUANTITIES), sharey=True)
        classes = class_means(own, QUANTITIES)
        for ax, quantity in zip(axes, QUANTITIES, strict=True):
            means = table[table["quantity"] == quantity].set_index("variant")
            _draw_panel(ax, means, classes[quantity], colours, oracle[quantity])
            ax.set_xlabel(AXIS_NAMES[quantity])
            ax.set_title(MEANINGS[quantity])
        axes[0].set_yticks(range(len(rows)), rows)
        axes[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure, table.drop(columns="place")


def setting_name(row: pd.Series) -> str:
    """What a setting changes of ICE-FT's default, in words; a choice that ICE-FT has not is that
    of KL-FT that makes them one."""
    told = []
    for name, base in _BASE.items():
        value = row[name] if name in row and pd.notna(row[name]) else base
        if value != base:
            word = f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
            told.append(_WORDS[name].format(word))
    return ", ".join(told) or SAME


def _colours(looks: Sequence[tuple[str, float]]) -> dict[tuple[str, float], Any]:
    """A colour for each method, in a darker shade for each larger alpha."""
    found: dict[tuple[str, float], Any] = {}
    for method, colour in zip(MARKERS, sns.color_palette(), strict=False):
        alphas = [alpha for name, alpha in looks if name == method]
        shades = sns.light_palette(colour, len(alphas) + 1)[1:]
        found |= {(method, alpha): shade for alpha, shade in zip(alphas, shades, strict=True)}
    return found


def _draw_panel(
    ax: Axes, means: pd.DataFrame, classes: pd.Series, colours: Mapping[Any, Any], oracle: float
) -> None:
    for row in np.unique(means["place"].round())[1:]:
        ax.axhline(row - 0.5, color="0.85", lw=0.5, zorder=0.5)
    ax.grid(axis="y", visible=False)
    places = classes.index.get_level_values("variant").map(means["place"])
    ax.scatter(classes, places, s=6, color="0.75", lw=0, zorder=2)
    ax.axvline(oracle, color=INK, lw=1.0, ls="--", zorder=1.5)
    draw_bars(ax, means["mean"], means["place"], means, "x")
    for (method, alpha), own in means.groupby(["method", "alpha"]):
        ax.scatter(own["mean"], own["place"], marker=MARKERS[str(method)], s=26,
                   color=colours[method, alpha], ec=INK, lw=0.5, zorder=4)  # fmt: skip
    limits = limits_of([*classes, oracle])
    lost = means[means["diverged"] > 0]
    mark_diverged(ax, lost["mean"].fillna(limits[0]), lost["place"])
    ax.set_xlim(limits)
