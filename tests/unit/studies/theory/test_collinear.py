"""App. I against Newton's method on the weights."""

import numpy as np
import pytest

from palimpsest.studies.theory.solvers import NoSolution
from palimpsest.studies.theory.statements import collinear as app
from palimpsest.studies.theory.statements.two_samples import newton, pair

EPS, STRENGTH = np.array([0.05, 0.4, 0.9, 1.0]), np.array([0.01, 1.0, 30.0, 1e4])


def test_exact_form_of_equation_9():
    problem = pair.Pair(EPS, STRENGTH, STRENGTH)
    w = newton.newton(problem, np.zeros((4, 2)))
    exact = app.original_exact(EPS, STRENGTH)
    np.testing.assert_allclose(w, np.stack([exact, exact], axis=1), rtol=1e-9)
    printed = app.original_printed(EPS, STRENGTH)
    assert printed[-1] == pytest.approx(exact[-1], rel=1e-12)
    assert (np.abs(printed / exact - 1)[:3] > 1e-4).all()


@pytest.mark.parametrize("place", [(2, 0), (3, 2)])
def test_the_weights_decouple_only_if_the_other_samples_are_orthogonal(place):
    w, x = np.array([0.3, -0.2, 1.0, 0.5]), app.samples(0.7, 4)
    assert app.decouples(x, w, 0.7, 2.0)[0]
    x[place] = 0.1  # a third sample shares a coordinate with another
    assert not app.decouples(x, w, 0.7, 2.0)[0]
    assert not app.decouples(app.samples(0.7, 4), w, 0.6, 2.0)[0]


def test_the_limit_of_equation_9_could_fail(monkeypatch):
    p = app._any(np.random.default_rng(0), 50)
    assert app._nine_limit(p)[0].all()
    monkeypatch.setattr(app, "original_printed", lambda eps, k: app.original_exact(0.9 * eps, k))
    assert not app._nine_limit(p)[0].any()


def test_equation_12():
    w = newton.newton(pair.Pair(EPS, STRENGTH, 0.0), np.zeros((4, 2)))
    np.testing.assert_allclose(app.retrained(EPS, STRENGTH), w, rtol=1e-9)


def test_equation_11_against_a_numerical_gradient():
    w = np.array([[0.3, -0.2]])
    eps, k = np.array([0.7]), np.array([2.0])

    def loss(w1, w2):
        return k[0] * (np.exp(-(w1 + 0.7 * w2)) - np.exp(-(0.7 * w1 + w2)))

    h = 1e-6
    slopes = [
        -(loss(0.3 + h, -0.2) - loss(0.3 - h, -0.2)) / (2 * h),
        -(loss(0.3, -0.2 + h) - loss(0.3, -0.2 - h)) / (2 * h),
    ]
    np.testing.assert_allclose(app.right_side_11(w, eps, k)[0], slopes, rtol=1e-7)


def test_equation_14_converges_to_the_exact_minimum():
    strength = np.array([0.5, 1.0, 5.0])
    errors = []
    for distance in (1e-2, 5e-3):
        eps = 1 - distance / np.maximum(strength, 1)
        gap = app.descent_ascent(eps, strength) - app.descent_ascent_14(eps, strength)
        errors.append((np.abs(gap.sum(axis=1)), np.abs(gap[:, 0] - gap[:, 1])))
    for whole, half in zip(*errors, strict=True):
        assert (whole / half > 3.5).all()


def test_equation_14_tells_when_it_is_not_real():
    with pytest.raises(NoSolution, match="real only if"):
        app.descent_ascent_14(np.array([0.5]), np.array([1.0]))


def test_equation_15_and_its_limit():
    eps, strength = np.full(3, 1 - 1e-7), np.array([0.1, 1.0, 3.0])
    np.testing.assert_allclose(app.difference_15(eps, strength), app.limit_15(strength), rtol=1e-5)


def test_equation_13_is_the_first_order_of_equation_11():
    w, eps = np.array([[0.4, 1.1]]), np.array([1 - 1e-4])
    one, other = app.right_side_11(w, eps, 1.0), app.right_side_13(w, eps, 1.0)
    assert 0 < np.abs(one - other).max() < 1e-7
    np.testing.assert_allclose(one, other, rtol=1e-3)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="correlation must lie"):
        app.retrained(1.5, 1.0)
    with pytest.raises(ValueError, match="must be positive"):
        app.original_exact(0.5, -1.0)
