"""A forget set by a principal component of the datamodel matrix: the points that matter most.

"Ascent Fails to Forget", Section 3 and Appendix J.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from palimpsest.files import SettingError
from palimpsest.values import Count, Whole

NEEDS = ("datamodel",)

FULL_SVD_POINTS = 4096
"""above this many training points the component comes from a Lanczos iteration"""

BLOCK = 1024
"""rows of the matrix that the Lanczos iteration turns to float64 at a time"""


def choose(
    train: np.ndarray, datamodel: np.ndarray | None, *, component: Count, top: Whole, bottom: Whole
) -> np.ndarray:
    """The `top` training points of highest projection on a component, and the `bottom` lowest.

    `datamodel` (points, points), in the order of `train`; components are counted from 1.
    """
    if datamodel is None or datamodel.shape != (len(train), len(train)):
        found = "there is none" if datamodel is None else f"it has shape {datamodel.shape}"
        raise ValueError(
            f"the datamodel matrix needs a row and a column for each of the {len(train)} training "
            f"points; {found}"
        )
    return component_forget_set(component_projection(datamodel, component), train, top, bottom)


def points(settings: Mapping[str, Any]) -> int:
    """How many points are chosen."""
    return int(settings["top"]) + int(settings["bottom"])


def check(settings: Mapping[str, Any], train: int) -> None:
    """SettingError unless there are points to forget, some are left, and the component exists."""
    total, component = points(settings), settings["component"]
    allowed = f"at most {train - 1}, below the {train} training points"
    if total == 0:
        raise SettingError("top", "and bottom are 0", "together at least 1")
    if total >= train:
        raise SettingError("top", f"is {total} together with bottom", allowed)
    if component >= train:
        raise SettingError("component", f"is {component}", allowed)


def component_projection(matrix: np.ndarray, component: int) -> np.ndarray:
    """Projection of each training point on a principal component of the datamodel matrix.

    `matrix` (points, points) holds the influence of the training point of each column on the margin
    of the training point of each row. Rows are the observations of the analysis: they are centred
    (the mean row is subtracted), and component 1 is the direction of largest variance. The sign is
    that of scikit-learn's PCA: the component's entry of largest absolute value is positive.
    Returns float64 (points,) in the order of the rows.

    Up to FULL_SVD_POINTS points by a full singular value decomposition, above by a Lanczos
    iteration from a fixed start; both give the same result on every run.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"the datamodel matrix has shape {matrix.shape}; needed: square")
    points = len(matrix)
    if not 1 <= component < points:
        raise ValueError(f"component {component} of {points} points; allowed: 1 to {points - 1}")
    if not np.isfinite(matrix).all():
        raise ValueError("the datamodel matrix holds NaN or infinite values; allowed: finite ones")
    if points <= FULL_SVD_POINTS:
        left, scales, right = _full_svd(matrix)
    else:
        left, scales, right = _lanczos_svd(matrix, component)
    direction = right[component - 1]
    sign = 1.0 if direction[np.argmax(np.abs(direction))] > 0 else -1.0
    return sign * scales[component - 1] * left[:, component - 1]


def component_forget_set(
    projection: np.ndarray, train: np.ndarray, top: int, bottom: int = 0
) -> np.ndarray:
    """The `top` points of highest projection and the `bottom` points of lowest.

    `projection` (points,) belongs to the indices `train` (points,). Ties go to the lower index.
    """
    if projection.shape != train.shape:
        raise ValueError(
            f"{projection.size} projections for {train.size} training points; needed: one for each"
        )
    if top < 0 or bottom < 0 or not 1 <= top + bottom < len(train):
        raise ValueError(
            f"top {top} and bottom {bottom} of {len(train)} training points; "
            f"allowed: together 1 to {len(train) - 1}"
        )
    highest = np.argsort(-projection, kind="stable")[:top]
    rest = np.setdiff1d(np.arange(len(train)), highest)
    lowest = rest[np.argsort(projection[rest], kind="stable")[:bottom]]
    return np.sort(train[np.concatenate([highest, lowest])])


def _full_svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centred = matrix.astype(np.float64)
    centred -= centred.mean(axis=0)
    return np.linalg.svd(centred, full_matrices=False)


def _lanczos_svd(matrix: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leading components without a centred copy of the matrix."""
    from scipy.sparse.linalg import LinearOperator, svds

    mean = matrix.mean(axis=0, dtype=np.float64)
    blocks = [matrix[start : start + BLOCK] for start in range(0, len(matrix), BLOCK)]

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
    left, scales, right = svds(centred, k=components, v0=start)
    order = np.argsort(-scales, kind="stable")
    return left[:, order], scales[order], right[order]
