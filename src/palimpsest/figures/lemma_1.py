"""Lemma 1 of "Ascent Fails to Forget" on real models: accuracy on a random forget set and on test.

The lemma bounds how far the two accuracies of a model lie apart that is independent of the forget
set. The oracles are; the originals were trained on it, so the lemma says nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.figures.style import COLOURBLIND, INK, figure_style, forget_set_name
from palimpsest.theory.hoeffding import lemma_1_bound, two_sample_bound

POPULATIONS = {"oracle": ("oracles", "o", "-"), "original": ("originals", "^", "--")}


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
    with figure_style():
        figure = Figure(figsize=(max(4.2, 3.4 * count), 6.4), layout="constrained")
        axes = figure.subplots(2, count, squeeze=False)
        for column, (name, part) in enumerate(accuracies.items()):
            above, below = axes[0, column], axes[1, column]
            every = np.concatenate([*part.forget.values(), *part.test.values()])
            low = min(float(every.min()) - 0.01, 0.95)
            reach = part.tolerance()
            diagonal = np.array([low, 1.005])
            above.plot(diagonal, diagonal, color=INK, linewidth=0.8)
            above.fill_between(
                diagonal, diagonal - reach, diagonal + reach, color="0.9", zorder=0, linewidth=0
            )
            epsilon = np.linspace(0, max(0.4, 1.2 * reach), 400)
            for (population, (label, marker, line)), colour in zip(
                POPULATIONS.items(), COLOURBLIND, strict=False
            ):
                above.scatter(
                    part.test[population],
                    part.forget[population],
                    s=16,
                    marker=marker,
                    facecolors="none" if population == "original" else colour,
                    edgecolors=colour,
                    alpha=0.7,
                    label=label,
                )
                share = (part.gaps(population)[:, None] > epsilon).mean(0)
                below.plot(epsilon, share, color=colour, linestyle=line, label=label)
            forget, test = np.array(part.forget_points), np.array(part.test_points)
            bound = np.minimum(lemma_1_bound(forget, epsilon), 1)
            finite = two_sample_bound(forget, test, epsilon)
            below.plot(epsilon, bound, color=INK, linewidth=1.6)
            below.plot(epsilon, np.minimum(finite, 1), color=INK, linestyle=":", linewidth=1.2)
            above.set(
                xlim=diagonal,
                ylim=(low, 1.005),
                xlabel="accuracy on the test set",
                title=f"{forget_set_name(name)}: |F| = {part.forget_points}",
            )
            below.set(xlabel="epsilon", ylim=(-0.02, 1.02), xlim=(0, epsilon[-1]))
        axes[0, 0].set_ylabel("accuracy on the forget set")
        axes[1, 0].set_ylabel("share of models with a gap above epsilon")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        handles += [
            Line2D([], [], color=INK, linewidth=1.6),
            Line2D([], [], color=INK, linestyle=":", linewidth=1.2),
        ]
        labels += ["Lemma 1's bound (holds for oracles)", "corrected for a finite test set"]
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        figure.suptitle("Lemma 1 against real models (band: gaps the bound allows in 95 %)")
        if note:
            figure.supxlabel(note, fontsize=7, color="0.4")
    return figure
