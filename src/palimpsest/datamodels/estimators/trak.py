"""TRAK (Park et al. 2023): datamodels from the projected gradients of a few trained models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from palimpsest.files import SettingError
from palimpsest.values import Count, Seed, Several

if TYPE_CHECKING:
    from palimpsest.datamodels.material import Originals

NEEDS = "originals"


def estimate(
    material: Originals, *, checkpoints: Several, dimension: Count, seed: Seed
) -> np.ndarray:
    """TRAK of the first `checkpoints` originals (all, where there are fewer), on all weights.

    dimension: of the random projection; at most the number of points.
    seed: of the projection of the first model, the same for all its points.
    """
    from palimpsest.datamodels.gradients import margin_gradients, projection, trak

    if dimension > len(material.inputs):
        raise ValueError(
            f"dimension is {dimension}; allowed: 1 to {len(material.inputs)}, the points"
        )
    names = [name for name, _ in material.template.named_parameters()]
    weights = sum(value.numel() for value in material.template.parameters())
    return trak(
        material.part(slice(checkpoints)),
        lambda model, number: margin_gradients(
            model, material.inputs, material.labels, names,
            projection(weights, dimension, seed + number),
        ),
    )  # fmt: skip


def models(settings: Mapping[str, Any]) -> int:
    """Originals whose gradients are used."""
    return int(settings["checkpoints"])


def check(settings: Mapping[str, Any], train: int) -> None:
    """SettingError for a projection to more dimensions than points."""
    if settings["dimension"] > train:
        found = f"is {settings['dimension']}"
        raise SettingError("dimension", found, f"at most {train}, the training points")
