"""The public definitions of KLoM, one point at a time: what the vectorised scores must equal."""

import numpy as np
from scipy.stats import entropy


def easydub_2025(p, q, bins=20, clip=100.0, floor=1e-5):
    """RoyRin/data-unlearning-bench (2025) for one point: p and q in their own precision."""
    shares = _shares_in_bins(p, q, bins, clip, floor)
    return np.nan if shares is None else entropy(*shares)


def easydub_2026(p, q, bins=20, clip=100.0, floor=1e-5):
    """easydub/EasyDUB-code (2026) for one point: not normalised again, 0.0 if p fills no bin."""
    shares = _shares_in_bins(p, q, bins, clip, floor)
    if shares is None:
        return np.nan
    a, b = (share[shares[0] > 0] for share in shares)
    return float(np.sum(a * np.log(a / b)))


def _shares_in_bins(p, q, bins, clip, floor):
    """What both have in common: the shares of p and of the floored q; None for an error."""
    p, q = np.clip(p, -clip, clip), np.clip(q, -clip, clip)
    low, high = min(p.min(), q.min()), max(p.max(), q.max())
    if low >= high:
        high = low + 1
    edges = np.linspace(low, high, bins + 1)
    try:
        p_index, q_index = np.digitize(p, edges), np.digitize(q, edges)
    except ValueError:  # edges out of order
        return None
    p_counts = np.array([np.sum(p_index == i) for i in range(1, bins + 1)])
    q_counts = np.array([np.sum(q_index == i) for i in range(1, bins + 1)])
    p_shares = p_counts / p_counts.sum() if p_counts.sum() > 0 else np.zeros(bins)
    q_shares = q_counts / q_counts.sum() if q_counts.sum() > 0 else np.zeros(bins)
    return p_shares, np.where(p_shares > 0, np.maximum(q_shares, floor), q_shares)


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
