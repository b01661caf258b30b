"""The public definitions of KLoM, one point at a time: what the vectorised scores must equal."""

import numpy as np
from scipy.stats import entropy


def easydub(p, q, bins=20, clip=100.0, floor=1e-5):
    """EasyDUB's definition for one point: samples p and q in their own precision."""
    p, q = np.clip(p, -clip, clip), np.clip(q, -clip, clip)
    low, high = min(p.min(), q.min()), max(p.max(), q.max())
    if low >= high:
        high = low + 1
    edges = np.linspace(low, high, bins + 1)
    try:
        p_index, q_index = np.digitize(p, edges), np.digitize(q, edges)
    except ValueError:  # edges out of order
        return np.nan
    p_counts = np.array([np.sum(p_index == i) for i in range(1, bins + 1)])
    q_counts = np.array([np.sum(q_index == i) for i in range(1, bins + 1)])
    p_shares = p_counts / p_counts.sum() if p_counts.sum() > 0 else np.zeros(bins)
    q_shares = q_counts / q_counts.sum() if q_counts.sum() > 0 else np.zeros(bins)
    return entropy(p_shares, np.where(p_shares > 0, np.maximum(q_shares, floor), q_shares))


def georgiev(p, q, bins=20, clip=100.0, floor=1e-5):
    """Georgiev et al.'s definition for one point; NaN without a finite scale, as documented."""
    p = np.clip(p, -clip, clip)
    low, high = min(p.min(), q.min()), max(p.max(), q.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return np.nan
    edges = np.linspace(low, high, bins)
    try:
        p_index, q_index = np.digitize(p, edges), np.digitize(q, edges)
    except ValueError:
        return np.nan
    p_counts = np.array([np.sum(p_index == i) for i in range(bins)])
    q_counts = np.array([np.sum(q_index == i) for i in range(bins)])
    with np.errstate(invalid="ignore"):
        p_shares, q_shares = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    return entropy(p_shares, np.clip(q_shares, floor, None))


def over_points(definition, p, q, **settings):
    """The definition applied to every column."""
    with np.errstate(all="ignore"):
        return np.array(
            [definition(p[:, i], q[:, i], **settings) for i in range(p.shape[1])], dtype=float
        )
