"""Scikit-learn's handwritten digits: 1,797 real images of 8 x 8 pixels, no download."""

import numpy as np

from palimpsest.data.datasets import Dataset

POINTS = 1797
MEAN, STD = (0.3053,), (0.3760,)
"""of all 1,797 images, after division by 16"""


def load() -> Dataset:
    """The digits as one pool without official parts."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(
        name="digits",
        images=digits.images.astype(np.uint8)[:, None],
        labels=digits.target.astype(np.int64),
        train_points=None,
        scale=16.0,
        mean=np.array(MEAN),
        std=np.array(STD),
    )
