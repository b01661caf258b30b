"""CIFAR-10 through torchvision, from the official python batches or from files in that format.

The files lie in `data_dir`/cifar-10-batches-py. `checksums: official` holds them to torchvision's
MD5 sums; any other value names an md5sum-style text file in that folder that replaces these (the
one that convert_packed_cifar10.py writes is called MD5SUMS).
"""

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts
from palimpsest.files import InputError

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
_SIZE_PATTERN = re.compile(r"^# (\d+) training and (\d+) test images$", re.MULTILINE)


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in the order of the batches.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    check(data_dir, download, checksums)
    from torchvision.datasets import CIFAR10

    reader = CIFAR10
    if checksums != "official":
        md5 = read_checksums(data_dir / FOLDER / checksums)
        lists = {
            "train_list": [[name, md5[name]] for name in TRAIN_FILES],
            "test_list": [[TEST_FILE, md5[TEST_FILE]]],
            "meta": {**CIFAR10.meta, "md5": md5[META_FILE]},
        }
        reader = type("LocalCIFAR10", (CIFAR10,), lists)
    try:
        parts = [reader(data_dir, train=train, download=download) for train in (True, False)]
        images = np.concatenate([part.data for part in parts]).transpose(0, 3, 1, 2)
        labels = np.concatenate([np.asarray(part.targets, np.int64) for part in parts])
    except OSError as error:
        raise InputError(f"CIFAR-10 could not be had in {data_dir}: {error}") from None
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.PickleError) as error:
        raise InputError(
            f"{data_dir / FOLDER}: not readable as CIFAR-10 python batches ({error})"
        ) from None
    return Dataset(
        name="cifar10",
        pool=np.ascontiguousarray(images),
        labels=labels,
        train_points=len(parts[0].targets),
        encoding=Images(scale=255.0, mean=np.array(MEAN), std=np.array(STD)),
    )


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
        match = _SIZE_PATTERN.search(path.read_text(encoding="utf-8")) if path.is_file() else None
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
