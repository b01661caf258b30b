"""Whether a datamodel predicts held-out subsets, and what a perfect one would reach."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from palimpsest.datamodels.agreement import Agreement, agreement, single_reliability
from palimpsest.datamodels.estimate import PREDICTS, predicts
from palimpsest.datamodels.material import membership

TARGETS, SOURCES = 12, 30


def planted(
    subsets: int, seeds: int, noise: float, seed: int = 0, targets: int = TARGETS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins linear in membership, and noise of each seed in units of the signal's deviation."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=(targets, SOURCES))
    chosen = membership(range(subsets), SOURCES, 0.5)
    signal = chosen @ weights.T
    signal = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    drawn = random.normal(size=(subsets, seeds, targets))
    return weights, chosen, signal[:, None] + noise * drawn


def mean_spearman(a: np.ndarray, b: np.ndarray) -> float:
    """By SciPy, a column at a time."""
    pairs = zip(a.T, b.T, strict=True)
    return float(np.mean([spearmanr(x, y).statistic for x, y in pairs]))


def test_the_correlation_is_that_of_ranks_with_the_mean_of_the_seeds():
    weights, chosen, margins = planted(subsets=40, seeds=3, noise=1.0)
    found = agreement(weights, chosen, margins)
    assert found.correlation == pytest.approx(
        mean_spearman(chosen @ weights.T, margins.mean(axis=1))
    )


def test_the_single_correlation_is_the_mean_over_seeds():
    weights, chosen, margins = planted(subsets=40, seeds=3, noise=1.0)
    found = agreement(weights, chosen, margins)
    singles = [mean_spearman(chosen @ weights.T, margins[:, seed]) for seed in range(3)]
    assert found.correlation_single == pytest.approx(np.mean(singles))
    assert found.correlation_single < found.correlation


def test_subsets_and_seeds_are_counted():
    found = agreement(*planted(subsets=7, seeds=3, noise=1.0))
    assert (found.subsets, found.seeds) == (7, 3)


def test_the_interval_is_a_jackknife_over_subsets():
    weights, chosen, margins = planted(subsets=15, seeds=2, noise=2.0)
    found = agreement(weights, chosen, margins)
    predicted, means = chosen @ weights.T, margins.mean(axis=1)
    kept = [np.arange(15) != left for left in range(15)]
    parts = np.array([mean_spearman(predicted[keep], means[keep]) for keep in kept])
    error = np.sqrt(14 / 15 * ((parts - parts.mean()) ** 2).sum())
    assert found.ci_high - found.correlation == pytest.approx(t.ppf(0.975, 14) * error)
    assert found.correlation - found.ci_low == pytest.approx(t.ppf(0.975, 14) * error)


def test_the_interval_of_an_unrelated_matrix_covers_0():
    unrelated = np.random.default_rng(9).normal(size=(TARGETS, SOURCES))
    covered = 0
    for seed in range(20):
        _, chosen, margins = planted(subsets=40, seeds=2, noise=1.0, seed=seed)
        shuffled = np.random.default_rng(seed).permutation(margins)
        found = agreement(unrelated, chosen, shuffled)
        covered += found.ci_low <= 0 <= found.ci_high
    assert covered >= 16


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_ceiling_is_what_the_true_signal_reaches(noise):
    weights, chosen, margins = planted(subsets=150, seeds=5, noise=noise, targets=80)
    found = agreement(weights, chosen, margins)
    assert found.ceiling == pytest.approx(found.correlation, abs=0.02)


def test_the_ceiling_has_a_closed_form_for_normal_noise():
    """Seeds as loud as the signal: a fifth of their variance is left in the mean of five."""
    found = agreement(*planted(subsets=150, seeds=5, noise=1.0, targets=80))
    assert found.ceiling == pytest.approx(np.sqrt(5 / 6), abs=0.02)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_single_ceiling_is_what_the_true_signal_reaches_of_single_models(noise):
    weights, chosen, margins = planted(subsets=150, seeds=5, noise=noise, targets=80)
    found = agreement(weights, chosen, margins)
    assert found.ceiling_single == pytest.approx(found.correlation_single, abs=0.03)


def test_seeds_that_agree_in_nothing_have_the_ceiling_0():
    margins = np.stack([np.arange(8.0), np.arange(8.0)[::-1]], axis=1)[:, :, None]
    assert single_reliability(margins) == 0
    chosen = membership(range(8), SOURCES, 0.5)
    assert agreement(np.ones((1, SOURCES)), chosen, margins).ceiling == 0


def test_one_seed_says_nothing_of_the_ceiling():
    found = agreement(*planted(subsets=10, seeds=1, noise=0.1))
    assert np.isnan(found.ceiling)
    assert not predicts(asdict(found))


def test_the_true_matrix_predicts():
    assert predicts(asdict(agreement(*planted(subsets=20, seeds=5, noise=1.0))))


def test_a_matrix_of_noise_does_not_predict():
    _, chosen, margins = planted(subsets=20, seeds=5, noise=1.0)
    noise = np.random.default_rng(3).normal(size=(TARGETS, SOURCES))
    assert not predicts(asdict(agreement(noise, chosen, margins)))


def of(correlation: float, ci_low: float) -> Agreement:
    """An agreement under the ceiling 0.8."""
    return Agreement(correlation, ci_low, 1.0, 0.8, correlation, 0.8, 10, 5)


def test_to_predict_takes_a_part_of_the_ceiling():
    assert predicts(asdict(of(0.8 * PREDICTS + 0.01, ci_low=0.1)))
    assert not predicts(asdict(of(0.8 * PREDICTS - 0.01, ci_low=0.1)))


def test_to_predict_takes_an_interval_above_0():
    assert not predicts(asdict(of(0.7, ci_low=-0.01)))


def test_a_matrix_of_zeros_correlates_with_nothing():
    _, chosen, margins = planted(subsets=10, seeds=2, noise=1.0)
    assert agreement(np.zeros((TARGETS, SOURCES)), chosen, margins).correlation == 0


def test_four_subsets_are_too_few():
    with pytest.raises(ValueError, match="4 held-out subsets; needed: at least 5"):
        agreement(*planted(subsets=4, seeds=2, noise=1.0))
