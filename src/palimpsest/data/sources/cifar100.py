"""CIFAR-100 from the official python files, which torchvision fetches, or files in that format.

The files lie in `data_dir`/cifar-100-python. `checksums: official` holds them to torchvision's MD5
sums; any other value names an md5sum-style text file in that folder that replaces these. They are
read like the batches of CIFAR-10 (`_cifar.py`); the classes are the 100 fine labels.
"""

from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources import _cifar
from palimpsest.data.sources._official import OfficialFiles

FOLDER = "cifar-100-python"

# torchvision.datasets.CIFAR100 has the same; here so that a check needs no import of torch.
OFFICIAL_MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}

# Of the training images, after division by 255, as commonly used.
MEAN = (0.5071, 0.4865, 0.4409)
STD = (0.2673, 0.2564, 0.2762)

OFFICIAL = OfficialFiles(
    "cifar100", "CIFAR-100", "the CIFAR-100 python files", FOLDER, OFFICIAL_MD5,
    train=50_000, test=10_000, classes=100,
)  # fmt: skip
check, facts = OFFICIAL.check, OFFICIAL.facts


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in official order.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    OFFICIAL.have(data_dir, download, checksums, _fetch)
    train, test = (read_batch(data_dir / FOLDER / name) for name in ("train", "test"))
    return OFFICIAL.dataset([train], test, MEAN, STD)


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and fine labels int64 of one file; InputError if none."""
    return _cifar.read_batch(path, OFFICIAL, "fine_labels")


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`; torchvision reads none whose MD5 is not official."""
    from torchvision.datasets import CIFAR100

    CIFAR100(data_dir, download=True)
