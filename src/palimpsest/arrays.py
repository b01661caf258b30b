"""Arrays: read from .npz and .npy files, and held to what they must be, or one sentence."""

import hashlib
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_magic
from numpy.lib.format import read_array as read_npy

from palimpsest.files import (
    AGAIN,
    MADE_BY,
    SEAL_KEY,
    InputError,
    altered,
    atomic_path,
    one_line,
    regular_file,
)

_MOST_PACKED = 1032  # bytes that a byte can stand for in a .npz file (deflate)


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], made_by: Mapping[str, str] | None = None
) -> None:
    """Write an .npz file with the checksum of its content, atomically; equal content, equal bytes.

    `made_by` is kept as lines NAME: VALUE, and read again by nobody but people.
    """
    lines = [f"{name}: {value}" for name, value in sorted((made_by or {}).items())]
    kept = dict(arrays) | ({MADE_BY: np.array(lines)} if lines else {})
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **kept, **{SEAL_KEY: np.array(_checksum_of(kept))})


def read_arrays(
    path: str | Path,
    names: list[str] | None = None,
    *,
    rest: bool = False,
    own: bool = False,
    seal: bool = False,
) -> dict[str, np.ndarray]:
    """Read the arrays `names` (None: all) of the .npz file `path`, never unpickling anything.

    With `rest` the others that it holds are read as well. `own`: the file is the user's, and no run
    would make it again. `seal`: its checksum has to be there.

    Raises InputError when the file is missing, damaged, not a .npz, lacks one of the arrays, or
    holds others than its checksum (of `write_arrays`) says.
    """
    path, again = regular_file(path), "" if own else AGAIN
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
                raise InputError(f"{path}: one array, where a .npz archive of arrays is needed")
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise ValueError("it holds two arrays of one name")
            for name in names or []:
                if name not in members:
                    there = ", ".join(members) or "nothing"
                    raise InputError(f"{path}: holds no array {name!r}; it holds {there}{again}")
            sealed = seal or SEAL_KEY in members or MADE_BY in members
            chosen = members if sealed or rest or not names else names
            found = {name: _member(archive, members[name]) for name in chosen}
    except InputError:
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(
            f"{path}: damaged or not a .npz file of plain arrays ({one_line(error)}){again}"
        ) from None
    if sealed:
        written = found.pop(SEAL_KEY, None)
        if str(written) != _checksum_of(found):
            raise InputError(altered(path))
        found.pop(MADE_BY, None)
    return found if rest or not names else {name: found[name] for name in names}


def read_array(path: str | Path) -> np.ndarray:
    """Read the one array of the .npy file `path`, never unpickling anything.

    Raises InputError when the file is missing, damaged, or not a .npy.
    """
    path = regular_file(path)
    try:
        with path.open("rb") as stream:
            if stream.read(2) == b"PK":
                raise InputError(
                    f"{path}: an archive of arrays, where a .npy file of one is needed"
                )
            stream.seek(0)
            _check_header(stream, path.stat().st_size)
            stream.seek(0)
            array = _read(stream)
    except InputError:
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(
            f"{path}: damaged or not a .npy file of one plain array ({one_line(error)})"
        ) from None
    return array


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """One array of an archive; zipfile checks its CRC."""
    with archive.open(info) as stream:
        _check_header(stream, info.file_size)
    if info.file_size > _MOST_PACKED * Path(str(archive.filename)).stat().st_size:
        raise ValueError(f"{info.filename} says that it holds {info.file_size} bytes")
    with archive.open(info) as stream:
        return _read(stream)


def _read(stream: IO[bytes]) -> np.ndarray:
    """The array of a stream; ValueError for one of objects, or of texts that are none."""
    array: np.ndarray = read_npy(stream, allow_pickle=False)
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(array.dtype.str[0] + "u4")
        if codes.max(initial=0) >= 0x110000:
            raise ValueError("it holds a text with a character that there is not")
    return array


def _check_header(stream: IO[bytes], size: int) -> None:
    """ValueError unless the array that begins here is as long as its header says: `size` bytes with
    its header, so that no memory is taken for what is not there."""
    version = read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"its format is {version}; needed: (1, 0)")
    shape, _, dtype = read_array_header_1_0(stream)
    said = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or (stream.tell() + said != size and not dtype.hasobject):
        raise ValueError(f"its header says {said} bytes, and {size - stream.tell()} are there")


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
