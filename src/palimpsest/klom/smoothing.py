"""New populations drawn from a smoothed version of an observed one.

A drawn model takes its margins at all points from one observed model, so that margins which move
together within a model still do, and adds to each of them Gaussian noise of the point's kernel
width. Without the noise repeated models would be ties, which a histogram distance reads as
structure (the bias of the plain bootstrap).
"""

import numpy as np
from numpy.typing import NDArray

from palimpsest.klom.histograms import Array

_NORMAL_IQR = 1.349  # interquartile range of a standard normal


class SmoothedPopulation:
    """Gaussian kernel density of every point's margins, sampled by whole models.

    The kernel width is Silverman's 0.9 * min(sd, IQR / 1.349) * models^(-1/5) (Density Estimation,
    1986, section 3.4.2) over the margins inside the clip. Margins that are NaN, infinite, or at or
    beyond the clip are outcomes rather than numbers: they are drawn again as they are.
    """

    def __init__(self, margins: Array, clip: float) -> None:
        self._margins = margins.astype(np.result_type(margins, np.float32), copy=False)
        self.points = margins.shape[1]
        inside = np.abs(self._margins) < clip
        self._fixed: NDArray[np.bool_] | None = None if inside.all() else ~inside
        self._width = _kernel_width(self._margins, inside)

    def draw(self, normals: Array, generator: np.random.Generator) -> Array:
        """Margins of newly drawn models, one for each row of standard normals (models, points)."""
        return self.draw_rows(generator.integers(len(self._margins), size=len(normals)), normals)

    def draw_rows(self, rows: NDArray[np.int64], normals: Array) -> Array:
        """Margins like those of the models `rows` (n,), with kernel noise from normals (n, points)."""
        noise = normals * self._width
        if self._fixed is not None:
            noise[self._fixed[rows]] = 0
        drawn: Array = self._margins[rows]
        drawn += noise
        return drawn


def _kernel_width(margins: Array, inside: NDArray[np.bool_]) -> Array:
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
