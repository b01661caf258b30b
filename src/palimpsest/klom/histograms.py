"""Per-point histograms of margins in the four definitions of KLoM, for all points at once.

A bin's count is the difference of two counts of (margin >= edge), so no margin is ever looked up in
a table of edges: one comparison per edge serves every point of a chunk.

Arrays: margins (models, points), edges (edges, points), counts (points, outcomes).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

MODES = ("ours", "easydub-2025", "easydub-2026", "georgiev")
EASYDUB = MODES[1:3]  # two public codes, which count alike and differ in the divergence
FENCE = 3.0  # interquartile ranges beyond the quartiles; Tukey's "far out" (1977)
_BLOCK = 255  # models whose counts fit into one byte


class Pair(NamedTuple):
    """Clipped margins of both populations at the same points, and the scale they share."""

    first: Array
    second: Array
    edges: Array


def prepare(first: Array, second: Array, mode: str, bins: int, clip: float) -> Pair:
    """Clip two populations (models, points) and lay out the edges of every point's histogram."""
    p = np.clip(first, -clip, clip)
    q = second if mode == "georgiev" else np.clip(second, -clip, clip)
    if mode == "ours":
        common = np.result_type(p, q, np.float32)
        p, q = p.astype(common, copy=False), q.astype(common, copy=False)
        return Pair(p, q, _fenced_edges(p, q, bins, clip))
    edges = _joint_edges(p, q, bins + (mode in EASYDUB), widen=mode in EASYDUB)
    common = np.result_type(p, q, np.float32)  # comparisons in float16 are exact but slow
    return Pair(*(array.astype(common, copy=False) for array in (p, q, edges)))


def outcome_counts(margins: Array, edges: Array, mode: str) -> NDArray[np.int64]:
    """How many models fall into each outcome of each point, shape (points, outcomes).

    ours: below, the bins (the last one closed), above, NaN. easydub-2025 and -2026: the bins, the
    last one open. georgiev: below, then the bins, the last one open. What falls elsewhere is not
    counted.
    """
    reached = _count_reaching(margins, edges, last_strict=mode == "ours")
    inside = reached[:-1] - reached[1:]
    if mode in EASYDUB:
        rows = [inside]
    else:
        present = margins.shape[0] - _count(np.isnan(margins))
        rows = [(present - reached[0])[None], inside]
        if mode == "ours":
            rows += [reached[-1:], (margins.shape[0] - present)[None]]
    return np.ascontiguousarray(np.concatenate(rows).T)


def without_scale(edges: Array, mode: str) -> NDArray[np.bool_]:
    """Points (points,) whose score is NaN whatever the counts; none in mode ours.

    All others: np.digitize refuses the edges, which rounding among denormal numbers has
    put out of order. georgiev besides: the range is not finite.
    """
    if mode == "ours":
        return np.zeros(edges.shape[1], dtype=bool)
    refused = edges[-2] > edges[-1]
    return refused if mode in EASYDUB else refused | ~np.isfinite(edges[[0, -1]]).all(axis=0)


def _joint_edges(p: Array, q: Array, edges: int, widen: bool) -> Array:
    """Edges from the smallest to the largest margin of both, each in the precision of its ends.

    As with Python's min and max in the definition, a NaN counts in the first population only: there
    it makes the scale NaN; in the second the scale is the first's.
    """
    p_low, q_low, p_high, q_high = p.min(axis=0), q.min(axis=0), p.max(axis=0), q.max(axis=0)
    low_is_q, high_is_q = q_low < p_low, q_high > p_high
    low, high = np.where(low_is_q, q_low, p_low), np.where(high_is_q, q_high, p_high)
    if widen:
        constant = low >= high
        high_is_q = np.where(constant, low_is_q, high_is_q)
        high = np.where(constant, low + low.dtype.type(1), high)
    result = _linspace(low, high, edges)
    if p.dtype != q.dtype:
        narrow_is_q = q.dtype.itemsize < p.dtype.itemsize
        narrow = (low_is_q == narrow_is_q) & (high_is_q == narrow_is_q)
        dtype = q.dtype if narrow_is_q else p.dtype
        low, high = low[narrow].astype(dtype), high[narrow].astype(dtype)
        if widen:
            high = np.where(low >= high, low + dtype.type(1), high)
        result[:, narrow] = _linspace(low, high, edges)
    return result


