"""Scikit-learn's handwritten digits: 1,797 real images of 8 x 8 pixels, no download."""

from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts

MEAN, STD = (0.3053,), (0.3760,)
"""of all 1,797 images, after division by 16"""


def facts(data_dir: Path, checksums: str) -> Facts:
    """The same everywhere; no file is looked at."""
    return Facts(points=1797, train_points=None, classes=10, item=(1, 8, 8))


def check(data_dir: Path, download: bool, checksums: str) -> None:
    """Nothing can be missing: the images come with scikit-learn."""


def load(data_dir: Path, download: bool, checksums: str) -> Dataset:
    """The digits as one pool without official parts."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(
        name="digits",
        pool=digits.images.astype(np.uint8)[:, None],
        labels=digits.target.astype(np.int64),
        train_points=None,
        encoding=Images(scale=16.0, mean=np.array(MEAN), std=np.array(STD)),
    )
