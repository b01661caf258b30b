"""Lemma 1 on real models: the table's numbers, and a figure that is drawn."""

from pathlib import Path

import numpy as np
import pytest

from palimpsest.data.splits import Split
from palimpsest.plots.style import save_figure
from palimpsest.population import Kind, Population
from palimpsest.records import Record
from palimpsest.studies.ascent.figures import lemma_1

SPLIT = Split(np.arange(100), np.arange(100, 300), np.arange(50))


def population(
    path: Path, forget: list[float], test: list[float], seed: int = 0, kind: Kind = "oracle"
) -> Path:
    """A record of two models with these accuracies on the forget set and on the test set."""
    correct = np.zeros((2, 300), dtype=bool)
    for model in range(2):
        correct[model, : round(50 * forget[model])] = True
        correct[model, 100 : 100 + round(200 * test[model])] = True
    statistics = {"margin": np.where(correct, 1.0, -1.0), "correct": correct}
    labels = np.zeros(len(SPLIT.points), int)
    of = Population.of(kind, SPLIT)
    Record(statistics, SPLIT.points, seed + np.arange(2), labels, of).save(path)
    return path


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    SPLIT.save(tmp_path / "split.json")
    return {
        "splits": [tmp_path / "split.json"],
        "originals": [
            population(tmp_path / "original.npz", [1.0, 1.0], [0.9, 0.95], kind="original")
        ],
        "oracles": [population(tmp_path / "oracle.npz", [0.9, 0.5], [0.88, 0.9])],
    }


def test_table_counts_models_beyond_the_tolerance(inputs: dict[str, list[Path]]) -> None:
    table = lemma_1.draw(inputs, forget_sets=["random_50"])[1].set_index("population")
    epsilon = np.sqrt(np.log(40) / 100)
    assert np.isclose(2 * np.exp(-2 * 50 * epsilon**2), 0.05)
    assert np.allclose(table["epsilon_at_bound_0.05"], epsilon)
    assert table.loc["oracle", "share_beyond"] == 0.5  # gaps 0.02 and 0.4
    assert np.isclose(table.loc["oracle", "largest_gap"], 0.4)
    assert np.isclose(table.loc["original", "mean_gap"], 0.075)
    assert list(table["lemma_applies"]) == [True, False]
    assert list(table["forget_points"]) == [50, 50]
    assert list(table["test_points"]) == [200, 200]
    assert list(table["n_models"]) == [2, 2]


def test_the_blocks_of_each_set_stand_in_the_order_of_the_sets(
    inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    more = population(tmp_path / "1.npz", [0.9, 0.9], [0.9, 0.9], seed=2)
    both = {**inputs, "splits": inputs["splits"] * 2, "oracles": [*inputs["oracles"], more] * 2}
    table = lemma_1.draw(both, forget_sets=["random_a", "random_b"])[1]
    assert list(table["forget_set"]) == ["random_a"] * 2 + ["random_b"] * 2
    assert list(table["n_models"]) == [4, 2, 4, 2]


def test_figure_is_drawn_and_an_empty_one_is_refused(
    inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    path = tmp_path / "lemma_1.png"
    save_figure(lemma_1.draw(inputs, note="N = 2", forget_sets=["random_50"])[0], [path])
    assert path.stat().st_size > 10_000
    with pytest.raises(ValueError, match="the run has none"):
        lemma_1.draw(inputs, forget_sets=[])
