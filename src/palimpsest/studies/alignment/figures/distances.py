"""How far every method's models are from the original and from retrained ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.plots.charts import draw_bars
from palimpsest.plots.style import INK, figure_style, point_handle, start_figure
from palimpsest.studies.alignment.figures._charts import (
    MARKERS,
    SCENARIO_NAMES,
    SUBSET_NAMES,
    SUBSETS,
    named,
    subset_colours,
    subset_name,
)
from palimpsest.studies.alignment.results import (
    SCENARIOS,
    floor_of,
    read_values,
    reported,
    summary,
)

INPUTS = ("table_quality_models", "table_distances_models")
_TITLES = {
    "activation": "activation distance to Retrain",
    "feature_1": "feature distance to Original",
    "feature_2": "feature distance to Retrain",
}

_FAR = 15.0
"""times what two retrained models are apart: from there on the axis is logarithmic beyond that"""


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", scenarios: dict[str, str],
    tuning_models: int,
) -> tuple[Figure, pd.DataFrame]:  # fmt: skip
    """A row of panels for each scenario, a panel for each distance; a marker for each subset, and
    in its colour a line: what a second retrained model has (of the distance to the original,
    Retrain)."""
    values, _ = reported(read_values(inputs, "table", scenarios), tuning_models)
    table = summary(values[values["quantity"].isin(_TITLES)])
    methods = list(dict.fromkeys(table["method"]))
    there = [name for name in SCENARIOS if name in set(table["scenario"])]
    with figure_style():
        height = (0.26 * len(methods) + 0.85) * len(there)
        figure, top = start_figure(9.6, height, _handles(table), note)
        grid = top.subplots(len(there), len(_TITLES), squeeze=False, sharey=True)
        for axes, scenario in zip(grid, there, strict=True):
            own = table[table["scenario"] == scenario]
            for ax, (quantity, title) in zip(axes, _TITLES.items(), strict=True):
                _draw_panel(ax, own[own["quantity"] == quantity], methods)
                ax.set_xlabel(title)
            axes[0].set_ylabel(SCENARIO_NAMES[scenario])
            axes[0].set_yticks(range(len(methods)), [named(name, table) for name in methods])
            axes[0].set_ylim(len(methods) - 0.5, -0.5)
    return figure, table


def _draw_panel(ax: Axes, own: pd.DataFrame, methods: Sequence[str]) -> None:
    colours, there = subset_colours(), [s for s in SUBSETS if s in set(own["subset"])]
    floors = own[own["method"] == own["quantity"].map(floor_of)]
    for place, subset in enumerate(there):
        part = own[own["subset"] == subset]
        y = part["method"].map(list(methods).index) + 0.64 * ((place + 0.5) / len(there) - 0.5)
        draw_bars(ax, part["mean"], y, part, "x", colour=INK)
        ax.scatter(part["mean"], y, s=20, marker=MARKERS[subset], color=colours[subset], ec=INK,
                   lw=0.4, zorder=4)  # fmt: skip
        for value in floors[floors["subset"] == subset]["mean"]:
            ax.axvline(value, color=colours[subset], lw=0.9, ls="--", zorder=1.5)
    for row in np.arange(1, len(methods)) - 0.5:
        ax.axhline(row, color="0.88", lw=0.5, zorder=0.5)
    ax.grid(axis="y", visible=False)
    most = float(own["mean"].max())
    if np.isfinite(most) and most > 0:
        ax.set_xlim(-0.025 * most, 1.06 * most)
    if most > _FAR * floors["mean"].max() > 0:  # the others would lie on each other
        ax.set_xscale("symlog", linthresh=floors["mean"].max(), linscale=2.0)
        ax.set_xlim(-0.05 * floors["mean"].max(), 1.6 * most)
        ax.minorticks_off()


def _handles(table: pd.DataFrame) -> list[Line2D]:
    colours = subset_colours()
    there = [name for name in SUBSETS if name in set(table["subset"])]
    handles = []
    for subset in there:
        label = f"{subset_name(subset)}: {SUBSET_NAMES[subset]}"
        handle = point_handle(label, MARKERS[subset], edge=INK)
        handle.set_markerfacecolor(colours[subset])
        handles.append(handle)
    handles.append(Line2D([], [], color=INK, lw=0.8, label="95 % interval"))
    handles.append(Line2D([], [], color="0.45", lw=0.9, ls="--", label="as two retrained models"))
    return handles
