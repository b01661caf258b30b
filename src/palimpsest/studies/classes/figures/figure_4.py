"""Figure 4: what the weight alpha of the wrong labels does to KL-FT, CE-FT and ICE-FT."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.plots.charts import draw_bars, limits_of, mark_diverged
from palimpsest.plots.style import (
    INK,
    cost_colours,
    figure_style,
    method_name,
    point_handle,
    start_figure,
)
from palimpsest.studies.classes.figures._charts import (
    QUANTITY_MARKERS,
    oracle_means,
    over_classes,
)
from palimpsest.studies.classes.trials import read_trials

INPUTS = ("alpha_accuracy_models", "alpha_mia_models")
METHODS = ("kl_ft", "ce_ft", "ice_ft")
_METHOD_MARKERS = dict(zip(METHODS, ("p", "h", "8"), strict=True))
_DASHED = (0, (4, 2))
_ASIDE = 0.008  # of alpha


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """a: KL-FT; b: CE-FT (dashed, hollow) against ICE-FT; c: RA and TA (dashed) of all three.

    Bars are 95 % intervals over classes, which may leave the panels. Of two classes alone, whose
    interval is wider than any panel, they go from the one to the other; the table has both.
    The quantities stand a little beside each other, so that equal ones are seen.
    """
    trials = read_trials(*(inputs[name][0] for name in INPUTS))
    oracle = oracle_means(trials)
    chosen = trials[trials["method"].isin([*METHODS, "oracle"])]
    table = over_classes(chosen, keys=["alpha"])
    table = table[table["method"] != "oracle"].sort_values(["method", "alpha"], kind="stable")
    lines: list[tuple[str, dict[str, tuple[str, ...]]]] = [
        ("a", {"kl_ft": tuple(QUANTITY_MARKERS)}),
        ("b", {"ce_ft": tuple(QUANTITY_MARKERS), "ice_ft": tuple(QUANTITY_MARKERS)}),
        ("c", dict.fromkeys(METHODS, ("RA", "TA"))),
    ]
    with figure_style():
        colours = dict(zip(QUANTITY_MARKERS, sns.color_palette(), strict=False))
        colours |= dict(zip(METHODS, cost_colours()((0.0, 0.5, 1.0)), strict=True))
        figure, top = start_figure(9.6, 3.1, _handles(colours, table), note)
        for ax, (panel, shown) in zip(top.subplots(1, 3, sharey=True), lines, strict=True):
            for method, quantities in shown.items():
                for quantity in quantities:
                    second = quantity == "TA" if panel == "c" else method == "ce_ft"
                    look = {
                        "color": colours[method if panel == "c" else quantity],
                        "marker": (_METHOD_MARKERS[method] if panel == "c"
                                   else QUANTITY_MARKERS[quantity]),
                    }  # fmt: skip
                    own = table[(table["method"] == method) & (table["quantity"] == quantity)]
                    _draw_line(ax, own, look, second=second)
            there = [method_name(name) for name in shown if name in set(table["method"])]
            ax.set(xlabel="alpha", title=f"{panel}: {', '.join(there) or 'no method'}")
            if panel == "c":
                ax.axhline(oracle["RA"], color=INK, lw=0.9, zorder=1.5)
                ax.axhline(oracle["TA"], color=INK, lw=0.9, ls=_DASHED, zorder=1.5)
            elif panel == "a":
                ax.set_ylabel("UA, MIA-efficacy, RA, TA (%)")
        ax.set_ylim(limits_of([*table["mean"], oracle["RA"], oracle["TA"]]))
        top.suptitle("Understanding Fine-tuning, Figure 4: the weight of the wrong labels")
    return figure, table


def _draw_line(ax: Axes, own: pd.DataFrame, look: dict[str, Any], *, second: bool) -> None:
    """A line over alpha with its bars; a `second` one is dashed, its points hollow."""
    places = list(QUANTITY_MARKERS)
    own = own.assign(
        alpha=own["alpha"] + _ASIDE * (own["quantity"].map(places.index).astype(float) - 1.5)
    )
    bars = own.assign(low=own["least"], high=own["most"]) if _is_pair(own) else own
    draw_bars(ax, own["alpha"], own["mean"], bars, "y", colour=look["color"])
    ax.plot(
        own["alpha"], own["mean"], **look, lw=1.3, ms=5, ls=_DASHED if second else "-",
        mfc="white" if second else look["color"], mec=look["color"] if second else "white",
        mew=1.0 if second else 0.5, zorder=4,
    )  # fmt: skip
    lost = own[own["diverged"] > 0]
    mark_diverged(ax, lost["alpha"], lost["mean"].fillna(own["mean"].min()))


def _is_pair(table: pd.DataFrame) -> bool:
    """Whether there are two classes and no more."""
    return bool(table["classes"].max() == 2)


def _handles(colours: Mapping[str, Any], table: pd.DataFrame) -> list[Line2D]:
    def line(name: str, marker: str, label: str) -> Line2D:
        return Line2D([], [], color=colours[name], marker=marker, ms=5, lw=1.3, mec="white",
                      label=label)  # fmt: skip

    handles = [line(name, marker, f"{name} (a, b)") for name, marker in QUANTITY_MARKERS.items()]
    handles += [
        line(name, _METHOD_MARKERS[name], f"{method_name(name)} (c)")
        for name in METHODS if name in set(table["method"])
    ]  # fmt: skip
    second = Line2D([], [], color="0.45", ls=_DASHED, marker="o", mfc="white", ms=5, lw=1.3)
    second.set_label("CE-FT (b), TA (c)")
    handles += [second, Line2D([], [], color=INK, lw=0.9, label="Retrain (c)")]
    if table["low"].notna().any():
        label = "the two classes" if _is_pair(table) else "95 % interval"
        handles.append(Line2D([], [], color="0.55", lw=0.8, label=label))
    if (table["diverged"] > 0).any():
        handles.append(point_handle("some diverged", "x", edge=INK))
    return handles
