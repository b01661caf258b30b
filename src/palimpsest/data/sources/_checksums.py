"""Checksums of data files: an md5sum-style text file that lists them, and files held to it.

Its first line may state the sizes of the data set, "# 25000 training and 25000 test texts". Sums of
64 digits are SHA-256 (`sha256sum`), those of 32 MD5 (`md5sum`).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from palimpsest.files import InputError, read_text, regular_file

_SIZES = re.compile(r"^# (\d{1,9}) training and (\d{1,9}) test (?:images|texts)$", re.MULTILINE)
_LINE = re.compile(r"^([0-9a-f]{32}|[0-9a-f]{64}) [ *](\S+)$", re.MULTILINE)


def read_sums(path: Path, names: Iterable[str]) -> dict[str, str]:
    """File name -> checksum from such a text; InputError unless every one of `names` is listed."""
    try:
        text = read_text(path, "text file of checksums")
    except UnicodeDecodeError:
        raise InputError(f"{path}: no UTF-8 text; needed: a text file of checksums") from None
    found = {name: checksum for checksum, name in _LINE.findall(text)}
    for name in names:
        if name not in found:
            raise InputError(f"{path}: has no checksum of {name}; needed: one line per file")
    return found


def check_sums(
    folder: Path, names: Iterable[str], expected: Mapping[str, str], origin: str
) -> None:
    """InputError for the first file that has another checksum than `expected` of this `origin`."""
    for name in names:
        kind = "SHA-256" if len(expected[name]) == 64 else "MD5"
        with regular_file(folder / name).open("rb") as stream:
            found = hashlib.file_digest(stream, kind.replace("-", "").lower()).hexdigest()
        if found != expected[name]:
            raise InputError(
                f"{folder / name}: damaged or another file ({kind} {found}, {origin} "
                f"{expected[name]}); fetch or convert it again"
            )


def check_download(checksums: str) -> None:
    """InputError unless what is downloaded is held to the official checksums."""
    if checksums != "official":
        raise InputError(
            f"checksums {checksums!r} with download: true; "
            "allowed: a download with checksums: official, or local files with download: false"
        )


def sizes(path: Path) -> tuple[int, int] | None:
    """Training and test points that such a text states; None if it does not, or is not there."""
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    match = _SIZES.search(text)
    return None if match is None else (int(match[1]), int(match[2]))
