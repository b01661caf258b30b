"""Does a datamodel matrix predict? Rank correlation on subsets that it was not estimated from.

The linear datamodelling score of Park et al. 2023 (TRAK): for each target, Spearman's correlation
over held-out subsets between the sum of the weights of the subset's points and the margin that a
model trained on the subset really has; then the mean over targets.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, t


@dataclass(frozen=True)
class Agreement:
    """Mean rank correlation, its 95 % interval, and the number of held-out subsets behind it."""

    correlation: float
    ci_low: float
    ci_high: float
    subsets: int


def agreement(weights: np.ndarray, chosen: np.ndarray, margins: np.ndarray) -> Agreement:
    """Compare predicted with measured margins on held-out subsets.

    Args:
        weights: (targets, sources).
        chosen: bool (subsets, sources).
        margins: (subsets, targets), measured.

    The interval is a delete-one jackknife over subsets (Student's t), since models, not points,
    are the independent units.
    """
    subsets = len(chosen)
    if subsets < 5:
        raise ValueError(f"{subsets} held-out subsets; needed: at least 5")
    predicted = chosen.astype(weights.dtype) @ weights.T
    whole = _mean_spearman(predicted, margins)
    parts = np.array(
        [
            _mean_spearman(np.delete(predicted, s, axis=0), np.delete(margins, s, axis=0))
            for s in range(subsets)
        ]
    )
    error = np.sqrt((subsets - 1) / subsets * ((parts - parts.mean()) ** 2).sum())
    reach = float(t.ppf(0.975, subsets - 1) * error)
    return Agreement(whole, whole - reach, whole + reach, subsets)


def _mean_spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over columns of the rank correlation over rows; a constant column counts as 0."""
    ranks = [rankdata(values, axis=0) for values in (a, b)]
    centred = [rank - rank.mean(axis=0) for rank in ranks]
    norms = [np.sqrt((values**2).sum(axis=0)) for values in centred]
    product = (centred[0] * centred[1]).sum(axis=0)
    scale = norms[0] * norms[1]
    return float(np.mean(np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)))
