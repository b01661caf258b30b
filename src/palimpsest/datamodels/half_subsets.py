"""Datamodels from random subsets: regress a point's margin on who was in the training set.

Ilyas et al. 2022: train many models, each on a random part (here half) of the training set; the
weight of source j on target i says how much the presence of j raises the margin of i. Needs no
gradients, only many small models.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import RidgeCV

from palimpsest.randomness import generator


def membership(seeds: Sequence[int], train: int, fraction: float) -> np.ndarray:
    """Which of `train` points each model is trained on: bool (models, train), equal sizes."""
    size = round(fraction * train)
    if not 0 < size < train:
        raise ValueError(f"a subset of {size} of {train} points; needed: some, and not all")
    chosen = np.zeros((len(seeds), train), bool)
    for row, seed in enumerate(seeds):
        chosen[row, generator(seed, "subset").choice(train, size, replace=False)] = True
    return chosen


def regress(chosen: np.ndarray, margins: np.ndarray, penalties: list[float]) -> np.ndarray:
    """Ridge regression of margins on membership, the penalty chosen by leave-one-out.

    Args:
        chosen: bool (models, sources).
        margins: float (models, targets), finite.
        penalties: ridge penalties to choose from, one for all targets.

    Returns:
        Datamodel matrix float32 (targets, sources): row i holds the weights of target i.
    """
    if len(chosen) < 3:
        raise ValueError(f"{len(chosen)} models for a regression; needed: at least 3")
    model = RidgeCV(alphas=penalties).fit(chosen.astype(np.float64), margins.astype(np.float64))
    return np.asarray(model.coef_, np.float32)