def _linspace(low: Array, high: Array, edges: int) -> Array:
    """np.linspace per point; it rounds otherwise for a step of zero, and decides that for all."""
    with np.errstate(invalid="ignore", under="ignore"):
        flat = (high - low) / max(edges - 1, 1) == 0
        if not flat.any() or flat.all():
            return np.linspace(low, high, edges)
        result = np.empty((edges, low.size), dtype=low.dtype)
        for group in (flat, ~flat):
            result[:, group] = np.linspace(low[group], high[group], edges)
        return result


def _fenced_edges(p: Array, q: Array, bins: int, clip: float) -> Array:
    """Edges over the union of both populations' fenced ranges; lower == upper if all are equal."""
    p_low, p_high = _fences(p, clip)
    q_low, q_high = _fences(q, clip)
    low, high = np.minimum(p_low, q_low), np.maximum(p_high, q_high)
    nothing = low > high  # no margin of either population lies within the clip
    low[nothing] = high[nothing] = 0
    return np.minimum(_linspace(low, high, bins + 1), high)


def _fences(x: Array, clip: float) -> tuple[Array, Array]:
    """Quartiles -+ FENCE interquartile ranges, not beyond the extremes, of |margins| < clip.

    A point without any such margin gives (inf, -inf): the empty range.
    """
    ordered = np.array(x.T, order="C", copy=True)  # a single point would else be sorted in place
    inside = np.abs(ordered) < clip
    sizes = np.full(len(ordered), x.shape[0])
    if not inside.all():
        sizes = inside.sum(axis=1)
        ordered[~inside] = np.inf  # to the end
    ordered.sort(axis=1)
    lower, upper = _quantile(ordered, sizes, 0.25), _quantile(ordered, sizes, 0.75)
    with np.errstate(invalid="ignore"):
        reach = FENCE * (upper - lower)
        low = np.maximum(ordered[:, 0], lower - reach)
        high = np.minimum(_at(ordered, np.maximum(sizes - 1, 0)), upper + reach)
    low[sizes == 0], high[sizes == 0] = np.inf, -np.inf
    return low, high


def _quantile(ordered: Array, sizes: NDArray[np.int64], level: float) -> Array:
    """Linearly interpolated quantile of the first `sizes` entries of each sorted row."""
    position = level * np.maximum(sizes - 1, 0)
    left = position.astype(np.int64)
    right = np.minimum(left + 1, np.maximum(sizes - 1, 0))
    weight = (position - left).astype(ordered.dtype)
    start = _at(ordered, left)
    with np.errstate(invalid="ignore"):
        return start + weight * (_at(ordered, right) - start)


def _at(rows: Array, columns: NDArray[np.int64]) -> Array:
    return np.take_along_axis(rows, columns[:, None], axis=1)[:, 0]


def _count_reaching(margins: Array, edges: Array, last_strict: bool) -> NDArray[np.int64]:
    """For every edge and point, the number of models at or beyond it; NaN never is."""
    counts = np.zeros(edges.shape, dtype=np.int64)
    for start in range(0, margins.shape[0], _BLOCK):
        block = margins[start : start + _BLOCK]
        answer = np.empty(block.shape, dtype=bool)
        for index, edge in enumerate(edges):
            strict = last_strict and index == len(edges) - 1
            (np.greater if strict else np.greater_equal)(block, edge, out=answer)
            counts[index] += np.add.reduce(answer.view(np.uint8), axis=0, dtype=np.uint8)
    return counts


def _count(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.count_nonzero(flags, axis=0).astype(np.int64)
