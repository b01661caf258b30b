"""Principal components of a datamodel matrix: which training points matter most, and how surely.

"Ascent Fails to Forget", Section 3 and Appendix J.
"""

from typing import NamedTuple

import numpy as np

FULL_SVD_POINTS = 4096
"""above this many training points the components come from a Lanczos iteration"""

BLOCK = 1024
"""rows of the matrix that the Lanczos iteration turns to float64 at a time"""


class Components(NamedTuple):
    """Leading principal components: projections float64 (points, components), in the order of the
    rows, and the share of the matrix's variance that each component has (components,)."""

    projections: np.ndarray
    shares: np.ndarray


class Match(NamedTuple):
    """A component found again in another estimate: its number there (from 1), and the absolute
    correlation of the points' projections."""

    component: int
    correlation: float


def principal_components(matrix: np.ndarray, count: int) -> Components:
    """The first `count` principal components of the datamodel matrix.

    `matrix` (points, points) holds the influence of the training point of each column on the margin
    of the training point of each row. Rows are the observations of the analysis: they are centred
    (the mean row is subtracted), and component 1 is the direction of largest variance. The sign is
    that of scikit-learn's PCA: the component's entry of largest absolute value is positive.

    Up to FULL_SVD_POINTS points by a full singular value decomposition, above by a Lanczos
    iteration from a fixed start; both give the same result on every run.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"the datamodel matrix has shape {matrix.shape}; needed: square")
    points = len(matrix)
    if not 1 <= count < points:
        raise ValueError(f"component {count} of {points} points; allowed: 1 to {points - 1}")
    if not np.isfinite(matrix).all():
        raise ValueError("the datamodel matrix holds NaN or infinite values; allowed: finite ones")
    svd = _full_svd if points <= FULL_SVD_POINTS else _lanczos_svd
    left, scales, right, variance = svd(matrix, count)
    largest = np.take_along_axis(right, np.abs(right).argmax(axis=1)[:, None], axis=1)[:, 0]
    signs = np.where(largest > 0, 1.0, -1.0)
    return Components(left * scales * signs, scales**2 / variance)


def extreme_points(projection: np.ndarray, top: int, bottom: int) -> np.ndarray:
    """Positions of the `top` points of highest projection and the `bottom` of lowest, sorted.

    Ties go to the lower position. ValueError unless at least one point is chosen and one is left.
    """
    points = len(projection)
    if top < 0 or bottom < 0 or not 1 <= top + bottom < points:
        raise ValueError(
            f"top {top} and bottom {bottom} of {points} training points; "
            f"allowed: together 1 to {points - 1}"
        )
    highest = np.argsort(-projection, kind="stable")[:top]
    rest = np.setdiff1d(np.arange(points), highest)
    lowest = rest[np.argsort(projection[rest], kind="stable")[:bottom]]
    return np.sort(np.concatenate([highest, lowest]))


def matched(whole: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, list[Match]]:
    """The components of an estimate in the order and with the signs of another's.

    Two components of near-equal variance swap places between two estimates, and a component has no
    sign of its own; so each column of `whole` (points, components) is given the column of `part`
    that it correlates with, each once, so that the sum of the absolute correlations is largest. A
    constant column correlates with none.
    Returns the projections of `part` so ordered, (points, components), and each match.
    """
    from scipy.optimize import linear_sum_assignment

    own, other = whole.shape[1], part.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nan_to_num(np.corrcoef(whole.T, part.T)[:own, own : own + other])
    _, places = linear_sum_assignment(-np.abs(found))
    correlations = found[np.arange(own), places]
    signs = np.where(correlations < 0, -1.0, 1.0)
    matches = [
        Match(int(place) + 1, float(abs(value)))
        for place, value in zip(places, correlations, strict=True)
    ]
    return part[:, places] * signs, matches


def _full_svd(matrix: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    centred = matrix.astype(np.float64)
    centred -= centred.mean(axis=0)
    left, scales, right = np.linalg.svd(centred, full_matrices=False)
    return left[:, :count], scales[:count], right[:count], float((scales**2).sum())


def _lanczos_svd(
    matrix: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The leading components without a centred copy of the matrix."""
    from scipy.sparse.linalg import LinearOperator, svds

    mean = matrix.mean(axis=0, dtype=np.float64)
    blocks = [matrix[start : start + BLOCK] for start in range(0, len(matrix), BLOCK)]
    variance = sum(float(((block.astype(np.float64) - mean) ** 2).sum()) for block in blocks)

    def times(vector: np.ndarray) -> np.ndarray:
        column = np.concatenate([block.astype(np.float64) @ vector.ravel() for block in blocks])
        return column - mean @ vector.ravel()

    def transposed_times(vector: np.ndarray) -> np.ndarray:
        parts = np.split(vector.ravel(), np.cumsum([len(block) for block in blocks])[:-1])
        total = -mean * vector.sum()
        for block, part in zip(blocks, parts, strict=True):
            total += part @ block.astype(np.float64)
        return total

    centred = LinearOperator(matrix.shape, matvec=times, rmatvec=transposed_times, dtype=np.float64)
    start = np.random.RandomState(0).standard_normal(len(matrix))
    left, scales, right = svds(centred, k=count, v0=start)
    order = np.argsort(-scales, kind="stable")
    return left[:, order], scales[order], right[order], variance
