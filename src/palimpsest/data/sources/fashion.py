"""A subset of Fashion-MNIST that comes with the project: 3,000 real images, no download.

The first 200 training and 100 test images of each of the ten classes, in official order, averaged
to 14 x 14 pixels (Xiao, Rasul and Vollgraf 2017; MIT licence, beside the file). Made by
tools/make_fashion.py.
"""

import hashlib
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts
from palimpsest.files import InputError

FILE = Path(__file__).parents[1] / "shipped" / "fashion.npz"
SHA256 = "39c1b7adc61507bab763f2a00c19918b8f3208a663cf45c6bef2156c41cebd5a"
"""of the images and labels"""
MEAN, STD = (0.2867,), (0.3320,)
"""of the training images, after division by 255"""
TRAIN_POINTS = 2000


def facts(data_dir: Path, checksums: str) -> Facts:
    """The same everywhere; no file is looked at."""
    return Facts(points=3000, train_points=TRAIN_POINTS, classes=10, item=(1, 14, 14))


def check(data_dir: Path, download: bool, checksums: str) -> None:
    """Nothing can be missing: the images come with the project."""


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """The training part in official order, then the test part; InputError for altered images."""
    arrays = read_arrays(FILE, ["images", "labels"], own=True)
    content = arrays["images"].tobytes() + arrays["labels"].tobytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{FILE}: altered; needed: the file that came with the project")
    return Dataset(
        name="fashion",
        pool=arrays["images"],
        labels=arrays["labels"].astype(np.int64),
        train_points=TRAIN_POINTS,
        encoding=Images(scale=255.0, mean=np.array(MEAN), std=np.array(STD)),
    )
