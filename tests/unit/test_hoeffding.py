"""Lemma 1 and Lemma 11: exact probabilities against enumeration, and the bounds."""

import itertools
import math

import numpy as np
import pytest

from palimpsest import hoeffding


def test_population_tail_by_enumeration():
    n, p, epsilon = 9, 0.3, 0.25
    total = sum(
        math.prod(p if bit else 1 - p for bit in bits)
        for bits in itertools.product((0, 1), repeat=n)
        if abs(sum(bits) / n - p) > epsilon
    )
    assert hoeffding.population_tail(n, p, epsilon) == pytest.approx(total, rel=1e-12)


def test_pretrained_tail_by_enumeration():
    train, correct, n, accuracy, epsilon = 8, 6, 3, 0.5, 0.2
    right = [1] * correct + [0] * (train - correct)
    subsets = list(itertools.combinations(right, n))
    far = sum(abs(sum(subset) / n - accuracy) > epsilon for subset in subsets)
    found = hoeffding.pretrained_tail(n, train, correct, accuracy, epsilon)
    assert found == pytest.approx(far / len(subsets), rel=1e-12)


def test_two_sample_tail_by_enumeration():
    n, m, p, epsilon = 4, 3, 0.6, 0.4
    total = 0.0
    for bits in itertools.product((0, 1), repeat=n + m):
        if abs(sum(bits[:n]) / n - sum(bits[n:]) / m) > epsilon:
            total += math.prod(p if bit else 1 - p for bit in bits)
    assert hoeffding.two_sample_tail(n, m, p, epsilon) == pytest.approx(total, rel=1e-12)


def test_bound_of_lemma_1_is_that_of_lemma_11():
    assert hoeffding.lemma_1_bound(100, 0.1) == pytest.approx(
        hoeffding.lemma_11_bound(np.ones(100), 0.1)
    )
    assert hoeffding.metric_bound(100, 0.3, 3.0) == pytest.approx(hoeffding.lemma_1_bound(100, 0.1))
    assert hoeffding.two_sample_bound(100, 10**12, 0.1) == pytest.approx(
        hoeffding.lemma_1_bound(100, 0.1)
    )


def test_memorising_model_breaks_lemma_1():
    """A model right on all of D, on labels that are coin flips: |Acc_T - Acc_F| is 1/2."""
    tail = hoeffding.pretrained_tail(100, 1000, 1000, 0.5, 0.4)
    assert tail == pytest.approx(1.0) and hoeffding.lemma_1_bound(100, 0.4) < 1e-13


def test_two_point_tail_matches_the_binomial():
    low, high = np.zeros(10), np.ones(10)
    found = hoeffding.two_point_tail(low, high, np.full(10, 0.35), 0.2 - 1e-9)
    assert found == pytest.approx(hoeffding.population_tail(10, 0.35, 0.2 - 1e-9), rel=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least one point"):
        hoeffding.lemma_1_bound(0, 0.1)
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        hoeffding.lemma_1_bound(10, -0.1)
    with pytest.raises(ValueError, match="width of a metric"):
        hoeffding.metric_bound(10, 0.1, 0.0)
    with pytest.raises(ValueError, match="negative length"):
        hoeffding.lemma_11_bound(np.array([1.0, -1.0]), 0.1)
    with pytest.raises(ValueError, match="at most 16"):
        hoeffding.two_point_tail(np.zeros(17), np.ones(17), np.full(17, 0.5), 0.1)
