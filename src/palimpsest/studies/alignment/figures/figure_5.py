"""Figure 5: what gamma, the weight of the features against the answers, does to RFA."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from palimpsest.plots.charts import draw_bars, limits_of
from palimpsest.plots.style import INK, figure_style, start_figure
from palimpsest.studies.alignment.figures._charts import (
    MARKERS,
    QUALITY_NAMES,
    SCENARIO_NAMES,
    SUBSET_NAMES,
    quality_in,
    subset_colours,
    subset_name,
)
from palimpsest.studies.alignment.results import (
    METHODS,
    ORACLE,
    SCENARIOS,
    read_values,
    summary,
)

INPUTS = ("gamma_quality_models", "gamma_distances_models")


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", scenarios: dict[str, str]
) -> tuple[Figure, pd.DataFrame]:
    """Above accuracy or perplexity, below the feature distance to the original; left samples, right
    a class. A line for each subset, with its 95 % interval over models, which may leave the panel;
    dashed, Retrain."""
    values = read_values(inputs, "gamma", scenarios)
    quality = quality_in(values)
    table = summary(values[values["quantity"].isin([quality, "feature_1"])], ["gamma"])
    table = table[table["method"].isin([METHODS["rfa"], ORACLE])]
    names = {quality: QUALITY_NAMES[quality], "feature_1": "feature distance to Original"}
    with figure_style():
        figure, top = start_figure(7.2, 5.2, _handles(table), note)
        grid = top.subplots(2, 2, sharex=True)
        panels = [(quantity, scenario) for quantity in names for scenario in SCENARIOS]
        for ax, letter, (quantity, scenario) in zip(grid.flat, "abcd", panels, strict=True):
            own = table[(table["quantity"] == quantity) & (table["scenario"] == scenario)]
            _draw_panel(ax, own)
            if quantity == "perplexity":
                _logarithmic(ax, own["mean"])
            ax.set(title=f"{letter}: {SCENARIO_NAMES[scenario]}")
            ax.set_ylabel(names[quantity] if scenario == SCENARIOS[0] else "")
            if quantity == "feature_1":
                ax.set_xlabel("gamma")
        top.suptitle("Residual Feature Alignment, Figure 5: the weight of the features")
    return figure, table


def _draw_panel(ax: Axes, own: pd.DataFrame) -> None:
    for subset, colour in subset_colours().items():
        part = own[own["subset"] == subset]
        line = part[part["method"] != ORACLE].sort_values("gamma")
        draw_bars(ax, line["gamma"], line["mean"], line, "y", colour=colour)
        ax.plot(line["gamma"], line["mean"], color=colour, marker=MARKERS[subset], lw=1.4, ms=5.5,
                mec="white", mew=0.5, zorder=4)  # fmt: skip
        for value in part.loc[part["method"] == ORACLE, "mean"]:
            ax.axhline(value, color=colour, lw=0.9, ls="--", zorder=1.5)
    span = float(own["mean"].max() - own["mean"].min())
    ax.set_ylim(limits_of(own["mean"], 0.08, 0.1 * span))


def _logarithmic(ax: Axes, values: pd.Series) -> None:
    """A logarithmic scale with plain numbers, where the `values` reach so far that it has any."""
    if values.max() > 3 * values.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(values.min() / 1.2, 1.2 * values.max())


def _handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker=MARKERS[subset], ms=5.5, mec="white", lw=1.4,
               label=f"{subset_name(subset)}: {SUBSET_NAMES[subset]}")
        for subset, colour in subset_colours().items() if subset in set(table["subset"])
    ]  # fmt: skip
    handles += [Line2D([], [], color="0.45", lw=0.9, ls="--", label=ORACLE)]
    return [*handles, Line2D([], [], color=INK, lw=0.8, label="95 % interval")]
