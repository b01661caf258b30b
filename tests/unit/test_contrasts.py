"""Differences of scores: their signs, the equivalence margin, and false discoveries."""

import numpy as np
import pytest

from palimpsest.contrasts import ALPHA, Contrasts, Scores, mean_of

REPEATS = 40
MARGIN = 0.5


def contrasts(values, errors, seed=0):
    """Differences whose redrawn values have these standard deviations."""
    redrawn = np.random.default_rng(seed).normal(size=(len(values), REPEATS))
    redrawn -= redrawn.mean(axis=1, keepdims=True)
    redrawn *= (np.asarray(errors) / redrawn.std(axis=1, ddof=1))[:, None]
    return Contrasts.of(Scores(np.asarray(values, float), redrawn), MARGIN)


@pytest.mark.parametrize(
    ("value", "error", "above", "below", "alike", "beyond"),
    [
        (3.0, 0.3, True, False, False, True),  # surely above
        (-3.0, 0.3, False, True, False, False),
        (0.0, 0.1, False, False, True, False),  # surely within the margin
        (0.3, 0.05, False, False, True, False),  # surely above 0, and surely negligible
        (0.8, 0.3, True, False, False, None),  # surely above 0, perhaps by less than the margin
        (0.3, 0.6, None, None, None, None),  # nothing is sure
        (0.0, 5.0, None, None, None, None),
        (-0.2, 0.2, False, None, None, False),  # if above, then by less than the margin
    ],
)
def test_a_difference_alone(value, error, above, below, alike, beyond):
    found = contrasts([value], [error])
    answers = [found.above()[0], found.below()[0], found.alike()[0], found.beyond()[0]]
    assert answers == [above, below, alike, beyond]


def test_equal_scores_are_surely_alike_and_nan_decides_nothing():
    found = Contrasts.of(Scores(np.array([0.0, np.nan]), np.zeros((2, REPEATS))), MARGIN)
    assert found.alike() == [True, None]
    assert found.above() == [False, None]


def test_the_interval_is_that_of_student():
    found = contrasts([1.0], [0.5])
    assert found.low[0] == pytest.approx(1 - 2.0227 * 0.5, abs=1e-3)
    assert found.high[0] == pytest.approx(1 + 2.0227 * 0.5, abs=1e-3)


def test_of_many_differences_that_are_none_hardly_any_is_called_one():
    """With 500 true nulls a test of each alone would call 25 of them a difference."""
    generator = np.random.default_rng(1)
    worlds = 0
    for seed in range(20):
        values = generator.normal(0, 0.6, 500)
        found = contrasts(values, np.full(500, 0.6), seed)
        worlds += any(found.above()) or any(found.below())
    assert worlds <= 5  # Benjamini-Hochberg: in one world of ten, at the two sides


def test_of_the_differences_found_few_are_false_and_most_true_ones_are_found():
    generator = np.random.default_rng(2)
    truth = np.r_[np.zeros(300), np.full(200, 2.5)]
    found = contrasts(truth + generator.normal(0, 0.6, 500), np.full(500, 0.6), 3).above()
    called = np.array([answer is True for answer in found])
    assert called[300:].mean() > 0.9
    assert called[:300].sum() / called.sum() < 2 * ALPHA


def test_scores_are_taken_apart_row_by_row_and_repeat_by_repeat():
    first = Scores(np.array([3.0, 5.0]), np.array([[3.0, 4.0], [5.0, 7.0]]))
    difference = first.minus(first.at([0]))
    assert difference.value.tolist() == [0, 2]
    assert difference.redrawn.tolist() == [[0, 0], [2, 3]]
    assert first.less(np.array([1.0, 2.0])).redrawn.tolist() == [[2, 3], [3, 5]]
    assert mean_of([first, first.less(np.array([2.0, 2.0]))]).value.tolist() == [2, 4]
