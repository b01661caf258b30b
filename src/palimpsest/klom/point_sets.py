"""A score of a set of points: a percentile of KLoM over the set's columns."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sets = Mapping[str, ArrayLike]


def set_percentiles(
    scores: ArrayLike, sets: Sets, *, percentile: float = 95.0
) -> dict[str, NDArray[np.float64]]:
    """The percentile of point scores (..., points) over each set, shape (...,) by the set's name.

    `sets` maps a name to column positions into the points. A NaN score in a set makes its
    percentile NaN. ValueError for an empty set, a position that does not exist or is given twice.
    """
    values = np.asarray(scores, dtype=np.float64)
    columns = as_columns(sets, values.shape[-1])
    check_percentile(percentile)
    return {
        name: np.asarray(np.percentile(values[..., where], percentile, axis=-1))
        for name, where in columns.items()
    }


def as_columns(sets: Sets, points: int) -> dict[str, NDArray[np.intp]]:
    """The sets as checked arrays of column positions, each between 0 and `points` - 1."""
    if not sets:
        raise ValueError("no sets of points were given: at least one is needed")
    return {name: _columns(name, positions, points) for name, positions in sets.items()}


def check_percentile(percentile: float) -> None:
    """ValueError unless the percentile lies in [0, 100]."""
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile is {percentile!r}: it must lie between 0 and 100")


def _columns(name: str, positions: ArrayLike, points: int) -> NDArray[np.intp]:
    where = np.asarray(positions)
    if where.ndim != 1 or where.size == 0 or where.dtype.kind not in "iu":
        raise ValueError(
            f"set {name!r} has shape {where.shape} and type {where.dtype}: "
            "allowed is a non-empty list of column positions"
        )
    if where.min() < 0 or where.max() >= points:
        raise ValueError(
            f"set {name!r} holds positions {where.min()} to {where.max()}: "
            f"allowed are 0 to {points - 1}"
        )
    if np.unique(where).size != where.size:
        raise ValueError(f"set {name!r} holds a position twice: each may appear once")
    return where.astype(np.intp)
