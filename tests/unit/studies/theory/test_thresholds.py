"""Lemmas 9 and 10 and the windows of Figure 4."""

import numpy as np
import pytest

from palimpsest.studies.theory.solvers import root
from palimpsest.studies.theory.statements.two_samples import lemmas_6_to_8 as two
from palimpsest.studies.theory.statements.two_samples import lemmas_9_and_10 as thresholds
from palimpsest.studies.theory.statements.two_samples import windows
from palimpsest.studies.theory.statements.two_samples.lemmas_6_to_8 import Correlated, correlated


@pytest.fixture(scope="module")
def problem():
    values = correlated(np.random.default_rng(3), 60)
    values["correlation"] = np.maximum(values["correlation"], 0.1)
    return Correlated(**values)


def nested_lower(problem):
    """The alpha at which D and descent-ascent change order, by solving both at each trial."""

    def gap(log_alpha):
        trial = thresholds.with_alpha(problem, np.exp(log_alpha))
        result = np.full(trial.alpha.shape, 1.0)
        index = np.flatnonzero(two.has_minimum(trial))
        part = trial.at(index)
        result[index] = (two.original(part) - two.descent_ascent(part)).min(axis=1)
        return result

    top = np.log(two.existence_limit(problem)) + 1e-6
    return np.exp(root(gap, np.log(problem.fraction) - 25, top))


def test_exact_lower_threshold_against_nested_bracketing(problem):
    np.testing.assert_allclose(thresholds.exact_lower(problem), nested_lower(problem), rtol=1e-9)


def test_exact_upper_threshold_against_bracketing(problem):
    oracle, closed = two.oracle(problem), thresholds.exact_upper(problem)
    for axis in range(2):

        def gap(log_alpha, axis=axis):
            at = thresholds.with_alpha(problem, np.exp(log_alpha))
            return two.original(at)[:, axis] - oracle[:, axis]

        middle = np.log(closed[:, axis])
        found = root(gap, middle - 1, middle + 1)
        np.testing.assert_allclose(np.exp(found), closed[:, axis], rtol=1e-9)


def test_printed_thresholds_are_where_the_bounds_meet(problem):
    """Lemma 9 equates bounds of Lemmas 7 and 8; Lemma 10 equates Lemma 7 with Lemma 6."""
    upper = thresholds.printed_upper(problem)
    positive = upper[:, 1] > 0
    at_x = thresholds.with_alpha(problem, upper[:, 0])
    np.testing.assert_allclose(two.lemma_7_bounds(at_x)[1][:, 0], two.oracle(at_x)[:, 0])
    at_y = thresholds.with_alpha(problem, np.where(positive, upper[:, 1], 1.0)).at(positive)
    np.testing.assert_allclose(two.lemma_7_bounds(at_y)[1][:, 1], two.oracle(at_y)[:, 1])
    s, f = problem.s, problem.fraction
    for alpha, axis in ((f**2 / (1 + 2 * f) / s, 0), (s * f * (1 + f) / (1 + 2 * f), 1)):
        at = thresholds.with_alpha(problem, alpha)
        defined = (two.lemma_8_arguments(at) > -np.exp(-1)).all(axis=1)
        part = at.at(defined)
        lower = two.lemma_7_bounds(part)[0][:, axis]
        np.testing.assert_allclose(lower, two.lemma_8_bounds(part)[:, axis], atol=1e-9)


@pytest.mark.parametrize(
    ("fraction", "start", "width"),
    [(0.1, 0.154, 0.00796), (0.25, 0.217, 0.0409), (0.5, 0.271, 0.1233), (1.0, 0.320, 0.3302)],
)
def test_guaranteed_windows_of_figure_4(fraction, start, width):
    window = windows.guaranteed_window(fraction, 0.01, points=2000)
    assert window.correlation[window.width > 0][0] == pytest.approx(start, abs=1e-3)
    assert window.width.max() == pytest.approx(width, rel=2e-3)


def test_exact_window_ends_in_the_range_of_lemma_3():
    window = windows.exact_window(0.25, 100.0, points=50)
    assert window.lower[-1] == pytest.approx(0.25**2 / 1.5, rel=1e-9)
    assert window.upper[-1] == pytest.approx(0.25, rel=1e-9)
    assert windows.guaranteed_window(0.25, 100.0).extent == 0


def test_a_range_of_eps_can_be_small():
    """Share of correlations with a window: half or more counts as large."""
    strong, weak = (windows.guaranteed_window(0.5, mu).extent for mu in (1e-3, 1.0))
    assert strong == pytest.approx(0.733, abs=5e-3) and weak == 0
    assert windows.large(np.array([strong, weak]))[0].tolist() == [True, False]
    shares = [windows.guaranteed_window(f, 1e-7).extent for f in (0.05, 0.1, 0.25, 0.5, 1.0)]
    np.testing.assert_allclose(shares, [0.892, 0.855, 0.787, 0.733, 0.682], atol=3e-3)


def test_windows_broaden_with_the_fraction():
    for make in (windows.guaranteed_window, windows.exact_window):
        widths = [make(f, 0.01, points=100).width.max() for f in (0.1, 0.25, 0.5, 1.0)]
        assert (np.diff(widths) > 0.03).all()


def test_bad_grid_is_refused():
    with pytest.raises(ValueError, match="at least two points"):
        windows.guaranteed_window(0.25, 0.01, points=1)
    with pytest.raises(ValueError, match="forget fraction"):
        windows.guaranteed_window(-0.25, 0.01)
