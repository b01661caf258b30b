"""Figure 4 of Ascent Fails to Forget: for which alpha descent-ascent is harmful."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.plots.style import INK, figure_style, start_figure
from palimpsest.studies.theory.statements.two_samples import windows

INPUTS: tuple[str, ...] = ()
KINDS = {"printed": windows.guaranteed_window, "exact": windows.exact_window}
LINES = {"lower": (3, 1.5), "upper": ""}


def draw(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    fractions: Sequence[float] = (0.1, 0.25, 0.5, 1.0),
    strengths: Sequence[float] = (0.01, 1.0),
    points: int = 300,
) -> tuple[Figure, pd.DataFrame]:
    """Printed thresholds left, exact ones right, one row per mu = |R_ij|/(lambda|R|).

    The table has the thresholds of alpha at `points` correlations, for each f = |F|/|R|.
    """
    table = pd.concat(
        pd.DataFrame({"thresholds": kind, "strength": strength, "fraction": fraction,
                      "correlation": window.correlation, "lower": window.lower,
                      "upper": window.upper})
        for kind, make in KINDS.items() for strength in strengths for fraction in fractions
        for window in [make(fraction, strength, points)]
    )  # fmt: skip
    shades = sns.color_palette("viridis", len(fractions) + 1)[: len(fractions)]
    colours = dict(zip(fractions, shades, strict=True))
    names = [name for name in table if name not in LINES]
    table = table.melt(names, list(LINES), "bound", "alpha")
    handles = [
        *(Line2D([], [], color=colours[f], label=f"$f$ = {f:g}") for f in fractions),
        Line2D([], [], color=INK, ls="--", label=r"lowest $\alpha$ with D > DA"),
        Line2D([], [], color=INK, label=r"highest $\alpha$ with R > D"),
        Patch(color=INK, alpha=0.2, lw=0, label="between: DA is harmful"),
    ]
    with figure_style():
        figure, top = start_figure(8.4, 2.9 * len(strengths), handles, note)
        axes = top.subplots(len(strengths), 2, sharex=True, sharey=True, squeeze=False)
        for row, strength in zip(axes, strengths, strict=True):
            for axis, kind in zip(row, KINDS, strict=True):
                shown = table[(table.thresholds == kind) & (table.strength == strength)]
                _panel(axis, shown, colours)
                axis.set_title(rf"{kind} thresholds, $\mu$ = {strength:g}")
        top.suptitle(r"$\mu = |R_{ij}|/(\lambda |R|)$, $f = |F|/|R|$", fontsize=9)
        axes[0, 0].set(xlim=(0, 1), ylim=(4e-3, 3), yscale="log")
    return figure, table


def _panel(axis: Axes, table: pd.DataFrame, colours: dict[float, tuple[float, ...]]) -> None:
    sns.lineplot(
        table[table.alpha > 0], x="correlation", y="alpha", hue="fraction", palette=colours,
        style="bound", dashes=LINES, estimator=None, legend=False, ax=axis,
    )  # fmt: skip
    closed = []
    for fraction, rows in table.groupby("fraction"):
        ends = rows.pivot(index="correlation", columns="bound", values="alpha")
        is_open = (ends.upper > ends.lower).tolist()
        axis.fill_between(
            ends.index, ends.lower, ends.upper, where=is_open, color=colours[fraction], alpha=0.2,
            lw=0,
        )  # fmt: skip
        if not any(is_open):
            closed.append(f"{fraction:g}")
    if closed:
        axis.text(
            0.985, 0.96, f"no window for $f$ = {', '.join(closed)}", ha="right", va="top",
            fontsize=8, transform=axis.transAxes,
        )  # fmt: skip
    axis.set(
        xlabel=r"correlation $\epsilon$ between the samples", ylabel=r"$\alpha = |F_{ij}|/|R_{ij}|$"
    )
