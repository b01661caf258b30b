"""Arrays: read from .npz archives, and held to what they must be, with one sentence if not."""

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


def require(valid: np.ndarray, sentence: str) -> None:
    """Raise ValueError with `sentence` and the first offending index unless all of `valid`."""
    valid = np.asarray(valid)
    if not valid.all():
        first = np.flatnonzero(~np.atleast_1d(valid))[0]
        raise ValueError(f"{sentence} (entry {first}, {(~valid).sum()} in all)")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
