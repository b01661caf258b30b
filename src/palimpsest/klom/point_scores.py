"""KLoM, the KL divergence of margins: one score per data point from two populations of models."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.klom.histograms import MODES, Array, outcome_counts, prepare, without_scale

DIRECTIONS = ("unlearned||oracle", "oracle||unlearned")
_CHUNK = 150_000  # margins per population and chunk: what the comparisons need stays in the cache


def klom(
    unlearned: ArrayLike,
    oracle: ArrayLike,
    *,
    mode: str = "ours",
    direction: str = "unlearned||oracle",
    bins: int = 20,
    clip: float = 100.0,
    floor: float = 1e-5,
) -> NDArray[np.float64]:
    """KL divergence, in nats, between the margins of two populations, per data point: (points,).

    `unlearned` and `oracle` have shape (models, points); their numbers of models may differ.
    `direction` names the order: p is the population before the bars, q the one after them. The
    histograms are normalised, q is raised to at least `floor`, and p and q are normalised again
    (not in easydub-2026).
    Source: Georgiev et al. (2024); Ascent Fails to Forget, evaluation section.

    mode "ours" (the default): margins are clipped to [-clip, clip]. Each population's range runs
    from its lower to its upper quartile, widened by three interquartile ranges on both sides but
    not beyond its extremes; margins at or beyond the clip (infinities among them) and NaN take no
    part in this. The union of the two ranges is cut into `bins` equal bins, the last one closed.
    Below, above and NaN are three outcomes of their own. q is floored where p > 0. Where the range
    is a single value, that value is one outcome. The score is always finite and never
    negative; identical populations score 0.

    mode "easydub-2025": the per-point definition of RoyRin/data-unlearning-bench (2025), equal to
    the last bit in the input's own precision, defects included. Both are clipped; `bins` equal bins
    over the joint range, or over [low, low + 1] where low >= high; values equal to the largest are
    dropped; q is floored where p > 0. Its direction in that code's call is "oracle||unlearned". NaN
    if no margin of p is left in a bin, or if p holds NaN; NaN in q is dropped and leaves the scale
    to p. NaN too where the definition raises an error (edges that rounding put out of order, among
    denormal numbers).

    mode "easydub-2026": that of easydub/EasyDUB-code (2026; arXiv 2602.16400), equal to the last
    bit too. Counted and floored as in easydub-2025, but q is not normalised again after it: the
    score can be slightly below 0, and is 0.0, that of a perfect method, where no margin of p is
    left in a bin or p holds NaN. Its direction in that code's call is "unlearned||oracle". NaN
    where the definition raises an error, as above. (The code refuses unequal numbers of models,
    its definition per point does not.)

    mode "georgiev": `bins` edges, so `bins` - 1 bins, over the joint range of the clipped p and
    the unclipped q; values equal to the largest are dropped; what lies below the range is an
    outcome of its own (empty unless q holds NaN); q is floored in all outcomes. NaN where the
    definition gives no number (all margins equal, nothing left of p or of q in a bin, or an error
    as above) and where there is no finite scale (NaN in p, infinity in q).

    Integers are taken as float64. ValueError for anything else than two matrices of numbers with
    as many points as each other and at least one model each, or for a setting that is not allowed.
    """
    check_settings(mode, direction, bins, clip, floor)
    p, q = ordered(*as_populations(unlearned, oracle), direction)
    points = p.shape[1]
    scores = np.empty(points)
    width = max(1, _CHUNK // max(p.shape[0], q.shape[0]))
    for start in range(0, points, width):
        part = slice(start, start + width)
        pair = prepare(p[:, part], q[:, part], mode, bins, clip)
        scores[part] = divergence(
            outcome_counts(pair.first, pair.edges, mode),
            outcome_counts(pair.second, pair.edges, mode),
            mode,
            floor,
        )
        scores[part][without_scale(pair.edges, mode)] = np.nan
    return scores


def divergence(
    p_counts: NDArray[np.int64], q_counts: NDArray[np.int64], mode: str, floor: float
) -> NDArray[np.float64]:
    """KL(p || q) of counts (points, outcomes); rounds as the mode's definition does."""
    from scipy.special import rel_entr  # here, because it takes longer to load than all the rest

    p, q = _shares(p_counts), _shares(q_counts)
    if mode == "easydub-2026":
        return _sum_where_p(p, np.maximum(q, floor))
    if mode == "georgiev":
        q = np.maximum(q, floor)
    else:
        np.maximum(q, floor, out=q, where=p > 0)
    with np.errstate(invalid="ignore"):
        q /= q.sum(axis=-1, keepdims=True)
        p /= p.sum(axis=-1, keepdims=True)
    scores: NDArray[np.float64] = rel_entr(p, q).sum(axis=-1)
    if mode == "ours":
        return np.maximum(scores, 0.0)  # rounding alone can bring it below
    if mode == "georgiev":
        scores[q_counts.sum(axis=-1) == 0] = np.nan
    return scores


