"""Random numbers that depend on what they are for, never on when they are drawn."""

import zlib

import numpy as np


def generator(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """A generator of its own for (seed, purpose, position), say (seed, "train", epoch, phase).

    Two draws for the same purpose and position are equal in whatever order, stack or process they
    happen; that is what makes shared and separate runs of a sweep equal bit for bit.
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *position])
