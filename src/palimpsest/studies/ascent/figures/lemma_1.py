"""Lemma 1 of "Ascent Fails to Forget" on real models: accuracy on a random forget set and on test.

The lemma bounds how far the two accuracies of a model lie apart that is independent of the forget
set. The oracles are; the originals were trained on it, so the lemma says nothing of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.data.splits import Split
from palimpsest.hoeffding import lemma_1_bound, two_sample_bound
from palimpsest.plots.style import INK, figure_style, forget_set_name, hollow, start_figure
from palimpsest.population import Kind
from palimpsest.records import load_population

INPUTS = ("splits", "originals", "oracles")
_LABELS = {"oracle": "oracles", "original": "originals"}
_MARKERS = {"oracle": "o", "original": "^"}
_LINES = {"oracle": "-", "original": "--"}


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", forget_sets: list[str]
) -> tuple[Figure, pd.DataFrame]:
    """Above: each model's two accuracies. Below: how often they lie apart by more than epsilon.

    `forget_sets` are random sets; the inputs `splits` stand in their order, and `oracles` are all
    blocks of each set in that order.
    """
    if not forget_sets:
        raise ValueError("Lemma 1 speaks of random forget sets; the run has none")
    blocks = len(inputs["oracles"]) // len(forget_sets)
    models = []
    for number, name in enumerate(forget_sets):
        split = Split.load(inputs["splits"][number])
        own = inputs["oracles"][number * blocks : (number + 1) * blocks]
        kinds: dict[Kind, Sequence[Path]] = {"oracle": own, "original": inputs["originals"]}
        models += [
            accuracies(load_population(paths, split, kind)["correct"], split, name, kind)
            for kind, paths in kinds.items()
        ]
    every = pd.concat(models, ignore_index=True)
    return _draw(every, note), lemma_1_table(every)


def accuracies(correct: np.ndarray, split: Split, name: str, population: str) -> pd.DataFrame:
    """One row per model of a population, from `correct` (models, points of the split)."""
    forget, test = (correct[:, split.columns(part)].mean(1) for part in ("forget", "val"))
    return pd.DataFrame({
        "forget_set": name, "population": population, "forget_points": len(split.forget),
        "test_points": len(split.val), "forget": forget, "test": test, "gap": abs(test - forget),
    })  # fmt: skip


def tolerance(forget_points: int, level: float = 0.05) -> float:
    """The epsilon at which the lemma's bound 2 exp(-2 |F| epsilon^2) equals `level`."""
    return float(np.sqrt(np.log(2 / level) / (2 * forget_points)))


def lemma_1_table(models: pd.DataFrame) -> pd.DataFrame:
    """One row per forget set and population: accuracies, gap, and how many models exceed 5 %'s."""
    keys = ["forget_set", "population", "forget_points", "test_points"]
    epsilon = models["forget_points"].map(tolerance)
    models = models.assign(epsilon=epsilon, beyond=models["gap"] > epsilon)
    table = models.groupby(keys, sort=False, as_index=False).agg(
        n_models=("gap", "size"), forget_accuracy=("forget", "mean"),
        test_accuracy=("test", "mean"), mean_gap=("gap", "mean"), largest_gap=("gap", "max"),
        epsilon=("epsilon", "first"), share_beyond=("beyond", "mean"),
    ).rename(columns={"epsilon": "epsilon_at_bound_0.05"})  # fmt: skip
    table.insert(2, "lemma_applies", table["population"] == "oracle")
    return table


def _draw(models: pd.DataFrame, note: str) -> Figure:
    sets = list(models.groupby("forget_set", sort=False))
    with figure_style():
        colours = dict(zip(_LABELS, sns.color_palette(), strict=False))
        figure, top = start_figure(max(5.2, 3.4 * len(sets)), 6.0, _handles(colours), note)
        axes = top.subplots(2, len(sets), squeeze=False)
        for (above, below), (name, part) in zip(axes.T, sets, strict=True):
            _draw_accuracies(above, part, colours)
            _draw_gaps(below, part, colours)
            size = part["forget_points"].iloc[0]
            above.set_title(f"{forget_set_name(str(name))}: |F| = {size}")
        axes[0, 0].set_ylabel("accuracy on the forget set")
        axes[1, 0].set_ylabel("share of models with\na gap above epsilon")
        top.suptitle("Lemma 1 against real models\n(band: gaps that its bound allows in 95 %)")
    return figure


def _draw_accuracies(ax: Axes, part: pd.DataFrame, colours: Mapping[str, tuple]) -> None:
    """A mark for each pair of accuracies, as large as it is frequent."""
    least, reach = part[["forget", "test"]].min(axis=None), tolerance(part["forget_points"].iloc[0])
    diagonal = np.array([min(least - 0.02, 0.9), 1.01])
    ax.plot(diagonal, diagonal, color=INK, lw=0.8)
    ax.fill_between(diagonal, diagonal - reach, diagonal + reach, color="0.9", zorder=0, lw=0)
    pairs = part.groupby(["population", "test", "forget"]).size().reset_index(name="models")
    most = max(2, pairs["models"].max())
    for population, marker in _MARKERS.items():
        sns.scatterplot(
            pairs[pairs["population"] == population], x="test", y="forget", size="models",
            size_norm=(1, most), sizes=(16, 12 + 4 * most), marker=marker, edgecolor="none",
            color=colours[population], alpha=0.8, legend=False, ax=ax,
        )  # fmt: skip
    hollow(ax, "none")
    ax.set(xlim=diagonal, ylim=diagonal, xlabel="accuracy on the test set", ylabel="")


def _draw_gaps(ax: Axes, part: pd.DataFrame, colours: Mapping[str, tuple]) -> None:
    """The share of models beyond each epsilon, and the bounds on its probability."""
    forget, test = part["forget_points"].to_numpy()[0], part["test_points"].to_numpy()[0]
    for population, line in _LINES.items():
        sns.ecdfplot(part[part["population"] == population], x="gap", complementary=True,
                     color=colours[population], ls=line, lw=1.5, ax=ax)  # fmt: skip
    epsilon = np.linspace(0, max(0.4, 1.2 * tolerance(forget)), 400)
    for bound, line, width in (
        (lemma_1_bound(forget, epsilon), "-", 1.6),
        (two_sample_bound(forget, test, epsilon), ":", 1.2),
    ):
        ax.plot(epsilon, np.minimum(bound, 1), color=INK, ls=line, lw=width)
    ax.set(xlabel="epsilon", ylabel="", ylim=(-0.02, 1.02), xlim=(0, epsilon[-1]))


def _handles(colours: Mapping[str, tuple]) -> list[Line2D]:
    own = [
        Line2D([], [], color=colours[name], marker=_MARKERS[name], ls=_LINES[name], label=label,
               mfc="none" if name == "original" else None)
        for name, label in _LABELS.items()
    ]  # fmt: skip
    return [
        *own,
        Line2D([], [], color=INK, lw=1.6, label="the lemma's bound"),
        Line2D([], [], color=INK, ls=":", label="for a finite test set"),
    ]
