"""How many points hold margins that no histogram places: NaN, and values outside the clip."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.klom.histograms import Array
from palimpsest.klom.point_scores import as_margins


def nan_points(*margins: ArrayLike) -> int:
    """Number of points at which at least one model of any population (models, points) is NaN."""
    return _points_with(margins, np.isnan)


def clipped_points(*margins: ArrayLike, clip: float = 100.0) -> int:
    """Number of points at which at least one model lies outside [-clip, clip], or is infinite."""
    if not 0 < clip < np.inf:
        raise ValueError(f"clip is {clip!r}: it must be a positive finite number")
    return _points_with(margins, lambda population: np.abs(population) > clip)


def _points_with(
    margins: tuple[ArrayLike, ...], condition: Callable[[Array], NDArray[np.bool_]]
) -> int:
    if not margins:
        raise ValueError("no margins were given: at least one population is needed")
    flags = [condition(as_margins(population, "given")).any(axis=0) for population in margins]
    if len({flag.size for flag in flags}) > 1:
        sizes = ", ".join(str(flag.size) for flag in flags)
        raise ValueError(f"the populations have {sizes} points: all must have the same points")
    return int(np.logical_or.reduce(flags).sum())
