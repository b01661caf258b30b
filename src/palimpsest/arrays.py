"""Arrays: read from .npz and .npy files, and held to what they must be, or one sentence."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from palimpsest.files import InputError


def read_arrays(
    path: str | Path, names: list[str] | None = None, *, rest: bool = False
) -> dict[str, np.ndarray]:
    """Read the arrays `names` (None: all) of the .npz file `path`, never unpickling anything.

    With `rest` the others that it holds are read as well.

    Raises InputError when the file is missing, damaged, not a .npz, or lacks one of the arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: one array, where a .npz archive of arrays is needed")
        with archive:
            for name in names or []:
                if name not in archive.files:
                    found = ", ".join(archive.files) or "nothing"
                    raise InputError(f"{path}: holds no array {name!r}; it holds {found}")
            return {
                name: archive[name] for name in (archive.files if rest else names or archive.files)
            }
    except InputError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: damaged or not a .npz file of plain arrays ({_one_line(error)})"
        ) from None


def read_array(path: str | Path) -> np.ndarray:
    """Read the one array of the .npy file `path`, never unpickling anything.

    Raises InputError when the file is missing, damaged, or not a .npy.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: damaged or not a .npy file of one plain array ({_one_line(error)})"
        ) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: an archive of arrays, where a .npy file of one is needed")
    return array


def require(valid: np.ndarray, sentence: str) -> None:
    """Raise ValueError with `sentence` and the first offending index unless all of `valid`."""
    valid = np.asarray(valid)
    if not valid.all():
        first = np.flatnonzero(~np.atleast_1d(valid))[0]
        raise ValueError(f"{sentence} (entry {first}, {(~valid).sum()} in all)")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
