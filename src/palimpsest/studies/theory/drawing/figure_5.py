"""Figure 5 of Ascent Fails to Forget: landscapes, minima, flow and decision boundaries."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.studies.theory import toy_landscape as toy
from palimpsest.studies.theory.drawing.style import COLOURS, GREY
from palimpsest.studies.theory.toy_landscape import Reading

TITLES = {"original": "original", "retrain": "retraining", "gda": "descent-ascent"}
LINES = {"original": "-", "retrain": "--", "gda": ":"}
FLOW = COLOURS[3]


def draw(readings: dict[str, Reading] | None = None) -> Figure:
    """One row per reading: three landscapes and the decision boundaries."""
    readings = readings or {
        r"reading that matches: $\sigma = \frac{1}{2}/(1+e^{-(1+z)})$": toy.MATCHING,
        r"literal reading: $\sigma = 1/(1+e^{-(1+z)/2})$": toy.LITERAL,
    }
    figure = Figure(figsize=(12.5, 3.3 * len(readings) + 0.7), layout="constrained")
    heights = [1] * len(readings) + [0.1]
    rows: Any = figure.subfigures(len(readings) + 1, 1, height_ratios=heights)
    for part, (name, reading) in zip(rows, readings.items(), strict=False):
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        axes = part.subplots(1, 4, width_ratios=(1, 1, 1, 1.15))
        for axis, problem in zip(axes, toy.WEIGHTS, strict=False):
            _landscape(axis, reading, problem)
        axes[0].set_ylabel("$b$")
        _boundaries(axes[3], reading)
    rows[-1].legend(handles=_legend(), loc="center", ncols=6, frameon=False)
    return figure


def _landscape(axis: Axes, reading: Reading, problem: str) -> None:
    a, b = np.meshgrid(np.linspace(-0.5, 5, 160), np.linspace(-3.2, 1, 160), indexing="ij")
    height = toy.loss(reading, problem, np.stack([a, b], axis=-1))
    low = float(height.min())
    levels = low + (float(np.percentile(height, 85)) - low) * np.linspace(0, 1, 15) ** 1.6
    axis.contourf(a, b, height, levels=levels, cmap="Greys_r", alpha=0.55, extend="max")
    axis.contour(a, b, height, levels=levels, colors="0.5", linewidths=0.4)
    found = toy.minima(reading, problem)
    words = []
    for index, theta in enumerate(found):
        right, wrong = toy.counts(problem, toy.pattern(reading, theta))
        words.append(f"{'global' if index == 0 else 'local'} {right}/{wrong}")
        axis.plot(*theta, "X" if index == 0 else "o", color=COLOURS[0 if index == 0 else 1],
                  ms=9 if index == 0 else 7, mec="black", mew=0.8, zorder=4)  # fmt: skip
    start = toy.minima(reading, "original")[0]
    if problem != "original":
        path = toy.flow(reading, problem, start, points=200)
        axis.plot(*path.T, color=FLOW, lw=2, zorder=3)
        axis.plot(*start, "s", color=FLOW, ms=5, mec="black", mew=0.6, zorder=3.5)
    if problem == "retrain":
        trapped = toy.flow(reading, "gda", start)[-1]
        end = toy.flow(reading, problem, trapped)[-1]
        axis.plot(*end, "D", mfc="none", mec="black", ms=12, mew=1.1, zorder=5)
    axis.set(xlabel="$a$", title=f"{TITLES[problem]}: {', '.join(words)}")


def _boundaries(axis: Axes, reading: Reading) -> None:
    """Points (x, x^2) with their weights in D, and the boundary of each problem's minimum."""
    grid = np.linspace(-2, 5.2, 50)
    for index, problem in enumerate(toy.WEIGHTS):
        a, b = toy.minima(reading, problem)[0]
        axis.plot(grid, (reading.boundary - a * grid) / b, LINES[problem], color=COLOURS[index],
                  lw=1.8)  # fmt: skip
    for x, label, weight in zip(toy.POINTS, toy.LABELS, toy.WEIGHTS["original"], strict=True):
        forgotten = x == 4
        axis.plot(x, x**2, "o", ms=15, mfc="0.8" if forgotten else "white", mec="black", zorder=4)
        axis.text(x, x**2, "+" if label > 0 else "–", ha="center", va="center", zorder=5)
        text = f"{weight:g}" if not forgotten else f"{weight:g}, 2 to forget"
        offset, side = ((-10, -2.5), "right") if x < 0 else ((0, -16), "center")
        axis.annotate(text, (x, x**2), offset, textcoords="offset points", ha=side,
                      fontsize=8)  # fmt: skip
    axis.set(xlim=(-2, 5.2), ylim=(-4, 20), xlabel="$x$", title="boundary of the global minimum")
    axis.set_ylabel("$x^2$")


def _legend() -> list[Line2D]:
    def mark(marker: str, colour: Any, label: str, **extra: Any) -> Line2D:
        return Line2D([], [], ls="", marker=marker, color=colour, mec="black", label=label, **extra)

    return [
        mark("X", COLOURS[0], "global minimum (right/wrong)"),
        mark("o", COLOURS[1], "local minimum"),
        Line2D([], [], color=FLOW, marker="s", mec="black", label="flow from the original minimum"),
        mark("D", GREY, "GDA, then fine-tuned on R", mfc="none", ms=9),
        *(
            Line2D([], [], color=COLOURS[i], ls=LINES[p], label=f"boundary, {TITLES[p]}")
            for i, p in enumerate(toy.WEIGHTS)
        ),
    ]
