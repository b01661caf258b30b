"""SVHN: the cropped digits of house numbers, from the official .mat files or files in that format.

The files lie in `data_dir`/svhn, where torchvision fetches them to. `checksums: official` holds
them to torchvision's MD5 sums; any other value names an md5sum-style text file in that folder that
replaces these. In the files the digit 0 has the label 10; here it has the label 0.
"""

from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources._mat import real_arrays
from palimpsest.data.sources._official import OfficialFiles, unreadable
from palimpsest.files import regular_file

FOLDER = "svhn"
TRAIN_FILE, TEST_FILE = "train_32x32.mat", "test_32x32.mat"

# torchvision.datasets.SVHN has the same; here so that a check needs no import of torch.
OFFICIAL_MD5 = {
    TRAIN_FILE: "e26dedcc434d2e4c54c9b2d4a06d8373",
    TEST_FILE: "eb5a983be6a315427106f1b164d9cef3",
}

# Of the training images, after division by 255, as commonly used.
MEAN = (0.4377, 0.4438, 0.4728)
STD = (0.1980, 0.2010, 0.1970)

OFFICIAL = OfficialFiles(
    "svhn", "SVHN", "the SVHN files of cropped digits", FOLDER, OFFICIAL_MD5,
    train=73_257, test=26_032, classes=10,
)  # fmt: skip
check, facts = OFFICIAL.check, OFFICIAL.facts


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in official order.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    OFFICIAL.have(data_dir, download, checksums, _fetch)
    train, test = (read_mat(data_dir / FOLDER / name) for name in (TRAIN_FILE, TEST_FILE))
    return OFFICIAL.dataset([train], test, MEAN, STD)


def read_mat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 3, 32, 32) and labels int64 of one file; InputError if it is none."""
    regular_file(path)
    try:
        arrays = real_arrays(path.read_bytes())
        if not {"X", "y"} <= arrays.keys():
            raise ValueError("it does not hold X and y as arrays of real numbers")
        images, labels = arrays["X"], arrays["y"]
        if images.dtype != np.uint8 or images.shape[:-1] != (32, 32, 3):
            raise ValueError("its X is no uint8 array (32, 32, 3, images)")
        if labels.shape != (images.shape[-1], 1):
            raise ValueError("its y does not hold a label for each of its images")
        if not np.isin(labels, np.arange(1, 11)).all():
            raise ValueError("a label is none of 1 to 10")
    except Exception as error:  # a damaged file can fail in any way
        raise unreadable(path, "an SVHN file of cropped digits", error) from None
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels[:, 0].astype(np.int64) % 10


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`; torchvision reads none whose MD5 is not official."""
    from torchvision.datasets import SVHN

    for split in ("train", "test"):
        SVHN(data_dir / FOLDER, split, download=True)
