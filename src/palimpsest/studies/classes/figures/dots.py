"""UA, RA, MIA-efficacy and TA of every variant: the tables, so that they can be read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.plots.charts import draw_bars, limits_of, mark_diverged
from palimpsest.plots.style import INK, figure_style, point_handle, start_figure
from palimpsest.studies.classes.figures._charts import (
    AXIS_NAMES,
    MEANINGS,
    oracle_means,
    over_classes,
    reference_handle,
    spread_handles,
)
from palimpsest.studies.classes.trials import class_means, read_trials

INPUTS = ("table_accuracy_models", "table_mia_models")


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """A panel for each quantity, a row for each variant: mean, 95 % interval, each class."""
    trials = read_trials(*(inputs[name][0] for name in INPUTS))
    table, classes, oracle = over_classes(trials), class_means(trials), oracle_means(trials)
    variants = list(dict.fromkeys(table["variant"]))
    lost = dict(zip(table["variant"], table["diverged"], strict=True))
    labels = [f"{name} ({lost[name]} diverged)" if lost[name] else name for name in variants]
    with figure_style():
        handles = [
            point_handle("mean over classes", "o", face=sns.color_palette()[0], edge=INK),
            *spread_handles(
                diverged=any(lost.values()), intervals=bool(table["low"].notna().any())
            ),
            reference_handle(),
        ]
        figure, top = start_figure(9.6, 0.21 * len(variants) + 1.1, handles, note)
        axes = top.subplots(1, len(AXIS_NAMES), sharey=True, squeeze=False)[0]
        for ax, quantity in zip(axes, AXIS_NAMES, strict=True):
            own = table[table["quantity"] == quantity]
            _draw_panel(ax, own, classes[quantity], variants, oracle[quantity])
            ax.set_xlabel(AXIS_NAMES[quantity])
            ax.set_title(MEANINGS[quantity], fontsize=7.5)
        axes[0].set_yticks(range(len(variants)), labels)
        axes[0].set_ylim(len(variants) - 0.4, -0.6)
    return figure, table


def _draw_panel(
    ax: Axes, own: pd.DataFrame, classes: pd.Series, variants: Sequence[str], oracle: float
) -> None:
    rows = np.array([variants.index(name) for name in classes.index.get_level_values("variant")])
    ax.scatter(classes, rows, s=9, color="0.75", lw=0, zorder=2)
    limits = limits_of(classes)
    ax.axvline(oracle, color=INK, lw=1.0, ls="--", zorder=1.5)
    y = own["variant"].map(variants.index)
    draw_bars(ax, own["mean"], y, own, "x")
    ax.scatter(own["mean"], y, s=30, color=sns.color_palette()[0], ec=INK, lw=0.5, zorder=4)
    lost = own["diverged"] > 0
    mark_diverged(ax, own["mean"].fillna(limits[0])[lost], y[lost])
    ax.set_xlim(limits)
