"""Intervals of means of independent values: one value a class, or one a model."""

import numpy as np
from scipy.stats import t


def interval(values: np.ndarray) -> tuple[float, float, float, int]:
    """Mean, its standard error and half the width of its 95 % interval (Student's t), and degrees
    of freedom; error and width are NaN for a single value."""
    freedom = len(values) - 1
    if freedom < 1:
        return float(values[0]) if len(values) else np.nan, np.nan, np.nan, 0
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return float(np.mean(values)), error, float(t.ppf(0.975, freedom)) * error, freedom
