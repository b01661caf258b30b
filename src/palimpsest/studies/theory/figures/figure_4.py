"""Figure 4 of Ascent Fails to Forget: for which alpha descent-ascent is harmful."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.plots.style import INK, figure_style, start_figure
from palimpsest.studies.theory.statements.two_samples import windows

INPUTS: tuple[str, ...] = ()
KINDS = {"exact": windows.exact_window, "printed": windows.guaranteed_window}
COLOURS = {"exact": "C0", "printed": "C1"}
FILLS: dict[str, dict[str, Any]] = {
    "exact": {"color": COLOURS["exact"], "alpha": 0.25, "lw": 0},
    "printed": {"facecolor": "none", "edgecolor": COLOURS["printed"], "hatch": "////", "lw": 0},
}
NAMES = {"exact": "exact thresholds", "printed": "printed thresholds (guaranteed)"}
LINES = {"lower": (3, 1.5), "upper": ""}


def draw(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    fractions: Sequence[float] = (0.1, 0.25, 0.5, 1.0),
    strengths: Sequence[float] = (0.01, 1.0),
    points: int = 300,
) -> tuple[Figure, pd.DataFrame]:
    """A column per forget fraction f = |F|/|R|, a row per mu = |R_ij|/(lambda|R|).

    One linear axis of alpha for all, so that windows that broaden with f are seen to. The table
    has the thresholds of alpha at `points` correlations, for each f and mu.
    """
    table = pd.concat(
        pd.DataFrame({"thresholds": kind, "strength": strength, "fraction": fraction,
                      "correlation": window.correlation, "lower": window.lower,
                      "upper": window.upper})
        for kind, make in KINDS.items() for strength in strengths for fraction in fractions
        for window in [make(fraction, strength, points)]
    )  # fmt: skip
    names = [name for name in table if name not in LINES]
    table = table.melt(names, list(LINES), "bound", "alpha")
    handles = [
        Line2D([], [], color=INK, ls="--", label=r"lowest $\alpha$ with D > DA"),
        Line2D([], [], color=INK, label=r"highest $\alpha$ with R > D"),
        *(Patch(label=f"DA is harmful: {NAMES[kind]}", **FILLS[kind]) for kind in KINDS),
    ]  # fmt: skip
    with figure_style():
        figure, top = start_figure(9.6, 2.6 * len(strengths), handles, note)
        axes = top.subplots(len(strengths), len(fractions), sharex=True, sharey=True, squeeze=False)
        for row, strength in zip(axes, strengths, strict=True):
            for axis, fraction in zip(row, fractions, strict=True):
                shown = table[(table.fraction == fraction) & (table.strength == strength)]
                _panel(axis, shown)
                axis.set_title(rf"$f$ = {fraction:g}, $\mu$ = {strength:g}")
        top.suptitle(r"$f = |F|/|R|$, $\mu = |R_{ij}|/(\lambda |R|)$", fontsize=9)
        top.supxlabel(r"correlation $\epsilon$ between the samples", fontsize=9)
        top.supylabel(r"$\alpha = |F_{ij}|/|R_{ij}|$", fontsize=9)
        axes[0, 0].set(xlim=(0, 1), ylim=(0, 1.3 * max(fractions)))
    return figure, table


def _panel(axis: Axes, table: pd.DataFrame) -> None:
    """The window of both kinds of thresholds, with its largest width in alpha and its eps."""
    for place, (kind, rows) in enumerate(table.groupby("thresholds", sort=False)):
        colour = COLOURS[str(kind)]
        ends = rows.pivot(index="correlation", columns="bound", values="alpha")
        width = (ends.upper - ends.lower).clip(lower=0)
        axis.fill_between(
            ends.index, ends.lower, ends.upper, where=(width > 0).tolist(), **FILLS[str(kind)]
        )
        sns.lineplot(
            rows, x="correlation", y="alpha", color=colour, style="bound", dashes=LINES, lw=1,
            estimator=None, legend=False, ax=axis,
        )  # fmt: skip
        open_at = width[width > 0]
        text = f"width {width.max():.2g}, {len(open_at) / len(width):.0%} of $\\epsilon$"
        axis.text(
            0.97, 0.97 - 0.09 * place, text if len(open_at) else "no window", va="top",
            ha="right", color=colour, fontsize=7.5, transform=axis.transAxes,
        )  # fmt: skip
    axis.set(xlabel="", ylabel="")
