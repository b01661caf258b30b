"""Arrays: read from .npz and .npy files, and held to what they must be, or one sentence."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from palimpsest.files import InputError, altered, atomic_path

_SEAL = "sha256"  # the name of an archive's checksum
_MADE_BY = "made_by"  # and of the record of what made it


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], made_by: Mapping[str, str] | None = None
) -> None:
    """Write an .npz file with the checksum of its content, atomically; equal content, equal bytes.

    `made_by` is kept as lines NAME: VALUE, and read again by nobody but people.
    """
    lines = [f"{name}: {value}" for name, value in sorted((made_by or {}).items())]
    kept = dict(arrays) | ({_MADE_BY: np.array(lines)} if lines else {})
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **kept, **{_SEAL: np.array(_checksum_of(kept))})


def read_arrays(
    path: str | Path, names: list[str] | None = None, *, rest: bool = False
) -> dict[str, np.ndarray]:
    """Read the arrays `names` (None: all) of the .npz file `path`, never unpickling anything.

    With `rest` the others that it holds are read as well.

    Raises InputError when the file is missing, damaged, not a .npz, lacks one of the arrays, or
    holds others than its checksum (of `write_arrays`) says.
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
                    there = ", ".join(archive.files) or "nothing"
                    raise InputError(f"{path}: holds no array {name!r}; it holds {there}")
            if _SEAL in archive.files:
                found = {name: archive[name] for name in archive.files}
                if str(found.pop(_SEAL)) != _checksum_of(found):
                    raise InputError(altered(path))
                found.pop(_MADE_BY, None)
            else:
                chosen = archive.files if rest else names or archive.files
                found = {name: archive[name] for name in chosen}
            return found if rest or not names else {name: found[name] for name in names}
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


def _checksum_of(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, types, shapes and bytes."""
    whole = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        whole.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        whole.update(array.tobytes())
    return whole.hexdigest()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
