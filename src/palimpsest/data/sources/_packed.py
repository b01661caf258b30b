"""Images packed as JPEG files in one .npz file, in whatever order.

`data` uint8 holds the JPEG files one after the other: image i is data[offsets[i]:offsets[i + 1]].
`labels` are its classes, `orig_index` its places in the official order, from 0.
"""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.sources._official import OfficialFiles
from palimpsest.files import InputError

ARRAYS = ["data", "offsets", "labels", "orig_index"]


def read_packed(path: Path, files: OfficialFiles) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, channels, height, width) and labels int64, in official order.

    InputError for what is no such file, and for an image that is damaged or of another size.
    """
    arrays = read_arrays(path, ARRAYS, own=True)
    _check(arrays, path, files.classes)
    data, offsets, labels, order = (arrays[name] for name in ARRAYS)
    images = np.empty((len(order), *files.item), np.uint8)
    for row, place in enumerate(order):
        content = data[offsets[row] : offsets[row + 1]].tobytes()
        images[place] = _decoded(content, f"{path}: image {row}", files.item)
    return images, labels[np.argsort(order)].astype(np.int64)


def count_packed(path: Path) -> int:
    """Images in such a file."""
    return len(read_arrays(path, ["labels"], own=True)["labels"])


def _check(arrays: Mapping[str, np.ndarray], path: Path, classes: int) -> None:
    data, offsets, labels, order = (arrays[name] for name in ARRAYS)
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError(
                f"{path}: {name} is {array.dtype} with {array.ndim} axes; needed: integers with one"
            )
    if data.dtype != np.uint8:
        raise InputError(f"{path}: data is {data.dtype}; needed: uint8, the bytes of JPEG files")
    if not len(offsets) - 1 == len(labels) == len(order) > 0:
        raise InputError(
            f"{path}: {len(offsets) - 1} images, {len(labels)} labels and {len(order)} places in "
            "the official order; needed: as many of each"
        )
    if offsets[0] != 0 or offsets[-1] != len(data):
        raise InputError(
            f"{path}: offsets begin at {offsets[0]} and end at {offsets[-1]}; needed: 0 and "
            f"{len(data)}, the bytes of data"
        )
    if len(empty := np.flatnonzero(offsets[1:] <= offsets[:-1])):
        row = empty[0]
        raise InputError(
            f"{path}: offsets go from {offsets[row]} to {offsets[row + 1]} at image {row}; "
            "needed: each above the one before"
        )
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise InputError(f"{path}: orig_index is not each of 0 to {len(order) - 1} once")
    if len(outside := np.flatnonzero((labels < 0) | (labels >= classes))):
        row = outside[0]
        raise InputError(
            f"{path}: image {row} has the label {labels[row]}; allowed: 0 to {classes - 1}"
        )


def _decoded(content: bytes, what: str, item: tuple[int, int, int]) -> np.ndarray:
    """One image as uint8 `item`; its size is looked at before it is unpacked."""
    from PIL import Image

    channels, height, width = item
    wanted = {1: "L", 3: "RGB"}[channels], (width, height)
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            found = image.mode, image.size
            pixels = np.asarray(image) if found == wanted else None
    except Exception:  # a damaged image can fail in any way
        raise InputError(f"{what} is damaged, or no JPEG file") from None
    if pixels is None:
        mode, (columns, rows) = found
        raise InputError(
            f"{what} is {columns} x {rows} {mode}; needed: {width} x {height} {wanted[0]}"
        )
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
