"""A forget set from a file of pool indices."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.arrays import read_array, read_arrays
from palimpsest.data.splits import Split, as_indices
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import InputError, read_json, read_text, regular_file
from palimpsest.values import File, Text

FILES = ("path",)


def choose(
    base: Split | None,
    estimate: Estimate | None = None,
    labels: np.ndarray | None = None,
    *,
    path: File,
    key: Text | None = None,
) -> np.ndarray:
    """The indices that the file holds; see `read_indices`."""
    return read_indices(path, key)


def points(settings: Mapping[str, Any]) -> int | None:
    """How many indices the file holds; None while it cannot be read."""
    try:
        return len(read_indices(settings["path"], settings.get("key")))
    except InputError:
        return None


def check(settings: Mapping[str, Any], train: int, classes: int) -> None:
    """The definition fits any training set; its file is read where the data set is known."""


def read_indices(path: str | Path, key: str | None = None) -> np.ndarray:
    """Pool indices from .npz (array `key`), .npy, .json (a list, or a map and `key`), or .txt.

    A text file holds one index a line; `#` starts a comment. `key` may be left out where the file
    holds one list. InputError, one sentence, for everything that is wrong with the file.
    """
    path = regular_file(path)
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


def _read_npz(path: Path, key: str | None) -> np.ndarray:
    if key is not None:
        return read_arrays(path, [key], own=True)[key]
    arrays = read_arrays(path, own=True)
    if len(arrays) != 1:
        raise InputError(f"{path}: holds {', '.join(arrays) or 'nothing'}; name one of them as key")
    return next(iter(arrays.values()))


def _read_npy(path: Path, key: str | None) -> np.ndarray:
    _no_key(path, key)
    return read_array(path)


def _read_json(path: Path, key: str | None) -> Any:
    content = read_json(path, own=True)
    if key is None and isinstance(content, list):
        return content
    if key is not None and isinstance(content, dict) and key in content:
        return content[key]
    wanted = "a list of indices" if key is None else f"a map with the key {key!r}"
    raise InputError(f"{path}: does not hold {wanted}")


def _read_txt(path: Path, key: str | None) -> list[Any]:
    _no_key(path, key)
    try:
        lines = read_text(path).splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    words = [line.split("#")[0].strip() for line in lines]
    return [_number(word) for word in words if word]


def _number(word: str) -> Any:
    """`word` as an integer where it is one; otherwise itself, to be refused with the others."""
    try:
        value = json.loads(word)
    except (ValueError, RecursionError):
        return word
    return value if type(value) is int else word


def _no_key(path: Path, key: str | None) -> None:
    if key is not None:
        raise InputError(f"{path}: key {key!r} given, but only .npz and .json files have keys")
