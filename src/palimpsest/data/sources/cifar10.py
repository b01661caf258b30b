"""CIFAR-10 from the official python batches, which torchvision fetches, or files in that format.

The files lie in `data_dir`/cifar-10-batches-py. `checksums: official` holds them to torchvision's
MD5 sums; any other value names an md5sum-style text file in that folder that replaces these (the
one that convert_packed_cifar10.py writes is called MD5SUMS). A batch is a pickle, of which nothing
but arrays, texts, numbers, lists and maps are made (`_Batch`).
"""

import hashlib
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts
from palimpsest.files import InputError, one_line

FOLDER = "cifar-10-batches-py"
TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_FILE, META_FILE = "test_batch", "batches.meta"
FILES = (*TRAIN_FILES, TEST_FILE, META_FILE)
OFFICIAL_POINTS, OFFICIAL_TRAIN_POINTS = 60_000, 50_000

# torchvision.datasets.CIFAR10 has the same; here so that a check needs no import of torch.
OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}

# The constants of the paper's recipe (protocol of Ascent Fails to Forget).
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)

_SIZE_LINE = "# {train} training and {test} test images"
_SIZE_PATTERN = re.compile(r"^# (\d{1,9}) training and (\d{1,9}) test images$", re.MULTILINE)


class _Batch(pickle._Unpickler):
    """Reads a batch, of Python 2 or 3, and runs nothing that its file names.

    The unpickler in Python, since the one in C sets aside as much memory as a file asks for.
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


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in the order of the batches.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    check(data_dir, download, checksums)
    if download:
        _fetch(data_dir)
        check(data_dir, False, checksums)
    parts = [read_batch(data_dir / FOLDER / name) for name in (*TRAIN_FILES, TEST_FILE)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Dataset(
        name="cifar10",
        pool=images,
        labels=labels,
        train_points=sum(len(own) for _, own in parts[: len(TRAIN_FILES)]),
        encoding=Images(scale=255.0, mean=np.array(MEAN), std=np.array(STD)),
    )


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and labels int64 of one batch; InputError if it is none."""
    try:
        content = _Batch(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        images, labels = content["data"], content["labels"]
        if type(images) is not np.ndarray or images.dtype != np.uint8:
            raise ValueError("its data are no uint8 array")
        if not isinstance(labels, list) or images.shape != (len(labels), 3072):
            raise ValueError("it does not hold 3072 values of data for each of its labels")
        if not all(type(label) is int and 0 <= label < 10 for label in labels):
            raise ValueError("a label is none of 0 to 9")
    except Exception as error:  # a damaged pickle can fail in any way
        told = one_line(error)
        raise InputError(f"{path}: not readable as a CIFAR-10 python batch ({told})") from None
    return images.reshape(-1, 3, 32, 32), np.array(labels, np.int64)


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`; torchvision reads none whose MD5 is not official."""
    from torchvision.datasets import CIFAR10

    try:
        CIFAR10(data_dir, download=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"CIFAR-10 could not be had in {data_dir}: {error}") from None


def check(data_dir: Path, download: bool, checksums: str) -> None:
    """Check that the files exist and have the right MD5; with `download` they may be missing."""
    if download and checksums != "official":
        raise InputError(
            f"checksums {checksums!r} with download: true; "
            "allowed: a download with checksums: official, or local files with download: false"
        )
    if download:
        return
    folder = data_dir / FOLDER
    expected = OFFICIAL_MD5 if checksums == "official" else read_checksums(folder / checksums)
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: there is no such file; put the CIFAR-10 python batches into "
                f"{folder}, or set download: true"
            )
    for name in FILES:
        with (folder / name).open("rb") as stream:
            found = hashlib.file_digest(stream, "md5").hexdigest()
        if found != expected[name]:
            raise InputError(
                f"{folder / name}: damaged or another file (MD5 {found}, {checksums} "
                f"{expected[name]}); fetch or convert it again"
            )


def facts(data_dir: Path, checksums: str) -> Facts | None:
    """Of the official files, or what the file of checksums says; None if it does not tell."""
    points, train = OFFICIAL_POINTS, OFFICIAL_TRAIN_POINTS
    if checksums != "official":
        path = data_dir / FOLDER / checksums
        match = _SIZE_PATTERN.search(path.read_text("utf-8", "replace")) if path.is_file() else None
        if match is None:
            return None
        train, points = int(match[1]), int(match[1]) + int(match[2])
    return Facts(points, train, classes=10, item=(3, 32, 32))


def read_checksums(path: Path) -> dict[str, str]:
    """File name -> MD5 from md5sum-style text; InputError unless every batch file is listed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: there is no such text file of MD5 checksums") from None
    found = {name: md5 for md5, name in re.findall(r"^([0-9a-f]{32}) [ *](\S+)$", text, re.M)}
    for name in FILES:
        if name not in found:
            raise InputError(f"{path}: has no MD5 checksum of {name}; needed: one line per file")
    return found


def checksum_text(contents: dict[str, bytes], train: int, test: int) -> str:
    """The md5sum-style text for files of these contents; `facts` reads its first line."""
    lines = [_SIZE_LINE.format(train=train, test=test)]
    lines += [f"{hashlib.md5(contents[name]).hexdigest()}  {name}" for name in FILES]
    return "\n".join(lines) + "\n"


def batch(images: np.ndarray, labels: np.ndarray, label: str) -> dict[str, Any]:
    """One python batch: `images` uint8 (points, 3, 32, 32) as rows of red, green, blue planes."""
    return {
        "batch_label": label,
        "labels": [int(value) for value in labels],
        "data": np.ascontiguousarray(images.reshape(len(images), 3072)),
        "filenames": [f"{label.replace(' ', '_')}_{row}.png" for row in range(len(images))],
    }
