"""What RFA's settings matter: each changed by itself, beside the base setting."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from palimpsest.plots.style import INK, figure_style, point_handle, start_figure
from palimpsest.studies.alignment.changes import BASE
from palimpsest.studies.alignment.figures._charts import (
    LESS_NAMES,
    SCENARIO_NAMES,
    dot_handles,
    draw_dots,
    paired,
    points_axis,
    quality_in,
    subset_name,
)
from palimpsest.studies.alignment.results import (
    ORACLE,
    ORIGINAL,
    SCENARIOS,
    SECOND,
    read_sensitivity,
)

INPUTS = ("sensitivity_quality_models", "sensitivity_distances_models")
_MARKERS = {"sample": "o", "class": "s"}
_TESTS = {"D_t": "D_t", "D_rt": "D_t"}


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", scenarios: dict[str, str]
) -> tuple[Figure, pd.DataFrame]:
    """A row for each setting, the original and a second retrained model above them; panels for
    the forget set, the retain set, the other test points, and the feature distance. Of both
    scenarios the difference from retraining."""
    values = read_sensitivity(inputs, scenarios)
    quality = quality_in(values)
    values = values[(values["method"] != ORACLE) | values["quantity"].isin([quality, "feature_1"])]
    values = values[values["quantity"].isin([quality, "feature_1"])]
    table, models = paired(values, ["setting"])
    table, models = (
        own.assign(row=own["setting"].where(own["setting"] != "", own["method"]))
        for own in (table, models)
    )
    table, models = (own[own["method"] != ORACLE] for own in (table, models))
    others = [name for name in dict.fromkeys(table["setting"]) if name not in ("", BASE)]
    rows = [ORIGINAL, SECOND, BASE, *sorted(others, key=_by_value)]
    there = [name for name in SCENARIOS if name in set(table["scenario"])]
    panels = [(quality, "D_f"), (quality, "D_r"), (quality, "D_t"), ("feature_1", "D_f")]
    with figure_style():
        colours = dict(zip(SCENARIOS, sns.color_palette(), strict=False))
        handles = [
            *(point_handle(SCENARIO_NAMES[name], _MARKERS[name], edge=INK) for name in there),
            *dot_handles()[1:],
        ]
        for handle, name in zip(handles, there, strict=False):
            handle.set_markerfacecolor(colours[name])
        figure, top = start_figure(10.2, 0.27 * len(rows) + 1.0, handles, note)
        for ax, (quantity, subset) in zip(top.subplots(1, 4, sharey=True), panels, strict=True):
            chosen = [
                own[(own["quantity"] == quantity)
                    & (own["subset"].replace(_TESTS) == subset)] for own in (table, models)
            ]  # fmt: skip
            for place, scenario in enumerate(there):
                aside = 0.4 * ((place + 0.5) / len(there) - 0.5)
                places = {name: number + aside for number, name in enumerate(rows)}
                own, each = (part[part["scenario"] == scenario] for part in chosen)
                draw_dots(ax, own, each, places, "row", colours[scenario], _MARKERS[scenario])
            if quantity == "feature_1":
                ax.set_xlabel(f"feature distance to Original,\nless {ORACLE}'s", fontsize=7.5)
            else:
                points_axis(ax, [*chosen[1]["difference"], *chosen[0]["mean"]])
                ax.set_xlabel(LESS_NAMES[quantity], fontsize=7.5)
            test = " or ".join(subset_name(name) for name, own in _TESTS.items() if own == subset)
            ax.set_title(test or subset_name(subset))
            for row in range(1, len(rows)):
                ax.axhline(row - 0.5, color="0.88", lw=0.5, zorder=0.5)
            ax.set_yticks(range(len(rows)), rows)
            ax.set_ylim(len(rows) - 0.5, -0.5)
    return figure, table.drop(columns="row")


def _by_value(setting: str) -> tuple[str, float, str]:
    """Settings of one name in the order of their values."""
    name, _, value = setting.rpartition(" ")
    try:
        return name, float(value), value
    except ValueError:
        return name, math.inf, value
