"""CIFAR-10 from the official python batches, which torchvision fetches, or files in that format.

The files lie in `data_dir`/cifar-10-batches-py. `checksums: official` holds them to torchvision's
MD5 sums; any other value names an md5sum-style text file in that folder that replaces these (the
one that convert_packed_cifar10.py writes is called MD5SUMS). A batch is a pickle, of which nothing
but arrays, texts, numbers, lists and maps are made (`_cifar.py`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources import _cifar
from palimpsest.data.sources._official import OfficialFiles

FOLDER = "cifar-10-batches-py"
TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_FILE, META_FILE = "test_batch", "batches.meta"
FILES = (*TRAIN_FILES, TEST_FILE, META_FILE)

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

OFFICIAL = OfficialFiles(
    "cifar10", "CIFAR-10", "the CIFAR-10 python batches", FOLDER, OFFICIAL_MD5,
    train=50_000, test=10_000, classes=10,
)  # fmt: skip
check, facts, checksum_text = OFFICIAL.check, OFFICIAL.facts, OFFICIAL.checksum_text


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in the order of the batches.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    OFFICIAL.have(data_dir, download, checksums, _fetch)
    *train, test = (read_batch(data_dir / FOLDER / name) for name in (*TRAIN_FILES, TEST_FILE))
    return OFFICIAL.dataset(train, test, MEAN, STD)


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and labels int64 of one batch; InputError if it is none."""
    return _cifar.read_batch(path, OFFICIAL, "labels")


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`; torchvision reads none whose MD5 is not official."""
    from torchvision.datasets import CIFAR10

    CIFAR10(data_dir, download=True)


def batch(images: np.ndarray, labels: np.ndarray, label: str) -> dict[str, Any]:
    """One python batch: `images` uint8 (points, 3, 32, 32) as rows of red, green, blue planes."""
    return {
        "batch_label": label,
        "labels": [int(value) for value in labels],
        "data": np.ascontiguousarray(images.reshape(len(images), 3072)),
        "filenames": [f"{label.replace(' ', '_')}_{row}.png" for row in range(len(images))],
    }
