"""A forget set drawn at random."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import SettingError
from palimpsest.values import Count, Seed


def choose(
    base: Split,
    estimate: Estimate | None = None,
    labels: np.ndarray | None = None,
    *,
    size: Count,
    seed: Seed,
) -> np.ndarray:
    """`size` of the training points, drawn without replacement.

    The rule behind the published random forget sets of CIFAR-10 (data-unlearning-bench).
    """
    train = base.train
    if not 1 <= size < len(train):
        raise ValueError(
            f"the forget set size is {size}; allowed: 1 to {len(train) - 1}, below the training set"
        )
    positions = np.random.RandomState(seed).choice(len(train), size, replace=False)
    return np.sort(train[positions])


def points(settings: Mapping[str, Any]) -> int:
    """How many points are chosen."""
    return int(settings["size"])


def check(settings: Mapping[str, Any], train: int, classes: int) -> None:
    """SettingError unless some training points are left."""
    if settings["size"] >= train:
        allowed = f"at most {train - 1}, below the {train} training points"
        raise SettingError("size", f"is {settings['size']}", allowed)
