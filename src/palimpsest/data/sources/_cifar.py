"""Python batches of CIFAR-10 and CIFAR-100: pickles, whose commands are not run."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.sources._official import OfficialFiles, unreadable
from palimpsest.files import regular_file


class _Batch(pickle._Unpickler):
    """Reads a batch, of Python 2 or 3, and runs nothing that its file names.

    Nothing but arrays, texts, numbers, lists and maps are made. The unpickler in Python, since the
    one in C sets aside as much memory as a file asks for.
    """

    def find_class(self, module: str, name: str) -> Any:
        """What arrays are made from; UnpicklingError for all else."""
        if (module, name) == ("_codecs", "encode"):
            return str.encode
        if module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy"):
            if name == "_reconstruct":
                return _empty_array
            if name in ("ndarray", "dtype"):
                return getattr(np, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")


def _empty_array(*_: Any) -> np.ndarray:
    """An array that its state will fill."""
    return np.empty(0, np.uint8)


def read_batch(path: Path, files: OfficialFiles, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and labels int64 of one batch; InputError if it is none.

    `key` is that of the labels.
    """
    regular_file(path)
    try:
        content = _Batch(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        images, labels = content["data"], content[key]
        if type(images) is not np.ndarray or images.dtype != np.uint8:
            raise ValueError("its data are no uint8 array")
        if not isinstance(labels, list) or images.shape != (len(labels), 3072):
            raise ValueError("it does not hold 3072 values of data for each of its labels")
        if not all(type(label) is int and 0 <= label < files.classes for label in labels):
            raise ValueError(f"a label is none of 0 to {files.classes - 1}")
    except Exception as error:  # a damaged pickle can fail in any way
        raise unreadable(path, f"a {files.title} python batch", error) from None
    return images.reshape(-1, 3, 32, 32), np.array(labels, np.int64)
