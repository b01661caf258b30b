"""The tables so that they can be read: how far every method's models are from retrained ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.plots.style import figure_style, start_figure
from palimpsest.studies.alignment.figures._charts import (
    LESS_NAMES,
    SCENARIO_NAMES,
    SUBSET_NAMES,
    SUBSETS,
    dot_handles,
    draw_dots,
    named,
    paired,
    points_axis,
    quality_in,
    shade,
    shade_handle,
    subset_name,
)
from palimpsest.studies.alignment.results import ORACLE, SCENARIOS, read_values, reported

INPUTS = ("table_quality_models", "table_mia_models")


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", scenarios: dict[str, str],
    tuning_models: int, margin: float,
) -> tuple[Figure, pd.DataFrame]:  # fmt: skip
    """A row of panels for each scenario: accuracy or perplexity on each subset, and membership of
    the forget set. Methods at their chosen rates, on the models that no rate was chosen on.

    `margin`: what counts as no difference, in points.
    """
    values, _ = reported(read_values(inputs, "table", scenarios), tuning_models)
    quality = quality_in(values)
    attacked = (values["quantity"] == "mia") & (values["subset"] == "D_f")
    table, models = paired(values[(values["quantity"] == quality) | attacked])
    table, models = (own[own["method"] != ORACLE] for own in (table, models))
    shown = {
        scenario: [
            *((quality, subset) for subset in SUBSETS
              if ((table["scenario"] == scenario) & (table["subset"] == subset)).any()),
            ("mia", "D_f"),
        ]
        for scenario in SCENARIOS if scenario in set(table["scenario"])
    }  # fmt: skip
    columns = max(map(len, shown.values()))
    methods = list(dict.fromkeys(table["method"]))
    places = {method: float(place) for place, method in enumerate(methods)}
    with figure_style():
        handles = [*dot_handles(), shade_handle(margin)]
        height = (0.19 * len(methods) + 1.05) * len(shown)
        figure, top = start_figure(2.05 * columns + 0.9, height, handles, note)
        grid = top.subplots(len(shown), columns, squeeze=False, sharey=True)
        for axes, (scenario, panels) in zip(grid, shown.items(), strict=True):
            for ax in axes[len(panels) - 1 : -1]:
                ax.set_visible(False)
            for ax, (quantity, subset) in zip([*axes[: len(panels) - 1], axes[-1]], panels,
                                              strict=True):  # fmt: skip
                own, each = (
                    rows[(rows["scenario"] == scenario) & (rows["quantity"] == quantity)
                         & (rows["subset"] == subset)]
                    for rows in (table, models)
                )  # fmt: skip
                shade(ax, margin)
                _draw_panel(ax, own, each, places)
                ax.set_xlabel(LESS_NAMES[quantity], fontsize=7.5)
                what = "membership, " if quantity == "mia" else ""
                ax.set_title(f"{what}{subset_name(subset)}: {SUBSET_NAMES[subset]}", fontsize=8)
            axes[0].set_ylabel(SCENARIO_NAMES[scenario])
            axes[0].set_yticks(list(places.values()), [named(name, table) for name in methods])
            axes[0].set_ylim(len(methods) - 0.4, -0.6)
    return figure, table


def _draw_panel(
    ax: Axes, table: pd.DataFrame, models: pd.DataFrame, places: Mapping[str, float]
) -> None:
    draw_dots(ax, table, models, places, "method", sns.color_palette()[0])
    points_axis(ax, [*models["difference"], *table["mean"]])
