"""Lemma 1 on real models: the table's numbers, and a figure that is drawn."""

from pathlib import Path

import numpy as np
import pytest

from palimpsest.figures.lemma_1 import Accuracies, draw_lemma_1, lemma_1_table
from palimpsest.plots.style import save_figure


def accuracies() -> Accuracies:
    return Accuracies(
        forget_points=50,
        test_points=200,
        forget={"oracle": np.array([0.9, 0.5]), "original": np.array([1.0, 1.0])},
        test={"oracle": np.array([0.88, 0.9]), "original": np.array([0.9, 0.95])},
    )


def test_table_counts_models_beyond_the_tolerance() -> None:
    table = lemma_1_table({"random_50": accuracies()}).set_index("population")
    epsilon = np.sqrt(np.log(40) / 100)
    assert np.isclose(2 * np.exp(-2 * 50 * epsilon**2), 0.05)
    assert np.allclose(table["epsilon_at_bound_0.05"], epsilon)
    assert table.loc["oracle", "share_beyond"] == 0.5  # gaps 0.02 and 0.4
    assert np.isclose(table.loc["oracle", "largest_gap"], 0.4)
    assert np.isclose(table.loc["original", "mean_gap"], 0.075)
    assert list(table["lemma_applies"]) == [True, False]


def test_figure_is_drawn_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lemma_1.png"
    save_figure(draw_lemma_1({"random_50": accuracies()}, note="N = 2"), [path])
    assert path.stat().st_size > 10_000
    with pytest.raises(ValueError, match="the run has none"):
        draw_lemma_1({})
