"""Section 5.2: the loss, its minima and what becomes of the claims."""

import numpy as np
import pytest

from palimpsest.studies.theory.statements import landscape as toy


@pytest.mark.parametrize("reading", [*toy.readings()[::5], toy.LITERAL, toy.MATCHING])
@pytest.mark.parametrize("problem", list(toy.WEIGHTS))
def test_gradient_against_differences(reading, problem):
    theta, step = np.array([0.8, -0.5]), 1e-6
    slopes = [
        (toy.loss(reading, problem, theta + d) - toy.loss(reading, problem, theta - d)) / (2 * step)
        for d in step * np.eye(2)
    ]
    np.testing.assert_allclose(toy.gradient(reading, problem, theta), slopes, atol=1e-8)


def test_loss_as_printed():
    """The literal reading written out point by point."""
    a, b = 0.7, -0.3
    total = 0.0
    for x, y, weight in zip((-1, 1, 3, 4), (-1, 1, -1, 1), (5, 4, 1, 4), strict=True):
        total += weight * (1 / (1 + np.exp(-(1 + a * x + b * x**2) / 2)) - y) ** 2
    expected = total / 4 + 0.1 / 2 * (a**2 + b**2)
    assert toy.loss(toy.LITERAL, "original", np.array([a, b])) == pytest.approx(expected)


@pytest.mark.parametrize("problem", list(toy.WEIGHTS))
def test_minima_against_flows_from_random_starts(problem):
    found = toy.minima(toy.MATCHING, problem)
    starts = np.random.default_rng(0).uniform(-6, 6, (25, 2))
    ends = [toy.flow(toy.MATCHING, problem, start)[-1] for start in starts]
    nearest = [min(range(len(found)), key=lambda i: np.abs(found[i] - e).max()) for e in ends]
    for index, end in zip(nearest, ends, strict=True):
        np.testing.assert_allclose(found[index], end, atol=1e-5)
    assert set(nearest) == set(range(len(found)))
    for theta in found:
        assert np.abs(toy.gradient(toy.MATCHING, problem, theta)).max() < 1e-8


def test_claims_under_two_readings():
    assert all(toy.claims(toy.MATCHING).values())
    failed = [claim for claim, holds in toy.claims(toy.LITERAL).items() if not holds]
    assert failed == ["the global minimum of retraining errs on x3 alone"]


def test_counts_of_points():
    assert toy.counts("original", "1101") == (13, 1)
    assert toy.counts("retrain", "1101") == (11, 1)
    assert toy.counts("gda", "1110") == (10, 0)
    assert toy.counts("retrain", "1110") == (10, 2)


def test_boundary_is_the_middle_of_the_range():
    for reading in toy.readings():
        scale, top, factor = toy.SIGMOIDS[reading.sigmoid]
        value = top / (1 + factor * np.exp(-scale * (1 + reading.boundary)))
        assert value == pytest.approx(top / 2)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="is no reading"):
        toy.Reading(sigmoid="tanh")
    with pytest.raises(ValueError, match="ridge must be positive"):
        toy.Reading(ridge=-0.1)
    with pytest.raises(ValueError, match="allowed: original, retrain, gda"):
        toy.loss(toy.MATCHING, "oracle", np.zeros(2))
    with pytest.raises(ValueError, match="three points"):
        toy.flow(toy.MATCHING, "gda", np.zeros(2), points=2)
