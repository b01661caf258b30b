"""App. C.3: the iteration against the simultaneous problem."""

import numpy as np
import pytest

from palimpsest.studies.theory.solvers import NoSolution
from palimpsest.studies.theory.statements.one_coordinate import repeated_steps as it

R, G, RIDGE = np.array([0.3, 0.8]), np.array([0.1, 0.85]), np.array([0.05, 0.2])


@pytest.mark.parametrize("order", ["descent first", "ascent first"])
def test_fixed_point_approaches_the_simultaneous_one_linearly(order):
    exact = it.simultaneous_solution(R, G, RIDGE)
    gaps = [np.abs(it.iterated_solution(rate, R, G, RIDGE, order) - exact) for rate in (2e-4, 1e-4)]
    np.testing.assert_allclose(gaps[0] / gaps[1], 2.0, rtol=5e-3)


@pytest.mark.parametrize("order", ["descent first", "ascent first"])
def test_the_fixed_point_is_where_iteration_ends(order):
    w = np.array([1.0, 0.5])
    for _ in range(4000):
        w = it.pair_of_steps(w, 0.02, R, G, RIDGE, order)
    np.testing.assert_allclose(w, it.iterated_solution(0.02, R, G, RIDGE, order), atol=1e-9)


@pytest.mark.parametrize("order", ["descent first", "ascent first"])
def test_second_order_term(order):
    w, rate = np.array([-0.5, 1.0]), 1e-4
    exact = it.pair_of_steps(w, rate, R, G, RIDGE, order)
    series = w + rate * it.update_rule(w, R, G, RIDGE)
    series = series + rate**2 * it.second_order_term(w, R, G, RIDGE, order)
    np.testing.assert_allclose(exact, series, atol=20 * rate**3)


def test_spurious_fixed_point_and_its_slope():
    rate, r, g = np.array([0.1, 0.5]), np.array([0.4, 0.2]), np.array([0.6, 1.2])
    point = it.spurious_fixed_point(rate, r, g)
    np.testing.assert_allclose(it.pair_of_steps(point, rate, r, g, 0.0), point, atol=1e-12)
    step = 1e-6
    slope = (
        it.pair_of_steps(point + step, rate, r, g, 0.0)
        - it.pair_of_steps(point - step, rate, r, g, 0.0)
    ) / (2 * step)
    np.testing.assert_allclose(slope, it.spurious_slope(r, g), atol=1e-6)
    assert (np.abs(slope) < 1).tolist() == (g / r < np.exp(np.sqrt(2))).tolist() == [True, False]


def diverging(ratio, ridge=0.0):
    """One case without a simultaneous solution, g/r = ratio."""
    values = {"r": 0.5, "g": 0.5 * ratio, "rate": 0.1, "start": 1.0, "ridge": ridge}
    return {name: np.array([value]) for name, value in values.items()}


@pytest.mark.parametrize(("ratio", "ends"), [(1.5, True), (3.9, True), (4.3, False), (50, False)])
def test_it_settles_below_e_to_the_root_of_2_only(ratio, ends):
    assert it.settles(diverging(ratio))[0][0] == ends
    assert it.never_falls(diverging(ratio))[0][0]


def test_how_far_it_swings():
    """At g/r = 200 it visits weights as large as the bound, exp(g/(e r) - 1), allows."""
    p = diverging(200.0)
    highest, w = 0.0, p["start"] + np.log(p["rate"] * p["r"])
    for _ in range(4000):
        w = it.exact_step(p, w)
        highest = max(highest, float(w[0]))
    assert 1e6 < highest < np.exp(200 / np.e - 1)


def test_without_the_correction_it_falls_without_end():
    """The check can fail: the update to first order falls past every bound."""
    for ratio in (1.5, 20.0):
        assert not it.never_falls(diverging(ratio), it.first_order_step)[0][0]
        assert not it.settles(diverging(ratio), it.first_order_step)[0][0]


def test_no_solution_and_bad_input():
    with pytest.raises(NoSolution):
        it.simultaneous_solution(np.array([0.1]), np.array([0.9]), np.array([0.01]))
    with pytest.raises(ValueError, match="ridge must be positive"):
        it.simultaneous_solution(R, G, -RIDGE)
    with pytest.raises(ValueError, match="allowed: descent first, ascent first"):
        it.pair_of_steps(R, 0.1, R, G, RIDGE, "both")
    with pytest.raises(ValueError, match="g > r only"):
        it.spurious_fixed_point(0.1, np.array([0.5]), np.array([0.4]))