def _sum_where_p(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of p log(p / q) over the outcomes with p > 0, added up as an array of these alone is."""
    present = p > 0
    terms = np.log(np.divide(p, q, out=np.ones_like(p), where=present))
    terms *= p
    terms = np.take_along_axis(terms, np.argsort(~present, axis=1, kind="stable"), axis=1)
    sizes = np.count_nonzero(present, axis=1)
    scores = np.zeros(len(p))
    for size in np.unique(sizes[sizes > 0]):
        where = sizes == size
        scores[where] = terms[where, :size].sum(axis=1)
    return scores


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts over their sum; zeros where the sum is 0."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)


def reverse(direction: str) -> str:
    """The other direction."""
    return DIRECTIONS[1 - DIRECTIONS.index(direction)]


def ordered(unlearned: Array, oracle: Array, direction: str) -> tuple[Array, Array]:
    """The two populations as (p, q) of the divergence."""
    return (unlearned, oracle) if direction == "unlearned||oracle" else (oracle, unlearned)


def check_settings(mode: str, direction: str, bins: int, clip: float, floor: float) -> None:
    """ValueError, in one sentence, for a setting of klom that is not allowed."""
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r} of KLoM: allowed are {', '.join(MODES)}")
    if direction not in DIRECTIONS:
        raise ValueError(f"unknown direction {direction!r}: allowed are {', '.join(DIRECTIONS)}")
    least = 2 if mode == "georgiev" else 1
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < least:
        raise ValueError(f"bins is {bins!r}: mode {mode} needs a whole number of at least {least}")
    if not 0 < clip < np.inf:
        raise ValueError(f"clip is {clip!r}: it must be a positive finite number")
    if not 0 < floor < 1:
        raise ValueError(f"floor is {floor!r}: it must lie between 0 and 1")


def as_populations(unlearned: ArrayLike, oracle: ArrayLike) -> tuple[Array, Array]:
    """Both margins as floating-point matrices (models, points) with the same number of points."""
    first, second = as_margins(unlearned, "unlearned"), as_margins(oracle, "oracle")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"the unlearned margins have {first.shape[1]} points and the oracle margins "
            f"{second.shape[1]}: both must have the same points"
        )
    return first, second


def as_margins(margins: ArrayLike, name: str) -> Array:
    """One population's margins as a floating-point matrix (models, points), at least one model."""
    array: NDArray[Any] = np.asarray(margins)
    if array.ndim != 2:
        raise ValueError(
            f"the {name} margins have shape {array.shape}: allowed is (models, points)"
        )
    if array.shape[0] == 0:
        raise ValueError(f"the {name} margins hold no models: at least one is needed")
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise ValueError(
            f"the {name} margins are of type {array.dtype}: allowed are float16, float32, float64 "
            "and integers"
        )
    return array
