"""Lemma 1 of "Ascent Fails to Forget" on real models: accuracy on a random forget set and on test.

The lemma bounds how far the two accuracies of a model lie apart that is independent of the forget
set. The oracles are; the originals were trained on it, so the lemma says nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.hoeffding import lemma_1_bound, two_sample_bound
from palimpsest.plots.style import (
    COLOURBLIND,
    INK,
    figure_style,
    forget_set_name,
    start_figure,
)

POPULATIONS: dict[str, tuple[str, Any, Any]] = {
    "oracle": ("oracles", "o", "-"),
    "original": ("originals", "^", "--"),
}


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of the models of each population on one random forget set and on the test set."""

    forget_points: int
    test_points: int
    forget: Mapping[str, np.ndarray]
    test: Mapping[str, np.ndarray]

    def gaps(self, population: str) -> np.ndarray:
        """|Acc_T - Acc_F| of each model."""
        return np.abs(self.test[population] - self.forget[population])

    def tolerance(self, level: float = 0.05) -> float:
        """The epsilon at which the lemma's bound 2 exp(-2 |F| epsilon^2) equals `level`."""
        return float(np.sqrt(np.log(2 / level) / (2 * self.forget_points)))


def lemma_1_table(accuracies: Mapping[str, Accuracies]) -> pd.DataFrame:
    """One row per forget set and population: accuracies, gap, and how many models exceed 5 %'s."""
    rows = []
    for name, part in accuracies.items():
        for population in part.forget:
            gaps, tolerance = part.gaps(population), part.tolerance()
            rows.append(
                {
                    "forget_set": name,
                    "population": population,
                    "lemma_applies": population == "oracle",
                    "forget_points": part.forget_points,
                    "test_points": part.test_points,
                    "n_models": len(gaps),
                    "forget_accuracy": part.forget[population].mean(),
                    "test_accuracy": part.test[population].mean(),
                    "mean_gap": gaps.mean(),
                    "largest_gap": gaps.max(),
                    "epsilon_at_bound_0.05": tolerance,
                    "share_beyond": float((gaps > tolerance).mean()),
                }
            )
    return pd.DataFrame(rows)


def draw_lemma_1(accuracies: Mapping[str, Accuracies], *, note: str = "") -> Figure:
    """Above: each model's two accuracies. Below: how often they lie apart by more than epsilon."""
    if not accuracies:
        raise ValueError("Lemma 1 speaks of random forget sets; the run has none")
    count = len(accuracies)
    colours = dict(zip(POPULATIONS, COLOURBLIND, strict=False))
    handles = [
        Line2D([], [], color=colours[name], marker=marker, linestyle=line, label=label,
               markerfacecolor="none" if name == "original" else None)
        for name, (label, marker, line) in POPULATIONS.items()
    ]  # fmt: skip
    handles.append(Line2D([], [], color=INK, linewidth=1.6, label="the lemma's bound"))
    handles.append(Line2D([], [], color=INK, linestyle=":", label="for a finite test set"))
    with figure_style():
        figure, top = start_figure(max(5.2, 3.4 * count), 6.0, handles, note)
        axes = top.subplots(2, count, squeeze=False)
        for column, (name, part) in enumerate(accuracies.items()):
            _draw_accuracies(axes[0, column], part, colours)
            _draw_gaps(axes[1, column], part, colours)
            axes[0, column].set_title(f"{forget_set_name(name)}: |F| = {part.forget_points}")
        axes[0, 0].set_ylabel("accuracy on the forget set")
        axes[1, 0].set_ylabel("share of models with\na gap above epsilon")
        top.suptitle("Lemma 1 against real models\n(band: gaps that its bound allows in 95 %)")
    return figure


def _draw_accuracies(axes: Axes, part: Accuracies, colours: Mapping[str, str]) -> None:
    """A mark for each pair of accuracies, as large as it is frequent."""
    every = np.concatenate([*part.forget.values(), *part.test.values()])
    low, reach = min(float(every.min()) - 0.02, 0.9), part.tolerance()
    diagonal = np.array([low, 1.01])
    axes.plot(diagonal, diagonal, color=INK, linewidth=0.8)
    axes.fill_between(
        diagonal, diagonal - reach, diagonal + reach, color="0.9", zorder=0, linewidth=0
    )
    for population, (_, marker, _) in POPULATIONS.items():
        pairs = np.stack([part.test[population], part.forget[population]], axis=1)
        places, counts = np.unique(pairs, axis=0, return_counts=True)
        axes.scatter(
            places[:, 0],
            places[:, 1],
            s=12 + 4 * counts,
            marker=marker,
            facecolors="none" if population == "original" else colours[population],
            edgecolors=colours[population],
            alpha=0.8,
        )
    axes.set(xlim=diagonal, ylim=diagonal, xlabel="accuracy on the test set")


def _draw_gaps(axes: Axes, part: Accuracies, colours: Mapping[str, str]) -> None:
    """The share of models beyond each epsilon, and the bounds on its probability."""
    epsilon = np.linspace(0, max(0.4, 1.2 * part.tolerance()), 400)
    for population, (_, _, line) in POPULATIONS.items():
        share = (part.gaps(population)[:, None] > epsilon).mean(0)
        axes.plot(epsilon, share, color=colours[population], linestyle=line)
    forget, test = np.array(part.forget_points), np.array(part.test_points)
    bounds = [(lemma_1_bound(forget, epsilon), "-", 1.6)]
    bounds.append((two_sample_bound(forget, test, epsilon), ":", 1.2))
    for bound, line, width in bounds:
        axes.plot(epsilon, np.minimum(bound, 1), color=INK, linestyle=line, linewidth=width)
    axes.set(xlabel="epsilon", ylim=(-0.02, 1.02), xlim=(0, epsilon[-1]))
