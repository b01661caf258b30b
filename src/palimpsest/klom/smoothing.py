"""New populations drawn from a smoothed version of an observed one.

A drawn model takes its margins at all points from one observed model, so that margins which move
together within a model still do, and adds to each of them Gaussian noise of a kernel width.
Without the noise repeated models would be ties, which a histogram distance reads as structure (the
bias of the plain bootstrap).
"""

import numpy as np
from numpy.typing import NDArray

from palimpsest.klom.histograms import Array

_NORMAL_IQR = 1.349  # interquartile range of a standard normal


class SmoothedPopulation:
    """Gaussian kernel density of every point's margins, sampled by whole models.

    A margin's kernel width is the distance to its k-th nearest neighbour at that point, k being
    half the root of the number of models (Breiman, Meisel and Purcell, 1977), but not beyond
    Silverman's 0.9 * min(sd, IQR / 1.349) * models^(-1/5) (Density Estimation, 1986, section
    3.4.2), which alone spans both of two modes and fills the gap between them. Chosen by the
    coverage it gives (`benchmarks/coverage.py`). Values that more than k models share stay atoms.

    Margins that are NaN, infinite, or at or beyond the clip are outcomes rather than numbers: they
    take no part in the widths and are drawn again as they are.
    """

    def __init__(self, margins: Array, clip: float) -> None:
        self._margins = margins.astype(np.result_type(margins, np.float32), copy=False)
        self.points = margins.shape[1]
        inside = np.abs(self._margins) < clip
        reach = _neighbour_distance(self._margins, inside, _neighbours(len(margins)))
        self._width = np.minimum(reach, _silverman_width(self._margins, inside))
        self._width[~inside] = 0

    def draw(self, normals: Array, generator: np.random.Generator) -> Array:
        """Margins of newly drawn models, one for each row of standard normals (models, points)."""
        return self.draw_rows(generator.integers(len(self._margins), size=len(normals)), normals)

    def draw_rows(self, rows: NDArray[np.integer], normals: Array) -> Array:
        """Like `draw`, of the observed models `rows` (models,): one for each row of normals."""
        drawn: Array = self._width[rows]
        drawn *= normals
        drawn += self._margins[rows]
        return drawn


def _neighbours(models: int) -> int:
    return max(1, round(models**0.5 / 2))


def _neighbour_distance(margins: Array, inside: NDArray[np.bool_], k: int) -> Array:
    """Each margin's distance to its k-th nearest among those inside; inf where there are fewer.

    Among sorted margins the k nearest of one form a window of k + 1 with it: the distance is the
    smallest, over these windows, of the reach to the window's further end.
    """
    models = len(margins)
    kept = np.where(inside, margins, np.inf)
    order = np.argsort(kept, axis=0)
    padded = np.full((models + 2 * k, margins.shape[1]), np.inf, dtype=margins.dtype)
    padded[:k] = -np.inf
    padded[k : k + models] = np.take_along_axis(kept, order, axis=0)
    centre = padded[k : k + models]
    nearest = np.full_like(kept, np.inf)
    with np.errstate(invalid="ignore"):  # inf - inf, of what is outside
        for before in range(k + 1):
            below = centre - padded[k - before : k - before + models]
            above = padded[2 * k - before : 2 * k - before + models] - centre
            np.fmin(nearest, np.maximum(below, above, out=above), out=nearest)
    result = np.empty_like(nearest)
    np.put_along_axis(result, order, nearest, axis=0)
    return result


def _silverman_width(margins: Array, inside: NDArray[np.bool_]) -> Array:
    """Silverman's width per point; 0 where fewer than two margins lie inside the clip."""
    sizes = inside.sum(axis=0)
    width = np.zeros(margins.shape[1])
    whole = sizes == len(margins)
    width[whole] = _spread(margins[:, whole])
    for point in np.flatnonzero(~whole & (sizes > 1)):
        width[point] = _spread(margins[inside[:, point], point][:, None])[0]
    width *= 0.9 * np.maximum(sizes, 1.0) ** -0.2
    return width.astype(margins.dtype)


def _spread(margins: Array) -> NDArray[np.float64]:
    """Per point, the smaller of the standard deviation and IQR / 1.349; 0 for one model."""
    if len(margins) < 2:
        return np.zeros(margins.shape[1])
    lower, upper = np.quantile(margins, [0.25, 0.75], axis=0)
    deviation = margins.std(axis=0, ddof=1, dtype=np.float64)
    spread: NDArray[np.float64] = np.minimum(deviation, (upper - lower) / _NORMAL_IQR)
    return spread
