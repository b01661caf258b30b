"""Arrays of real numbers from .mat files of MATLAB 5 to 7.2; nothing else is made of a file.

After MathWorks' "MAT-File Format", level 5. scipy.io.loadmat reads more of it, but trusts a file:
one turned bit, in the kind of an element, and it ends the process.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_HEADER = 128
_STORED = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8",
           12: "<i8", 13: "<u8"}  # fmt: skip
"""kind of an element -> its numbers"""
_MATRIX, _COMPRESSED = 14, 15  # further kinds
_NUMERIC = range(6, 16)  # classes of arrays: double, single, int8, ..., uint64
_MOST = 2**30
"""bytes of one unpacked array; the largest of SVHN's has a quarter of it"""


def real_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Name -> array; what is no array of real numbers is passed over.

    ValueError for what is no such file.
    """
    if content[124:_HEADER] != b"\x00\x01IM":
        raise ValueError("it is no little-endian .mat file of MATLAB 5 to 7.2")
    found = {}
    for kind, data in _elements(memoryview(content)[_HEADER:]):
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = memoryview(unpacker.decompress(data, _MOST))
            if not unpacker.eof:
                raise ValueError("a packed array is cut off or too large")
            kind, data = next(_elements(unpacked), (0, data))
        if kind != _MATRIX:
            raise ValueError("it holds something else than arrays")
        parts = list(_elements(data))
        if len(parts) != 4 or parts[0][1][0] not in _NUMERIC:  # a complex array has five
            continue
        shape, (stored, values) = np.frombuffer(parts[1][1], "<i4"), parts[3]
        if stored not in _STORED:
            raise ValueError("the numbers of an array are stored as none")
        numbers = np.frombuffer(values, _STORED[stored])
        found[bytes(parts[2][1]).decode("latin1")] = numbers.reshape(shape, order="F")
    return found


def _elements(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The kind and the content of each element; ValueError where one is cut off."""
    place = 0
    while place < len(content):
        if place + 8 > len(content):
            raise ValueError("it is cut off")
        kind, size = struct.unpack_from("<II", content, place)
        start = place + 8
        if kind >> 16:  # a small one, within the eight bytes
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            end = following = start + 4
        else:
            end = len(content)
            following = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > end:
            raise ValueError("it is cut off")
        yield kind, content[start : start + size]
        place = following
