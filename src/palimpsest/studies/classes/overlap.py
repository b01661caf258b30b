"""From theory to network: how much a class shares with the others, in the originals' features.

In the theory of "Understanding Fine-tuning in Approximate Unlearning" fine-tuning forgets nothing,
whether features overlap or not (Theorems 3.2 and 3.4); networks forget some classes, and others
not. Here the overlap is measured before anything is forgotten, so it may say which.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import bootstrap, rankdata

from palimpsest.records import Record

FEWEST = 4
"""classes from which an interval can be drawn again"""


def overlaps(originals: Record, columns: np.ndarray) -> pd.DataFrame:
    """A row for each class, from the points of the record in `columns` (the training points).

    Columns: class; `overlap`, the largest cosine between the mean of the class's features and that
    of any other class, mean over the models, and `overlap_sd` over them; `nearest`, the class that
    is that other one most often; `margin`, the mean margin of its points, and `margin_sd` of the
    models' means.
    """
    features = originals["features"][:, columns].astype(np.float64)
    margins = originals["margin"][:, columns].astype(np.float64)
    labels = originals.labels[columns]
    names = np.unique(labels)
    means = np.stack([features[:, labels == name].mean(axis=1) for name in names], axis=1)
    length = np.linalg.norm(means, axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        units = means / length  # a class without any feature has no direction: NaN
    cosines = units @ units.transpose(0, 2, 1)
    cosines[:, np.arange(len(names)), np.arange(len(names))] = -np.inf
    largest, nearest = cosines.max(axis=2), cosines.argmax(axis=2)
    own = np.stack([margins[:, labels == name].mean(axis=1) for name in names], axis=1)
    several = len(originals.seeds) > 1
    missing = np.full(len(names), np.nan)
    return pd.DataFrame({
        "class": names,
        "overlap": largest.mean(axis=0),
        "overlap_sd": largest.std(axis=0, ddof=1) if several else missing,
        "nearest": [names[np.bincount(column).argmax()] for column in nearest.T],
        "margin": own.mean(axis=0),
        "margin_sd": own.std(axis=0, ddof=1) if several else missing,
    })  # fmt: skip


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Spearman's rho of two quantities of the classes, and the ends of its 95 % interval.

    The interval is a percentile bootstrap over the classes, in pairs, with a fixed seed. Redrawn
    classes of one value alone show no order, so they count as 0. NaN where the values themselves
    have no order, or are not numbers; without an interval below FEWEST classes.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < 2 or not np.isfinite([x, y]).all() or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan, np.nan
    rho = float(_rho(x, y))
    if len(x) < FEWEST:
        return rho, np.nan, np.nan
    statistic: Callable[..., Any] = _rho
    ends = bootstrap((x, y), statistic, paired=True, vectorized=True, method="percentile",
                     rng=np.random.default_rng(0)).confidence_interval  # fmt: skip
    return rho, float(ends.low), float(ends.high)


def _rho(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Spearman's rho along an axis; 0 where one of the two has a single value."""
    ranks = [rankdata(values, axis=axis) for values in (x, y)]
    first, second = (own - own.mean(axis=axis, keepdims=True) for own in ranks)
    scale = np.sqrt((first**2).sum(axis=axis) * (second**2).sum(axis=axis))
    return (first * second).sum(axis=axis) / np.where(scale == 0, 1, scale)
