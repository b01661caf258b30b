"""Forget sets: drawn at random, by a principal component of the datamodel matrix, or from a file.

Every function returns sorted int64 pool indices; Split.with_forget holds them to the training set.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.splits import as_indices
from palimpsest.files import InputError, read_json

FULL_SVD_POINTS = 4096
"""above this many training points the component comes from a Lanczos iteration"""

BLOCK = 1024
"""rows of the matrix that the Lanczos iteration turns to float64 at a time"""


def random_forget_set(train: np.ndarray, size: int, seed: int) -> np.ndarray:
    """`size` of the indices `train`, drawn without replacement.

    The rule behind the published random forget sets of CIFAR-10 (data-unlearning-bench).
    """
    if not 1 <= size < len(train):
        raise ValueError(
            f"the forget set size is {size}; allowed: 1 to {len(train) - 1}, below the training set"
        )
    positions = np.random.RandomState(seed).choice(len(train), size, replace=False)
    return np.sort(train[positions])


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


def forget_set_from_file(path: str | Path, key: str | None = None) -> np.ndarray:
    """Pool indices from .npz (array `key`), .npy, .json (a list, or a map and `key`), or .txt.

    A text file holds one index a line; `#` starts a comment. `key` may be left out where the file
    holds one list. InputError, one sentence, for everything that is wrong with the file.
    """
    path = Path(path)
    if not path.is_file():
        found = "is no file" if path.exists() else "there is no such file"
        raise InputError(f"{path}: {found}")
    readers = {".npz": _read_npz, ".npy": _read_npy, ".json": _read_json, ".txt": _read_txt}
    if path.suffix not in readers:
        raise InputError(
            f"{path}: not a kind of file that holds a forget set; allowed: {', '.join(readers)}"
        )
    values = readers[path.suffix](path, key)
    try:
        indices = as_indices(values, "forget set")
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {error}") from None
    if not len(indices):
        raise InputError(f"{path}: the forget set is empty; needed: at least one index")
    return indices


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


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    if key is not None:
        return read_arrays(path, [key])[key]
    arrays = read_arrays(path)
    if len(arrays) != 1:
        raise InputError(f"{path}: holds {', '.join(arrays) or 'nothing'}; name one of them as key")
    return next(iter(arrays.values()))


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    _no_key(path, key)
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise InputError(f"{path}: damaged or not a .npy file of numbers") from None


def _read_json(path: Path, key: str | None) -> Any:
    content = read_json(path)
    if key is None and isinstance(content, list):
        return content
    if key is not None and isinstance(content, dict) and key in content:
        return content[key]
    wanted = "a list of indices" if key is None else f"a map with the key {key!r}"
    raise InputError(f"{path}: does not hold {wanted}")


def _read_txt(path: Path, key: str | None) -> list[Any]:
    _no_key(path, key)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    words = [line.split("#")[0].strip() for line in lines]
    return [_number(word) for word in words if word]


def _number(word: str) -> Any:
    """`word` as an integer where it is one; otherwise itself, to be refused with the others."""
    try:
        value = json.loads(word)
    except json.JSONDecodeError:
        return word
    return value if type(value) is int else word


def _no_key(path: Path, key: str | None) -> None:
    if key is not None:
        raise InputError(f"{path}: key {key!r} given, but only .npz and .json files have keys")
