"""Figure 4 of Ascent Fails to Forget: for which alpha descent-ascent is harmful."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.studies.theory import thresholds
from palimpsest.studies.theory.drawing.style import COLOURS, GREY, MARKERS

FRACTIONS = (0.1, 0.25, 0.5, 1.0)
STRENGTHS = (0.01, 1.0)
KINDS = {
    "printed thresholds": thresholds.guaranteed_window,
    "exact thresholds": thresholds.exact_window,
}


def draw(
    fractions: tuple[float, ...] = FRACTIONS,
    strengths: tuple[float, ...] = STRENGTHS,
    points: int = 300,
) -> Figure:
    """Printed thresholds left, exact ones right, one row per mu = |R_ij|/(lambda|R|)."""
    figure = Figure(figsize=(8.4, 3.1 * len(strengths) + 0.6), layout="constrained")
    axes = figure.subplots(len(strengths), 2, sharex=True, sharey=True, squeeze=False)
    for row, strength in zip(axes, strengths, strict=True):
        for axis, (title, make) in zip(row, KINDS.items(), strict=True):
            for index, fraction in enumerate(fractions):
                _curves(axis, make(fraction, strength, points), index, fraction)
            axis.set_title(f"{title}, $\\mu$ = {strength:g}")
        row[0].set_ylabel(r"$\alpha = |F_{ij}|/|R_{ij}|$")
    for axis in axes[-1]:
        axis.set_xlabel(r"correlation $\epsilon$ between the samples")
    axes[0, 0].set(xlim=(0, 1), ylim=(4e-3, 3), yscale="log")
    figure.suptitle(r"$\mu = |R_{ij}|/(\lambda |R|)$, $f = |F|/|R|$", fontsize=9)
    figure.legend(handles=_legend(fractions), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _curves(axis: Axes, window: thresholds.Window, index: int, fraction: float) -> None:
    colour = COLOURS[index]
    every = (8 + 9 * index, len(window.correlation) // 6)
    for values, line in ((window.lower, "--"), (window.upper, "-")):
        shown = np.where(values > 0, values, np.nan)
        axis.plot(
            window.correlation, shown, line, color=colour, lw=1.4, marker=MARKERS[index], ms=3.5,
            markevery=every,
        )  # fmt: skip
    open_window = window.upper > window.lower
    axis.fill_between(
        window.correlation, window.lower, window.upper, where=open_window.tolist(), color=colour,
        alpha=0.28, lw=0,
    )  # fmt: skip
    if not open_window.any():
        axis.text(
            0.985, 0.05 + 0.075 * index, f"$f$ = {fraction:g}: no window", color=colour,
            ha="right", transform=axis.transAxes, fontsize=8,
        )  # fmt: skip


def _legend(fractions: tuple[float, ...]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=COLOURS[i], marker=MARKERS[i], ms=4, label=f"$f$ = {f:g}")
        for i, f in enumerate(fractions)
    ]
    return [
        *handles,
        Line2D([], [], color=GREY, ls="--", label="lowest $\\alpha$ with D > DA"),
        Line2D([], [], color=GREY, ls="-", label="highest $\\alpha$ with R > D"),
        Patch(color=GREY, alpha=0.28, lw=0, label="both: DA harmful"),
    ]
