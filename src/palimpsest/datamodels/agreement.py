"""Does a datamodel matrix predict? Rank correlation on subsets that it was not estimated from.

The linear datamodelling score of Park et al. 2023 (TRAK): for each target, Spearman's correlation
over held-out subsets between the sum of the weights of the subset's points and the margin that
models trained on the subset really have; then the mean over targets. Models of one subset differ by
their seeds alone, and no estimate can predict that part: so several are trained on each subset, the
estimate is compared with their mean, and the score has a ceiling.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata, t

FEWEST_SUBSETS = 5


@dataclass(frozen=True)
class Agreement:
    """What a matrix predicts of held-out subsets.

    Args:
        correlation: mean rank correlation with the mean margin of a subset's models.
        ci_low, ci_high: its 95 % interval.
        ceiling: what a perfect estimate would reach, because of the seeds; NaN with one seed.
        correlation_single, ceiling_single: the same against single models.
        subsets, seeds: subsets, and models of each.
    """

    correlation: float
    ci_low: float
    ci_high: float
    ceiling: float
    correlation_single: float
    ceiling_single: float
    subsets: int
    seeds: int


def agreement(weights: np.ndarray, chosen: np.ndarray, margins: np.ndarray) -> Agreement:
    """Compare predicted with measured margins on held-out subsets.

    Args:
        weights: (targets, sources).
        chosen: bool (subsets, sources).
        margins: (subsets, seeds, targets), measured.

    The interval is a delete-one jackknife over subsets (Student's t), since subsets, not points,
    are the independent units. The ceiling is the square root of the reliability of a subset's mean,
    which Spearman and Brown's formula gives from the mean rank correlation of two single models of
    the same subsets.
    """
    subsets, seeds, _ = margins.shape
    if subsets < FEWEST_SUBSETS:
        raise ValueError(f"{subsets} held-out subsets; needed: at least {FEWEST_SUBSETS}")
    predicted = chosen.astype(weights.dtype) @ weights.T
    means = margins.mean(axis=1)
    whole = _mean_spearman(predicted, means)
    parts = np.array(
        [
            _mean_spearman(np.delete(predicted, s, axis=0), np.delete(means, s, axis=0))
            for s in range(subsets)
        ]
    )
    error = np.sqrt((subsets - 1) / subsets * ((parts - parts.mean()) ** 2).sum())
    reach = float(t.ppf(0.975, subsets - 1) * error)
    single = np.mean([_mean_spearman(predicted, margins[:, s]) for s in range(seeds)])
    reliability = single_reliability(margins)
    of_mean = seeds * reliability / (1 + (seeds - 1) * reliability)
    return Agreement(
        correlation=whole,
        ci_low=whole - reach,
        ci_high=whole + reach,
        ceiling=float(np.sqrt(of_mean)),
        correlation_single=float(single),
        ceiling_single=float(np.sqrt(reliability)),
        subsets=subsets,
        seeds=seeds,
    )


def single_reliability(margins: np.ndarray) -> float:
    """Mean over pairs of seeds and targets of the rank correlation over subsets, at least 0.

    `margins` (subsets, seeds, targets); NaN with one seed, which says nothing of the others.
    """
    pairs = list(combinations(range(margins.shape[1]), 2))
    if not pairs:
        return float("nan")
    found = np.mean([_mean_spearman(margins[:, a], margins[:, b]) for a, b in pairs])
    return max(float(found), 0.0)


def _mean_spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over columns of the rank correlation over rows; a constant column counts as 0."""
    ranks = [rankdata(values, axis=0) for values in (a, b)]
    centred = [rank - rank.mean(axis=0) for rank in ranks]
    norms = [np.sqrt((values**2).sum(axis=0)) for values in centred]
    product = (centred[0] * centred[1]).sum(axis=0)
    scale = norms[0] * norms[1]
    return float(np.mean(np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)))
