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
    ("value", "error", "above", "below", "alike"),
    [
        (3.0, 0.3, True, False, False),  # surely above
        (-3.0, 0.3, False, True, False),
        (0.0, 0.1, False, False, True),  # surely within the margin
        (0.3, 0.05, False, False, True),  # surely above 0, and surely negligible
        (0.8, 0.3, None, False, None),  # surely above 0, perhaps by less than the margin
        (0.45, 0.05, None, False, None),
        (0.3, 0.6, None, None, None),  # nothing is sure
        (0.0, 5.0, None, None, None),
        (-0.2, 0.2, False, None, None),  # if above 0, then by less than the margin
    ],
)
def test_a_difference_alone(value, error, above, below, alike):
    found = contrasts([value], [error])
    answers = [found.above()[0], found.below()[0], found.alike()[0]]
    assert answers == [above, below, alike]


def test_chance_does_not_turn_a_yes_into_a_no():
    """Whatever the true difference, two repetitions hardly ever give opposite answers."""
    generator, flips = np.random.default_rng(4), 0
    for truth in np.linspace(-1, 2, 60):
        for _ in range(20):
            first, second = (
                contrasts([generator.normal(truth, 0.15)], [0.15], generator.integers(10**6))
                for _ in range(2)
            )
            for ask in (Contrasts.above, Contrasts.below, Contrasts.alike):
                flips += {True, False} == {ask(first)[0], ask(second)[0]}
    assert flips <= 18  # of 3,600


def test_equal_scores_are_surely_alike_and_nan_decides_nothing():
    found = Contrasts.of(Scores(np.array([0.0, np.nan]), np.zeros((2, REPEATS))), MARGIN)
    assert found.alike() == [True, None]
    assert found.above() == [False, None]


def test_the_interval_is_that_of_student():
    found = contrasts([1.0], [0.5])
    assert found.low[0] == pytest.approx(1 - 2.0227 * 0.5, abs=1e-3)
    assert found.high[0] == pytest.approx(1 + 2.0227 * 0.5, abs=1e-3)


def test_of_many_differences_that_are_none_hardly_any_is_called_one():
    """At the margin itself a test of each alone would call 25 of 500 a difference."""
    generator = np.random.default_rng(1)
    worlds = 0
    for seed in range(20):
        values = generator.normal(MARGIN, 0.6, 500)
        found = contrasts(values, np.full(500, 0.6), seed)
        worlds += any(found.above())
    assert worlds <= 4  # Benjamini-Hochberg: in one world of twenty


def test_of_the_differences_found_few_are_false_and_most_true_ones_are_found():
    generator = np.random.default_rng(2)
    truth = np.r_[np.full(300, MARGIN), np.full(200, 3.0)]
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
