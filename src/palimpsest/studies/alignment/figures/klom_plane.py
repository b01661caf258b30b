"""KLoM of every method: are its models distributed like retrained ones?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.plots.klom_plane import (
    axis_limit,
    draw_floor,
    draw_intervals,
    draw_oracle,
    draw_original,
    mark_diverged,
    reference_handles,
    square_root_axes,
)
from palimpsest.plots.style import (
    INK,
    MARKERS,
    SIZE,
    SPLIT_NAMES,
    figure_style,
    point_handle,
    start_figure,
)
from palimpsest.studies.alignment.figures._charts import SCENARIO_NAMES
from palimpsest.studies.alignment.results import (
    ORIGINAL,
    SCENARIOS,
    choose_rates,
    in_order,
    read_klom_planes,
    read_values,
)

INPUTS = ("table_klom", "table_quality_models")
_ENDS = ("klom", "low", "high", "null")


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", scenarios: dict[str, str],
    tuning_models: int,
) -> tuple[Figure, pd.DataFrame]:  # fmt: skip
    """A row of panels for each scenario: KLoM of the forget set against that of the validation set
    and of the retain set. Large: the rate that tables show; small and pale: the other rates."""
    rates = choose_rates(read_values(inputs, "table", scenarios), tuning_models)
    table = in_order(read_klom_planes(inputs, rates, scenarios)[0])
    methods = [name for name in dict.fromkeys(table["method"]) if name != ORIGINAL]
    there = [name for name in SCENARIOS if name in set(table["scenario"])]
    with figure_style():
        colours = sns.color_palette("colorblind", len(methods))
        looks = {
            name: {"marker": MARKERS[place % len(MARKERS)], "color": colours[place]}
            for place, name in enumerate(methods)
        }
        figure, top = start_figure(8.0, 3.2 * len(there), _handles(table, looks), note)
        grid = top.subplots(len(there), 2, squeeze=False)
        for axes, scenario in zip(grid, there, strict=True):
            own = table[table["scenario"] == scenario]
            for ax, against in zip(axes, ("val", "retain"), strict=True):
                _draw_plane(ax, own, against, looks)
                ax.set_title(SCENARIO_NAMES[scenario])
    scores = [f"{split}_{end}" for split in ("forget", "val", "retain") for end in _ENDS]
    return figure, table[["scenario", "method", "lr", "chosen", "percentile", *scores, "diverged"]]


def _draw_plane(ax: Axes, own: pd.DataFrame, against: str, looks: Mapping[str, Any]) -> None:
    limits = axis_limit(own, "forget"), axis_limit(own, against)
    square_root_axes(ax, *limits)
    draw_floor(ax, own["forget_null"].median(), own[f"{against}_null"].median())
    placed = own.assign(
        x=own["forget_klom"].fillna(limits[0] / 1.05),
        y=own[f"{against}_klom"].fillna(limits[1] / 1.05),
    )
    large = placed[placed["chosen"]]
    for axis, split in (("x", "forget"), ("y", against)):
        draw_intervals(ax, large, large[f"{split}_low"], large[f"{split}_high"], axis)
    for _, row in placed.iterrows():
        if row["method"] == ORIGINAL:
            draw_original(ax, row["x"], row["y"])
        elif row["chosen"]:
            ax.scatter(row["x"], row["y"], **looks[row["method"]], s=1.6 * SIZE, ec=INK, lw=0.6,
                       zorder=5, clip_on=False)  # fmt: skip
        else:
            ax.scatter(row["x"], row["y"], **looks[row["method"]], s=0.6 * SIZE, alpha=0.45, lw=0,
                       zorder=3, clip_on=False)  # fmt: skip
    mark_diverged(ax, placed)
    draw_oracle(ax)
    percentile = f"(p{own['percentile'].iloc[0]:g}, nats)"
    ax.set(xlabel=f"KLoM of the {SPLIT_NAMES['forget']} {percentile}",
           ylabel=f"KLoM of the {SPLIT_NAMES[against]} {percentile}")  # fmt: skip


def _handles(table: pd.DataFrame, looks: Mapping[str, Any]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    for name, look in looks.items():
        handle = point_handle(name, look["marker"], edge=INK)
        handle.set_markerfacecolor(look["color"])
        handles.append(handle)
    if not table["chosen"].all():
        small = point_handle("at another rate", "o", face="0.75", edge="0.75")
        small.set_markersize(3.5)
        handles.append(small)
    if table["diverged"].any():
        handles.append(point_handle("diverged", "x", edge=INK))
    return [*handles, *reference_handles()]
