"""Figure 5 of Ascent Fails to Forget: landscapes, minima, flow and decision boundaries."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.plots.style import figure_style, start_figure
from palimpsest.studies.theory.statements import landscape as toy
from palimpsest.studies.theory.statements.landscape import Reading

INPUTS: tuple[str, ...] = ()
READINGS = {"matching": toy.MATCHING, "literal": toy.LITERAL}
NAMES = {
    "matching": r"reading that matches: $\sigma = \frac{1}{2}/(1+e^{-(1+z)})$",
    "literal": r"literal reading: $\sigma = 1/(1+e^{-(1+z)/2})$",
}
TITLES = {"original": "original", "retrain": "retraining", "gda": "descent-ascent"}
LINES = {"original": "-", "retrain": "--", "gda": ":"}
COLOURS = sns.color_palette("colorblind", 4).as_hex()
FLOW = COLOURS[3]
MARKS: dict[str, dict[str, Any]] = {
    "global minimum": {"marker": "X", "mfc": COLOURS[0], "ms": 9, "zorder": 4},
    "local minimum": {"marker": "o", "mfc": COLOURS[1], "ms": 7, "zorder": 4},
    "GDA, then fine-tuned on R": {"marker": "D", "mfc": "none", "ms": 12, "zorder": 5},
}


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = ""
) -> tuple[Figure, pd.DataFrame]:  # fmt: skip
    """One row per reading: three landscapes and the decision boundaries.

    The table has the parameters (a, b) of every minimum, with the numbers of points that it
    classifies right and wrong, of the flow from the original minimum, and of its end from GDA.
    """
    shown = [
        row | {"reading": name, "problem": problem}
        for name, reading in READINGS.items() for problem in toy.WEIGHTS
        for row in _points(reading, problem)
    ]  # fmt: skip
    table = pd.DataFrame(shown)[["reading", "problem", "what", "a", "b", "right", "wrong"]]
    table = table.astype({"right": "Int64", "wrong": "Int64"})
    with figure_style():
        figure, top = start_figure(12.5, 3.2 * len(READINGS), _handles(), note)
        rows: Any = top.subfigures(len(READINGS), 1, squeeze=False)
        for part, (name, reading) in zip(rows[:, 0], READINGS.items(), strict=True):
            part.suptitle(NAMES[name], fontsize=10, x=0.01, ha="left")
            axes = part.subplots(1, 4, width_ratios=(1, 1, 1, 1.15))
            of_reading = table[table.reading == name]
            for axis, problem in zip(axes, toy.WEIGHTS, strict=False):
                _landscape(axis, reading, problem, of_reading[of_reading.problem == problem])
            axes[0].set_ylabel("$b$")
            _boundaries(axes[3], reading, of_reading)
    return figure, table


def _points(reading: Reading, problem: str) -> list[dict[str, Any]]:
    found = toy.minima(reading, problem)
    start = toy.minima(reading, "original")[0]
    rows: list[dict[str, Any]] = []
    for index, (a, b) in enumerate(found):
        right, wrong = toy.counts(problem, toy.pattern(reading, found[index]))
        what = "global minimum" if index == 0 else "local minimum"
        rows.append({"what": what, "a": a, "b": b, "right": right, "wrong": wrong})
    if problem != "original":
        path = toy.flow(reading, problem, start, points=200)
        rows += [{"what": "flow from the original minimum", "a": a, "b": b} for a, b in path]
    if problem == "retrain":
        trapped = toy.flow(reading, "gda", start)[-1]
        a, b = toy.flow(reading, problem, trapped)[-1]
        rows.append({"what": "GDA, then fine-tuned on R", "a": a, "b": b})
    return rows


def _landscape(axis: Axes, reading: Reading, problem: str, table: pd.DataFrame) -> None:
    a, b = np.meshgrid(np.linspace(-0.5, 5, 160), np.linspace(-3.2, 1, 160), indexing="ij")
    height = toy.loss(reading, problem, np.stack([a, b], axis=-1))
    low = float(height.min())
    levels = low + (float(np.percentile(height, 85)) - low) * np.linspace(0, 1, 15) ** 1.6
    axis.contourf(a, b, height, levels=levels, cmap="Greys_r", alpha=0.55, extend="max")
    axis.contour(a, b, height, levels=levels, colors="0.5", linewidths=0.4)
    path = table[table.what == "flow from the original minimum"]
    axis.plot(path.a, path.b, color=FLOW, lw=2, zorder=3)
    axis.plot(path.a[:1], path.b[:1], "s", color=FLOW, ms=5, mec="black", mew=0.6, zorder=3.5)
    words = []
    for point in table[table.what.isin(MARKS)].itertuples():
        axis.plot(point.a, point.b, ls="", mec="black", mew=0.9, **MARKS[str(point.what)])
        if point.what != "GDA, then fine-tuned on R":
            words.append(f"{str(point.what).split()[0]} {point.right}/{point.wrong}")
    axis.set(xlabel="$a$", title=f"{TITLES[problem]}: {', '.join(words)}")
    axis.grid(visible=False)


def _boundaries(axis: Axes, reading: Reading, table: pd.DataFrame) -> None:
    """Points (x, x^2) with their weights in D, and the boundary of each problem's minimum."""
    grid = np.linspace(-2, 5.2, 50)
    best = table[table.what == "global minimum"].set_index("problem")
    for index, problem in enumerate(toy.WEIGHTS):
        a, b = best.loc[problem, ["a", "b"]]
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


def _handles() -> list[Line2D]:
    counted = {"global minimum": "global minimum (right/wrong)"}
    marks = [
        Line2D([], [], ls="", mec="black", label=counted.get(name, name), **(look | {"ms": 8}))
        for name, look in MARKS.items()
    ]
    flow = Line2D([], [], color=FLOW, marker="s", mec="black",
                  label="flow from the original minimum")  # fmt: skip
    boundaries = (
        Line2D([], [], color=COLOURS[i], ls=LINES[p], label=f"boundary, {TITLES[p]}")
        for i, p in enumerate(toy.WEIGHTS)
    )
    return [*marks, flow, *boundaries]
