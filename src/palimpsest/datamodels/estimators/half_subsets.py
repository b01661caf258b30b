"""Datamodels from random subsets: regress a point's margin on who was in the training set.

Ilyas et al. 2022: train many models, each on a random part (here half) of the training set. Needs
no gradients, but many models: thousands, before it says as much as the gradients of a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from palimpsest.values import MOST_MODELS, Once, Positive, Some

if TYPE_CHECKING:
    from palimpsest.datamodels.material import Subsets

NEEDS = "subsets"
FEWEST = 6
"""models: a regression on each half of them needs three"""


def estimate(
    material: Subsets,
    *,
    models: Annotated[int, Field(ge=FEWEST, le=MOST_MODELS)],
    ridge: Annotated[list[Positive], Some, Once],
) -> np.ndarray:
    """Ridge regression of margins on membership, the penalty of `ridge` chosen by leave-one-out."""
    from sklearn.linear_model import RidgeCV

    if len(material) < FEWEST // 2:
        raise ValueError(f"{len(material)} models for a regression; needed: at least 3")
    chosen, margins = material.chosen.astype(np.float64), material.margins.astype(np.float64)
    return np.asarray(RidgeCV(alphas=ridge).fit(chosen, margins).coef_, np.float32)


def models(settings: Mapping[str, Any]) -> int:
    """Models on random subsets that the estimate is made from."""
    return int(settings["models"])
