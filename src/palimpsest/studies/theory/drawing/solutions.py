"""The three solutions on one coordinate against alpha (Ascent Fails to Forget, Lemmas 2 to 5)."""

import numpy as np
from matplotlib.figure import Figure

from palimpsest.studies.theory import logistic_1d as one
from palimpsest.studies.theory.drawing.style import COLOURS, GREY

RETAIN, RETAIN_J, FORGET, RIDGE = 100.0, 20.0, 80.0, 0.1


def _problem(alpha: np.ndarray) -> one.Coordinate:
    retain_j, retain, forget, ridge = (
        np.full_like(alpha, value) for value in (RETAIN_J, RETAIN, FORGET, RIDGE)
    )
    return one.Coordinate(retain_j, retain, forget, alpha, ridge)


def draw() -> Figure:
    """Oracle, original and both stationary points of descent-ascent, with the range of Lemma 3."""
    low, high = one.harmful_range(np.array(FORGET / RETAIN))
    end = one.case_3_threshold(_problem(np.array([0.1])))[0]
    alpha = np.linspace(0, end, 600)
    problem = _problem(alpha)
    upper = np.flatnonzero(one.case(problem) == 2)
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    axis = figure.subplots()
    axis.axvspan(float(low), float(high), color=GREY, alpha=0.15, lw=0, label="range of Lemma 3")
    axis.axvline(end, color=GREY, ls=":", lw=1, label="no stationary point beyond")
    axis.plot(alpha, one.oracle(problem), "-", color=COLOURS[0], label="oracle $w^R$")
    axis.plot(alpha, one.original(problem), "--", color=COLOURS[1], label="original $w^D$")
    solvable = np.flatnonzero(one.case(problem) != 3)
    axis.plot(alpha[solvable], one.descent_ascent(problem.at(solvable)), "-.", color=COLOURS[2],
              lw=2, label="descent-ascent, minimum ($W_0$)")  # fmt: skip
    axis.plot(alpha[upper], one.descent_ascent_maximum(problem.at(upper)), ":", color=COLOURS[3],
              lw=2, label="descent-ascent, maximum ($W_{-1}$)")  # fmt: skip
    axis.set(xlabel=r"$\alpha = |F_j|/|R_j|$", ylabel="$w_j$", ylim=(-4, 1.2), xlim=(0, end * 1.02))
    axis.set_title(f"$|R_j|/|R|$ = {RETAIN_J / RETAIN:g}, $|F|/|R|$ = {FORGET / RETAIN:g}, "
                   f"$\\lambda$ = {RIDGE:g}")  # fmt: skip
    figure.legend(loc="outside right center", frameon=False)
    return figure
