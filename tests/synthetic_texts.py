"""Texts of token ids that tiny models learn at once: each class has a successor of each token."""

import numpy as np

from palimpsest.data.datasets import Dataset, Tokens

PADDING = 0
VOCABULARY = 20
LENGTH = 9
CLASSES = 3


def texts(points: int = 120, seed: int = 0) -> Dataset:
    """Texts of 5 to 9 tokens; in class c the token t is mostly followed by the token t + c + 1."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, points)
    pool = np.full((points, LENGTH), PADDING, np.int32)
    for row, length in enumerate(random.integers(5, LENGTH + 1, points)):
        token = random.integers(1, VOCABULARY)
        for place in range(length):
            pool[row, place] = token
            follows = (token + labels[row]) % (VOCABULARY - 1) + 1
            token = follows if random.random() < 0.9 else random.integers(1, VOCABULARY)
    return Dataset("texts", pool, labels, None, Tokens(VOCABULARY, PADDING))
