"""Section 5.1.2: stationary points by bracketing, Newton, flow and arbitrary precision."""

import mpmath
import numpy as np
import pytest

from palimpsest.studies.theory.solvers import NoSolution
from palimpsest.studies.theory.statements.two_samples import lemmas_6_to_8 as two
from palimpsest.studies.theory.statements.two_samples import newton, pair
from palimpsest.studies.theory.statements.two_samples.lemmas_6_to_8 import Correlated, correlated


@pytest.fixture(scope="module")
def problem():
    return Correlated(**correlated(np.random.default_rng(11), 300))


def precise(problem, margins, index):
    """The stationary point of p e^-x + q e^-y + |w|^2/2 in 30 digits, from `margins`."""
    e, p, q = (mpmath.mpf(float(v[index])) for v in (problem.correlation, problem.p, problem.q))
    a = 1 + e**2
    with mpmath.workdps(30):
        root = mpmath.findroot(
            lambda x, y: [
                x - a * p * mpmath.exp(-x) - 2 * e * q * mpmath.exp(-y),
                y - 2 * e * p * mpmath.exp(-x) - a * q * mpmath.exp(-y),
            ],
            tuple(margins[index]),
        )
    return np.array([float(root[0]), float(root[1])])


def test_original_and_oracle_against_newton(problem):
    for make, solve in ((two.original_pair, two.original), (two.oracle_pair, two.oracle)):
        loss = make(problem)
        w = newton.newton(loss, np.zeros((loss.p.size, 2)))
        found = pair.to_margins(problem.correlation, w)
        np.testing.assert_allclose(solve(problem), found, rtol=1e-9, atol=1e-9)


def test_lemma_12_iteration_reaches_the_original_solution(problem):
    np.testing.assert_allclose(two.gauss_seidel(problem)[1], two.original(problem), atol=1e-9)


def test_descent_ascent_against_thirty_digits(problem):
    part = problem.at(np.flatnonzero(two.has_minimum(problem))[:25])
    loss, found = two.descent_ascent_pair(part), two.descent_ascent(part)
    for index in range(found.shape[0]):
        np.testing.assert_allclose(found[index], precise(loss, found, index), atol=1e-9)


def test_flow_ends_at_the_minimum_or_falls(problem):
    index = np.arange(12)
    part = problem.at(index)
    start = pair.weights(two.original_pair(part), two.original(part))
    exists = two.has_minimum(part)
    assert exists.any() and not exists.all()
    for i in index:
        one = part.at(np.array([i]))
        end = newton.flow(two.descent_ascent_pair(one), start[i])
        assert (end is None) == (not exists[i])
        if end is not None:
            margins = pair.to_margins(one.correlation, end[None])
            np.testing.assert_allclose(margins, two.descent_ascent(one), atol=1e-8)


def test_minimum_and_saddle_are_stationary_of_the_right_kind(problem):
    index = two.has_minimum(problem) & (problem.correlation < 1)
    loss = two.descent_ascent_pair(problem.at(index))
    w = pair.weights(loss, pair.minimum(loss))
    assert np.abs(pair.gradient(loss, w)).max() < 1e-9
    assert (np.linalg.eigvalsh(pair.hessian(loss, w)) > 0).all()
    v = pair.weights(loss, pair.saddle(loss))
    values = np.linalg.eigvalsh(pair.hessian(loss, v))
    assert (values[:, 0] < 0).all() and (values[:, 1] > 0).all()


def test_existence_turns_at_a_tangent():
    """Just below the largest alpha the minimum and the saddle meet; just above there is none."""
    eps, f, mu = 0.6, 0.3, 2.0
    low, high = 0.01, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        exists = two.has_minimum(two.Correlated(eps, middle, f, mu))[0]
        low, high = (middle, high) if exists else (low, middle)
    loss = two.descent_ascent_pair(two.Correlated(eps, low * (1 - 1e-9), f, mu))
    assert np.abs(pair.minimum(loss) - pair.saddle(loss)).max() < 1e-3
    beyond = two.Correlated(eps, high * (1 + 1e-9), f, mu)
    assert high <= two.existence_limit(beyond)[0]
    with pytest.raises(NoSolution, match="no stationary point for 1 of 1"):
        two.descent_ascent(beyond)


def test_gradient_is_that_of_equation_1_over_explicit_samples():
    e, ridge, retain, forget, r_ij, f_ij = 0.7, 0.2, 10, 5, 4, 3
    problem = two.Correlated.from_counts(e, r_ij, retain, forget, f_ij, ridge)
    w = np.array([0.3, -0.4])
    first, second = np.array([1, e]), np.array([e, 1])
    pull = r_ij / retain * np.exp(-first @ w) * first
    push = f_ij / forget * np.exp(-second @ w) * second
    expected = (ridge * w - pull + push) / ridge
    loss = two.descent_ascent_pair(problem)
    np.testing.assert_allclose(pair.gradient(loss, w[None])[0], expected, rtol=1e-12)
    whole = r_ij * np.exp(-first @ w) * first + f_ij * np.exp(-second @ w) * second
    expected = w - whole / (ridge * (retain + forget))
    loss = two.original_pair(problem)
    np.testing.assert_allclose(pair.gradient(loss, w[None])[0], expected, rtol=1e-12)


def test_lemma_7_fails_above_alpha_1():
    good, bad = (two.Correlated(0.4, alpha, 0.5, 5.0) for alpha in (0.8, 3.0))
    for problem, expected in ((good, True), (bad, False)):
        lower, upper = two.lemma_7_bounds(problem)
        found = two.original(problem)
        assert bool(((lower <= found) & (found <= upper)).all()) is expected


def test_lemma_8_bounds_and_their_end():
    problem = two.Correlated(0.5, 0.1, 0.5, 1.0)
    assert (two.descent_ascent(problem) <= two.lemma_8_bounds(problem)).all()
    with pytest.raises(NoSolution):
        two.lemma_8_bounds(two.Correlated(0.5, 3.0, 0.5, 1.0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.0, 0.5, 0.5, 1.0), "correlation must lie"),
        ((1.2, 0.5, 0.5, 1.0), "correlation must lie"),
        ((0.5, 0.0, 0.5, 1.0), "alpha must be positive"),
        ((0.5, 0.5, -0.5, 1.0), "forget fraction must be positive"),
        ((0.5, 0.5, 0.5, 0.0), "strength"),
        ((0.5, 0.5, 0.5, np.inf), "finite"),
    ],
)
def test_bad_input_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        two.Correlated(*values)


def test_bad_counts_are_refused():
    with pytest.raises(ValueError, match="ridge must be positive"):
        two.Correlated.from_counts(0.5, 4, 10, 5, 3, -0.1)
    with pytest.raises(ValueError, match="forget_ij"):
        two.Correlated.from_counts(0.5, 4, 10, 5, 6, 0.1)
    with pytest.raises(NoSolution, match="saddle"):
        pair.saddle(pair.Pair(0.5, 1.0, 0.5))
