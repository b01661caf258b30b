"""Figures 1a-d and 2a-b of Why Fine-Tuning Struggles, for one setting of the features."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.plots.style import INK, figure_style, start_figure
from palimpsest.studies.theory.statements.linear_models import model as linear
from palimpsest.studies.theory.statements.linear_models.measure import measure
from palimpsest.studies.theory.statements.linear_models.model import Shape

PANELS = {
    "1a: fine-tuning, distinct features": ("distinct", "t"),
    "1b: fine-tuning, overlapping features": ("overlapping", "t"),
    "1c: regularised, distinct features": ("distinct", "a"),
    "1d: regularised, overlapping features": ("overlapping", "a"),
    "2a: overlap kept (option A)": ("overlapping", "a"),
    "2b: overlap dropped (option B)": ("overlapping", "b"),
}
COLOURS = {"UL": "C1", "RL": "C0"}
TUNED: dict[str, dict[str, Any]] = {
    "UL": {"marker": "o", "ms": 5.5, "mfc": "none", "mec": COLOURS["UL"], "zorder": 4},
    "RL": {"marker": "s", "ms": 2.5, "mew": 0, "ls": "--", "zorder": 3},
}
PRINTED = {"UL": "X", "RL": "P"}


def draw_setting(
    distinct: Shape, overlapping: Shape, seed: int, note: str
) -> tuple[Figure, pd.DataFrame]:
    """Six panels: losses against the number of fine-tuning samples, formulas as crosses.

    The table has, for each panel and n_t = 1 to n_r - 1, the mean squared errors UL and RL of
    the golden model, of the fine-tuned one, and by Theorem 4.1 as printed.
    """
    shapes = {"distinct": distinct, "overlapping": overlapping}
    measured = {name: _curves(shape, seed) for name, shape in shapes.items()}
    rows = []
    for panel, (features, key) in PANELS.items():
        curves = {"golden": "g", "fine-tuned": key}
        if features == "overlapping" and key in "ab":
            curves["printed"] = f"{key}_printed"
        for loss in COLOURS:
            for kind, column in curves.items():
                values = measured[features][f"{loss.lower()}_{column}"]
                rows.append(values.rename("value").reset_index().assign(
                    panel=panel, loss=loss, model=kind))  # fmt: skip
    table = pd.concat(rows)[["panel", "loss", "model", "n_t", "value"]]
    handles = [
        *(Line2D([], [], color=c, lw=5, alpha=0.35, label=f"{loss}, golden model")
          for loss, c in COLOURS.items()),
        *(Line2D([], [], color=COLOURS[loss], label=f"{loss}, fine-tuned", **look)
          for loss, look in TUNED.items()),
        *(Line2D([], [], color=INK, marker=mark, ms=5, mew=0, ls="",
                 label=f"{loss}, Theorem 4.1 as printed") for loss, mark in PRINTED.items()),
    ]  # fmt: skip
    with figure_style():
        figure, top = start_figure(9.6, 5.8, handles, note)
        axes = top.subplots(2, 3, sharex=True)
        for axis, (panel, shown) in zip(axes.flat, table.groupby("panel"), strict=True):
            _panel(axis, shown)
            axis.set(title=panel, xlabel="", ylabel="")
        top.supxlabel("fine-tuning samples $n_t$", fontsize=9)
        top.supylabel("mean squared error", fontsize=9)
        top.suptitle(
            f"{distinct.n_r} retained and {distinct.n_f} forgotten samples; features "
            "$d_r, d_{lap}, d_f$ = "
            + " and ".join(f"{s.d_r}, {s.d_lap}, {s.d_f} ({name})" for name, s in shapes.items()),
            fontsize=9,
        )
    return figure, table


def _curves(shape: Shape, seed: int) -> pd.DataFrame:
    """Everything measured for n_t = 1 to n_r - 1 on one data set."""
    model = linear.draw(shape, np.random.default_rng(seed))
    steps = pd.RangeIndex(1, shape.n_r, name="n_t")
    return pd.DataFrame([measure(model, n_t) for n_t in steps], index=steps)


def _panel(axis: Axes, table: pd.DataFrame) -> None:
    def part(model: str) -> pd.DataFrame:
        return table[table.model == model]

    common = {"x": "n_t", "y": "value", "legend": False, "ax": axis}
    sns.lineplot(
        part("golden"), hue="loss", palette=COLOURS, estimator=None, lw=5, alpha=0.35, **common
    )
    for loss, rows in part("fine-tuned").groupby("loss"):
        look = TUNED[str(loss)]
        sns.lineplot(rows, color=COLOURS[str(loss)], estimator=None, lw=1.2, **look, **common)
    printed = part("printed")
    if len(printed):
        sns.scatterplot(
            printed[printed.n_t % 2 == 1], style="loss", markers=PRINTED, color=INK, s=22,
            linewidth=0, zorder=4, **common,
        )  # fmt: skip
    axis.set_ylim(-0.04 * table.value.max(), 1.12 * table.value.max())
