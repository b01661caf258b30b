"""Scores of redrawn populations: what every comparison of two scores is made from.

All populations that are scored against the same oracles share them, and unlearned models are
paired with the originals that they started from. So in each repeat the oracles are redrawn once,
and so are the seeds of the models: a difference of two scores, taken repeat by repeat, then varies
as it would over repetitions of the whole experiment, whatever the two have in common.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.klom.histograms import Array
from palimpsest.klom.point_scores import as_margins, as_populations, klom
from palimpsest.klom.point_sets import Sets, as_columns, check_percentile, set_percentiles
from palimpsest.klom.smoothing import SmoothedPopulation

_POOL = 2  # rows of kernel noise for each one that a repeat uses


def redrawn_percentiles(
    unlearned: ArrayLike,
    original: ArrayLike,
    oracle: ArrayLike,
    sets: Sets,
    *,
    repeats: int,
    models: int | None = None,
    seed: int = 0,
    percentile: float = 95.0,
    mode: str = "ours",
    direction: str = "unlearned||oracle",
    bins: int = 20,
    clip: float = 100.0,
    floor: float = 1e-5,
) -> dict[str, NDArray[np.float64]]:
    """Percentiles of KLoM of redrawn unlearned models against redrawn oracles: (repeats,) by set.

    `unlearned` and `original` are (models, points), row by row of the same seeds; `oracle` (models,
    points). With the same seed, `original`, `oracle` and number of points, the entries of two calls
    belong together: their difference in repeat b is that of two methods on the same redrawn seeds
    against the same redrawn oracles. `models` scores only so many of the redrawn models and
    oracles, the first of them. The other settings are those of `klom`.

    A smoothed bootstrap (`smoothing`). The kernel noise of an unlearned model correlates with that
    of its original as the two margins do at that point, so that an unlearned population that is its
    originals gives their very scores.
    """
    first, second = as_populations(unlearned, oracle)
    start = as_margins(original, "original")
    if start.shape != first.shape:
        raise ValueError(
            f"the unlearned margins have shape {first.shape} and the original ones {start.shape}: "
            "both must have the same models and points"
        )
    columns = as_columns(sets, first.shape[1])
    check_percentile(percentile)
    if repeats < 2:
        raise ValueError(f"repeats is {repeats}: a spread needs at least 2")
    correlation = _correlation(first, start, clip)
    rest = np.sqrt(1 - correlation**2)
    population, oracles = SmoothedPopulation(first, clip), SmoothedPopulation(second, clip)
    found: dict[str, list[float]] = {name: [] for name in columns}
    for draw in _draws(len(first), len(second), first.shape[1], repeats, seed):
        noise = correlation * draw.shared + rest * draw.own
        redrawn = population.draw_rows(draw.rows, noise)[:models]
        against = oracles.draw_rows(draw.oracle_rows, draw.oracle_noise)[:models]
        scores = klom(
            redrawn, against, mode=mode, direction=direction, bins=bins, clip=clip, floor=floor
        )
        for name, value in set_percentiles(scores, columns, percentile=percentile).items():
            found[name].append(float(value))
    return {name: np.array(values) for name, values in found.items()}


class _Draw:
    """The random numbers of one repeat, the same for all populations of one experiment."""

    def __init__(
        self, models: int, oracles: int, pool: Array, generator: np.random.Generator
    ) -> None:
        self.rows = generator.integers(models, size=models)
        self.oracle_rows = generator.integers(oracles, size=oracles)
        dealt = generator.permutation(len(pool))
        self.shared = pool[dealt[:models]]
        self.oracle_noise = pool[dealt[models : models + oracles]]
        self.own = pool[dealt[models + oracles : 2 * models + oracles]]


def _draws(models: int, oracles: int, points: int, repeats: int, seed: int) -> Iterator[_Draw]:
    """Rows of one pool of standard normals, dealt anew for each repeat: drawing normals every time
    would cost as much as scoring them."""
    generator = np.random.default_rng(seed)
    size = _POOL * (2 * models + oracles)
    pool = generator.standard_normal((size, points), dtype=np.float32)
    for _ in range(repeats):
        yield _Draw(models, oracles, pool, generator)


def _correlation(first: Array, second: Array, clip: float) -> Array:
    """Per point, the correlation over models of two populations, 1 where they are equal.

    Over the margins that both have inside the clip; 0 where fewer than three are, or one is
    constant.
    """
    if np.array_equal(first, second, equal_nan=True):
        return np.ones(first.shape[1], np.float32)
    inside = (np.abs(first) < clip) & (np.abs(second) < clip)
    sizes = np.maximum(inside.sum(axis=0), 1)
    deviations = []
    for margins in (first, second):
        values = np.where(inside, margins, 0).astype(np.float64)
        deviations.append(np.where(inside, values - values.sum(axis=0) / sizes, 0))
    covariance = (deviations[0] * deviations[1]).sum(axis=0)
    scale = np.sqrt((deviations[0] ** 2).sum(axis=0) * (deviations[1] ** 2).sum(axis=0))
    usable = (sizes >= 3) & (scale > 0)
    found = np.divide(covariance, scale, out=np.zeros_like(scale), where=usable)
    return np.clip(found, -1, 1).astype(np.float32)
