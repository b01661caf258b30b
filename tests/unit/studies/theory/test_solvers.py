"""Roots of functions on arrays, against bisection to the last bit."""

import numpy as np
import pytest

from palimpsest.studies.theory.solvers import (
    NoSolution,
    Problem,
    require,
    root,
    root_beyond,
    root_near,
)
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate import repeated_steps as steps
from palimpsest.studies.theory.statements.two_samples import lemmas_6_to_8 as two
from palimpsest.studies.theory.statements.two_samples import pair


def bisect(function, low, high):
    """The midpoint of [low, high] once no float64 lies between its ends."""
    at_low, at_high = np.sign(function(low)), np.sign(function(high))
    assert np.all(at_low * at_high <= 0)
    high = np.where(at_low == 0, low, high)
    low = np.where(at_high == 0, high, low)
    for _ in range(2200):  # float64 has fewer than 2**11 exponents times 2**53 fractions
        middle = 0.5 * low + 0.5 * high
        if np.all((middle == low) | (middle == high)):
            break
        same = np.sign(function(middle)) == at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * low + 0.5 * high


def assert_same(found, bisected):
    assert found.size > 50
    assert (np.abs(found - bisected) <= 1e-12 * np.maximum(1, np.abs(bisected))).all()


@pytest.fixture(scope="module")
def correlated():
    return two.Correlated(**two.correlated(np.random.default_rng(21), 400))


@pytest.fixture(scope="module")
def descent_ascent(correlated):
    return two.descent_ascent_pair(correlated.at(two.has_minimum(correlated)))


@pytest.mark.parametrize("which", ["original", "oracle", "descent_ascent"])
def test_minima_on_one_coordinate(which):
    problem = one.Coordinate(**one.coordinate(np.random.default_rng(22), 400))
    problem = problem.at(one.case(problem) != 3)
    low = np.full(problem.alpha.shape, -1.0)  # W0 >= -1, and the gradient rises from there on
    found = bisect(lambda w: one.gradient(problem, which, w), low, 800 + 0 * low)
    assert_same(one.bracketed(problem, which), found)


def test_maxima_on_one_coordinate():
    problem = one.Coordinate(**one.coordinate(np.random.default_rng(22), 400))
    problem = problem.at(one.case(problem) == 2)
    low = np.full(problem.alpha.shape, -700.0)
    found = bisect(lambda w: one.gradient(problem, "descent_ascent", w), low, -1 + 0 * low)
    assert_same(one.bracketed_maximum(problem), found)


def test_minimum_of_the_convex_pair(correlated):
    convex = two.original_pair(correlated)

    def gap(x):
        pull = 2 * convex.correlation * convex.p * np.exp(-x)
        y = pull + two.lambert.principal(convex.a * convex.q * np.exp(-pull))
        push = 2 * convex.correlation * convex.q * np.exp(-y)
        return x - convex.a * convex.p * np.exp(-x) - push

    found = bisect(gap, np.zeros_like(convex.p), np.full_like(convex.p, 1e6))
    assert_same(pair.minimum(convex)[:, 0], found)


def test_minimum_and_saddle_of_the_descent_ascent_pair(descent_ascent):
    def height(x):
        return pair.height(problem, x)

    problem = descent_ascent
    top, end = pair.peak(problem), two.lambert.principal(problem.a * problem.p)
    assert_same(pair.minimum(problem)[:, 0], bisect(height, top, end))
    problem = problem.at(problem.correlation < 1)
    low, high = pair.peak(problem) - 600, pair.peak(problem)
    assert_same(pair.saddle(problem)[:, 0], bisect(height, low, high))


def test_fixed_points_of_repeated_steps():
    p = steps._solvable(np.random.default_rng(23), 400)
    values = (1e-4, p["r"], p["g"], p["ridge"])
    centre = steps.simultaneous_solution(*values[1:])
    for order in steps.ORDERS:
        found = bisect(
            lambda w, order=order: steps.change(w, *values, order),
            centre - 0.01, centre + 0.01,
        )  # fmt: skip
        assert_same(steps.iterated_solution(*values, order), found)


def test_roots_to_rounding():
    target = np.array([2.0, 9.0, 1e-20, 1e20])
    found = root(lambda x: x**2 - target, np.zeros(4), np.full(4, 1e11))
    np.testing.assert_allclose(found, np.sqrt(target), rtol=1e-15)


def test_falling_functions_and_roots_at_an_end():
    value = np.array([1.0, 5.0, 0.0])
    found = root(lambda x: value - x, np.zeros(3), np.full(3, 5.0))
    np.testing.assert_allclose(found, [1, 5, 0], atol=1e-15)


def test_infinite_values_at_an_end():
    found = root(lambda x: np.where(x >= 1, -np.inf, 0.3 - x), np.zeros(1), np.ones(1))
    np.testing.assert_allclose(found, 0.3, rtol=1e-15)


def test_no_change_of_sign():
    with pytest.raises(NoSolution, match="1 intervals"):
        root(lambda x: x**2 - np.array([1.0, -1.0]), np.zeros(2), np.full(2, 2.0))


def test_beyond_in_both_directions():
    assert root_beyond(lambda x: x - 1e6, np.zeros(1), 1.0)[0] == pytest.approx(1e6, rel=1e-15)
    assert root_beyond(lambda x: x + 1e6, np.zeros(1), -1.0)[0] == pytest.approx(-1e6, rel=1e-15)
    assert root_beyond(lambda x: x, np.zeros(1), 1.0)[0] == 0
    with pytest.raises(NoSolution, match="no bracket found for 2 of 2"):
        root_beyond(lambda x: -np.ones_like(x), np.zeros(2), 1.0)


def test_near_widens_and_stops():
    centre = np.zeros(2)
    found = root_near(lambda x: x - np.array([0.001, -0.25]), centre, 0.01, 0.3)
    np.testing.assert_allclose(found, [0.001, -0.25], rtol=1e-14)
    with pytest.raises(NoSolution, match="no bracket"):
        root_near(lambda x: x - np.array([0.001, 0.5]), centre, 0.01, 0.3)


def test_require_names_the_entry():
    with pytest.raises(ValueError, match=r"must be positive \(entry 1, 2 in all\)"):
        require(np.array([True, False, False]), "must be positive")


def test_parameters_are_of_one_shape():
    problem = pair.Pair(0.5, np.array([1.0, 2.0, 3.0]), 0.0)
    assert isinstance(problem, Problem)
    assert problem.correlation.shape == problem.p.shape == problem.q.shape == (3,)
    assert problem.at(np.array([False, True, True])).p.tolist() == [2, 3]
