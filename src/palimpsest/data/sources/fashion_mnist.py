"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): 70,000 grey images of clothes, 28 x 28 pixels.

The four official files lie in `data_dir`/FashionMNIST/raw, packed, where torchvision fetches them
to. `checksums: official` holds them to the published MD5 sums; any other value names an
md5sum-style text file in that folder that replaces these. A small part of the images, in fewer
pixels, comes with the project: `fashion`.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources._official import OfficialFiles, unreadable
from palimpsest.files import regular_file

FOLDER = "FashionMNIST/raw"
TRAIN_FILES = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_FILES = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
SIDE = 28

# torchvision.datasets.FashionMNIST has the same; here so that a check needs no import of torch.
OFFICIAL_MD5 = {
    TRAIN_FILES[0]: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    TRAIN_FILES[1]: "25c81989df183df01b3e8a0aad5dffbe",
    TEST_FILES[0]: "bef4ecab320f06d8554ea6380940ec79",
    TEST_FILES[1]: "bb300cfdad3c16e7a12a480ee83cd310",
}
MEAN, STD = (0.2860,), (0.3530,)
"""of the training images, after division by 255"""

OFFICIAL = OfficialFiles(
    "fashion_mnist", "Fashion-MNIST", "the four files of Fashion-MNIST", FOLDER, OFFICIAL_MD5,
    train=60_000, test=10_000, classes=10, item=(1, SIDE, SIDE),
)  # fmt: skip
check, facts = OFFICIAL.check, OFFICIAL.facts


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """Training images, then test images, in official order.

    InputError if a file is missing, has the wrong checksum or cannot be read.
    """
    OFFICIAL.have(data_dir, download, checksums, _fetch)
    train, test = (
        read_pair(*(data_dir / FOLDER / name for name in names))
        for names in (TRAIN_FILES, TEST_FILES)
    )
    return OFFICIAL.dataset([train], test, MEAN, STD)


def read_pair(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (points, 1, 28, 28) and labels int64; InputError if the files are none."""
    pixels, classes = read_idx(images, 3), read_idx(labels, 1)
    try:
        if pixels.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"its images are not {SIDE} x {SIDE} pixels")
        if len(classes) != len(pixels):
            raise ValueError(f"{len(pixels)} images, and {labels.name} has {len(classes)} labels")
        if classes.max(initial=0) > 9:
            raise ValueError(f"{labels.name} has a label above 9")
    except ValueError as error:
        raise unreadable(images, "a file of Fashion-MNIST", error) from None
    return pixels[:, None], classes.astype(np.int64)


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The uint8 array of a packed IDX file, of so many axes; InputError if it is none.

    Four bytes 0, 0, 8 (uint8), axes; the lengths of the axes, each in four bytes, the highest
    first; the numbers.
    """
    regular_file(path)
    try:
        with gzip.open(path) as file:
            content = file.read()
        start = 4 + 4 * axes
        if content[:4] != bytes([0, 0, 8, axes]) or len(content) < start:
            raise ValueError(f"it does not begin as an IDX file of bytes with {axes} axes")
        shape = [int.from_bytes(content[n : n + 4], "big") for n in range(4, start, 4)]
        if len(content) - start != math.prod(shape):
            raise ValueError(f"it holds {len(content) - start} numbers, and says {shape}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise unreadable(path, "a packed IDX file", error) from None
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _fetch(data_dir: Path) -> None:
    """Have the official files in `data_dir`: torchvision itself looks at unpacked ones alone."""
    from torchvision.datasets import FashionMNIST
    from torchvision.datasets.utils import download_url

    for name, md5 in OFFICIAL_MD5.items():
        download_url(f"{FashionMNIST.mirrors[0]}{name}", data_dir / FOLDER, name, md5)
