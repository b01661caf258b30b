"""Random forget sets (Ascent Fails to Forget, Lemma 1 and Lemma 11), with exact probabilities."""

import itertools

import numpy as np
from scipy.stats import binom, hypergeom

from palimpsest.arrays import require

Array = np.ndarray
SLACK = 1e-12  # differences of accuracies this near the threshold count as equal to it


def lemma_1_bound(forget: Array, epsilon: Array) -> Array:
    """Lemma 1: P(|Acc_T - Acc_F| > epsilon) <= 2 exp(-2 |F| epsilon^2)."""
    forget, epsilon = _sizes(forget, epsilon)
    return 2 * np.exp(-2 * forget * epsilon**2)


def metric_bound(forget: Array, epsilon: Array, width: Array) -> Array:
    """Corrected Lemma 1 for a metric with values in an interval of length `width`."""
    forget, epsilon = _sizes(forget, epsilon)
    width = np.asarray(width, dtype=float)
    require(width > 0, "the width of a metric must be positive")
    return 2 * np.exp(-2 * forget * (epsilon / width) ** 2)


def two_sample_bound(forget: Array, test: Array, epsilon: Array) -> Array:
    """Corrected Lemma 1 for a test set of `test` points: 2 exp(-2 e^2 nm/(n+m))."""
    forget, epsilon = _sizes(forget, epsilon)
    test, _ = _sizes(test, epsilon)
    return 2 * np.exp(-2 * epsilon**2 * forget * test / (forget + test))


def lemma_11_bound(widths: Array, t: float) -> float:
    """Lemma 11 (Hoeffding): P(|S_n - E S_n| >= nt) <= 2 exp(-2 n^2 t^2 / sum (b_i - a_i)^2)."""
    widths = np.asarray(widths, dtype=float)
    require(widths >= 0, "an interval cannot have negative length")
    return float(2 * np.exp(-2 * (widths.size * t) ** 2 / np.sum(widths**2)))


def population_tail(forget: int, accuracy: float, epsilon: float) -> float:
    """Exact P(|Acc_F - accuracy| > epsilon), F of independent points, model independent of F."""
    hits = np.arange(forget + 1)
    far = np.abs(hits / forget - accuracy) > epsilon + SLACK
    return float(binom.pmf(hits, forget, accuracy)[far].sum())


def pretrained_tail(
    forget: int, train: int, correct: int, accuracy: float, epsilon: float
) -> float:
    """Exact tail for a model fixed on all of D: F is drawn from D without replacement.

    `correct` of the `train` points are right; `accuracy` is the accuracy on the population.
    """
    hits = np.arange(forget + 1)
    far = np.abs(hits / forget - accuracy) > epsilon + SLACK
    return float(hypergeom.pmf(hits, train, correct, forget)[far].sum())


def two_sample_tail(forget: int, test: int, accuracy: float, epsilon: float) -> float:
    """Exact P(|Acc_T - Acc_F| > epsilon) when Acc_T is measured on `test` independent points."""
    n, m = np.arange(forget + 1), np.arange(test + 1)
    far = np.abs(n[:, None] / forget - m[None, :] / test) > epsilon + SLACK
    joint = np.outer(binom.pmf(n, forget, accuracy), binom.pmf(m, test, accuracy))
    return float(joint[far].sum())


def two_point_tail(low: Array, high: Array, probability: Array, t: float) -> float:
    """Exact P(|S_n - E S_n| >= nt) for n <= 16 independent variables with two values each."""
    low, high, probability = (np.asarray(v, dtype=float) for v in (low, high, probability))
    require(np.array(low.size <= 16), "the enumeration is for at most 16 variables")
    choice = np.array(list(itertools.product((0, 1), repeat=low.size)), dtype=float)
    sums = low.sum() + choice @ (high - low)
    weight = np.prod(np.where(choice == 1, probability, 1 - probability), axis=1)
    mean = low.sum() + np.sum((high - low) * probability)
    return float(weight[np.abs(sums - mean) >= low.size * t - SLACK].sum())


def _sizes(points: Array, epsilon: Array) -> tuple[Array, Array]:
    points, epsilon = np.asarray(points, dtype=float), np.asarray(epsilon, dtype=float)
    require(points >= 1, "a set must hold at least one point")
    require(epsilon >= 0, "the tolerance epsilon must not be negative")
    return points, epsilon
