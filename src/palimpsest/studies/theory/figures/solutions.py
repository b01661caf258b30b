"""The three solutions on one coordinate against alpha (Ascent Fails to Forget, Lemmas 2 to 5)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.plots.style import COLOURBLIND, INK, figure_style, start_figure
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate.lemmas_3_to_5 import harmful_range

INPUTS: tuple[str, ...] = ()
RETAIN, RETAIN_J, FORGET, RIDGE = 100.0, 20.0, 80.0, 0.1
LOOKS = {
    "oracle": ("$w^R$", COLOURBLIND[0], "-"),
    "original": ("$w^D$", COLOURBLIND[1], "--"),
    "descent-ascent, minimum": ("$W_0$", COLOURBLIND[2], "-."),
    "descent-ascent, maximum": ("$W_{-1}$", COLOURBLIND[2], ":"),
}


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = ""
) -> tuple[Figure, pd.DataFrame]:  # fmt: skip
    """Oracle, original and both stationary points of descent-ascent, with the range of Lemma 3.

    The table has the weight w_j of each solution at each alpha = |F_j|/|R_j|.
    """

    def problem(alpha: np.ndarray) -> one.Coordinate:
        retain_j, retain, forget, ridge = map(np.array, (RETAIN_J, RETAIN, FORGET, RIDGE))
        return one.Coordinate(retain_j, retain, forget, alpha, ridge)

    low, high = harmful_range(np.array(FORGET / RETAIN))
    end = one.case_3_threshold(problem(np.array(0.1)))[0]
    alpha = np.linspace(0, end, 600)
    kinds = one.case(problem(alpha))
    solved = (
        (one.oracle, alpha), (one.original, alpha), (one.descent_ascent, alpha[kinds != 3]),
        (one.descent_ascent_maximum, alpha[kinds == 2]),
    )  # fmt: skip
    table = pd.concat(
        pd.DataFrame({"solution": name, "alpha": at, "w": solve(problem(at))})
        for name, (solve, at) in zip(LOOKS, solved, strict=True)
    )
    handles = [
        *(Line2D([], [], color=colour, ls=line, label=f"{name} ({symbol})")
          for name, (symbol, colour, line) in LOOKS.items()),
        Patch(color=INK, alpha=0.15, lw=0, label="range of Lemma 3"),
        Line2D([], [], color=INK, ls=":", lw=1, label="no stationary point beyond"),
    ]  # fmt: skip
    with figure_style():
        figure, top = start_figure(7.2, 3.2, handles, note)
        axis = top.subplots()
        axis.axvspan(float(low), float(high), color=INK, alpha=0.15, lw=0)
        axis.axvline(end, color=INK, ls=":", lw=1)
        for name, rows in table.groupby("solution"):
            _, colour, line = LOOKS[str(name)]
            sns.lineplot(rows, x="alpha", y="w", color=colour, ls=line, estimator=None, ax=axis)
        axis.set(xlabel=r"$\alpha = |F_j|/|R_j|$", ylabel="$w_j$", ylim=(-4, 1.2),
                 xlim=(0, end * 1.02))  # fmt: skip
        axis.set_title(f"$|R_j|/|R|$ = {RETAIN_J / RETAIN:g}, $|F|/|R|$ = {FORGET / RETAIN:g}, "
                       f"$\\lambda$ = {RIDGE:g}")  # fmt: skip
    return figure, table
