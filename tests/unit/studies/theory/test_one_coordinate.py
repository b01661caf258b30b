"""Lemmas 2 to 5: closed forms against bracketing and against a full data set."""

import numpy as np
import pytest
from scipy.optimize import minimize

from palimpsest.studies.theory.solvers import NoSolution
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate.lemma_2 import Coordinate, coordinate
from palimpsest.studies.theory.statements.one_coordinate.lemmas_3_to_5 import harmful_range


@pytest.fixture(scope="module")
def problem():
    return Coordinate(**coordinate(np.random.default_rng(5), 500))


def test_closed_forms_agree_with_bracketing(problem):
    solvable, two = one.case(problem) != 3, one.case(problem) == 2
    assert solvable.sum() > 100 and two.sum() > 20
    part, pair = problem.at(solvable), problem.at(two)
    for closed, other in (
        (one.original(problem), one.bracketed(problem, "original")),
        (one.oracle(problem), one.bracketed(problem, "oracle")),
        (one.descent_ascent(part), one.bracketed(part, "descent_ascent")),
        (one.descent_ascent_maximum(pair), one.bracketed_maximum(pair)),
    ):
        np.testing.assert_allclose(closed, other, rtol=1e-9, atol=1e-9)


def test_closed_forms_are_the_minimum_over_explicit_samples():
    """Every sample written out: three coordinates, orthogonal sets, Eq. (1) minimised."""
    retain, forget, ridge = np.array([6, 3, 5]), np.array([1, 2, 0]), 0.05
    axes = np.eye(3)
    x_r, x_f = np.repeat(axes, retain, axis=0), np.repeat(axes, forget, axis=0)

    def mean(w, x):
        return np.exp(-x @ w).mean()

    def ridge_term(w):
        return ridge / 2 * w @ w

    losses = {
        "original": lambda w: mean(w, np.concatenate([x_r, x_f])) + ridge_term(w),
        "oracle": lambda w: mean(w, x_r) + ridge_term(w),
        "descent_ascent": lambda w: mean(w, x_r) - mean(w, x_f) + ridge_term(w),
    }
    problem = one.Coordinate(retain, retain.sum(), forget.sum(), forget / retain, ridge)
    closed = {"original": one.original(problem), "oracle": one.oracle(problem)}
    for name, value in closed.items():
        found = minimize(losses[name], np.zeros(3), options={"gtol": 1e-12}).x
        np.testing.assert_allclose(found, value, atol=1e-6)
    # the second coordinate of descent-ascent falls without end: its pull outweighs the ridge
    with pytest.raises(NoSolution):
        one.descent_ascent(problem)
    index = np.array([0, 2])
    part = minimize(
        lambda v: losses["descent_ascent"](np.array([v[0], 0.0, v[1]])),
        np.zeros(2), options={"gtol": 1e-12},
    ).x  # fmt: skip
    np.testing.assert_allclose(part, one.descent_ascent(problem.at(index)), atol=1e-6)


def test_a_vanishing_ridge_does_not_overflow():
    problem = one.Coordinate([20], [100], [30], [0.2], [1e-300])
    w = one.original(problem)[0]
    assert np.isfinite(w) and 680 < w < 690
    assert one.case(one.Coordinate([20], [100], [30], [0.3], [1e-300]))[0] == 1
    assert one.descent_ascent(one.Coordinate([20], [100], [30], [0.3], [1e-300]))[0] == 0


def test_case_3_is_told_explicitly():
    problem = one.Coordinate([20, 20], [100, 100], [30, 30], [0.2, 1.4], [0.001, 0.001])
    assert one.case(problem).tolist() == [1, 3]
    with pytest.raises(NoSolution, match="no stationary point for 1 of 2"):
        one.descent_ascent(problem)
    with pytest.raises(NoSolution, match="no stationary point"):
        one.bracketed(problem, "descent_ascent")
    with pytest.raises(NoSolution, match="case 2"):
        one.descent_ascent_maximum(problem)


def test_gradient_is_the_derivative_of_the_loss(problem):
    part = problem.at(problem.ridge > 1e-6)
    w = np.linspace(-1, 2, part.ridge.size)
    for which in ("original", "oracle", "descent_ascent"):
        step = 1e-5
        slope = (one.loss(part, which, w + step) - one.loss(part, which, w - step)) / (2 * step)
        np.testing.assert_allclose(one.gradient(part, which, w), slope, rtol=1e-5, atol=1e-5)


def test_range_of_lemma_3_is_where_the_product_is_positive():
    low, high = harmful_range(np.array(0.3))
    assert low == pytest.approx(30 * 30 / (100 * (30 + 130)))
    alpha = np.array([low * 0.99, low * 1.01, high * 0.99])
    problem = one.Coordinate(20, 100, 30, alpha, 0.01)
    w_d, w_r, w_da = one.original(problem), one.oracle(problem), one.descent_ascent(problem)
    assert ((w_da - w_d) * (w_d - w_r) > 0).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="must be positive"):
        harmful_range(np.array(-0.1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ridge": -0.1}, "ridge must be positive"),
        ({"ridge": 0.0}, "ridge must be positive"),
        ({"alpha": -0.2}, "alpha must not be negative"),
        ({"alpha": 2.0}, "alpha is out of range"),
        ({"forget": 0}, "forget set must not be empty"),
        ({"retain_j": 101}, "retain_j must lie"),
        ({"alpha": float("nan")}, "alpha must be a finite number"),
    ],
)
def test_bad_input_is_refused(change, message):
    values = {"retain_j": 20, "retain": 100, "forget": 30, "alpha": 0.2, "ridge": 0.1} | change
    with pytest.raises(ValueError, match=message):
        one.Coordinate(**values)


def test_unknown_problem_is_refused():
    with pytest.raises(ValueError, match="allowed: original, oracle, descent_ascent"):
        one.gradient(one.Coordinate(20, 100, 30, 0.2, 0.1), "forget", np.zeros(1))
