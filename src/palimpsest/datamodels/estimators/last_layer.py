"""TRAK on the gradients of the last layer alone, of many trained models.

As `trak`, but the gradients are those of the weights of the last layer, which are so few that they
need no projection. On small data sets it predicts better than a few models' projected gradients of
all weights, since it can afford all originals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from palimpsest.values import Positive, Several

if TYPE_CHECKING:
    from palimpsest.datamodels.material import Originals

NEEDS = "originals"
OF_LAST_LAYER = True
"""its gradients are of the last layer's weights alone, which `src/plan.py` reckons with"""


def estimate(material: Originals, *, checkpoints: Several, ridge: Positive) -> np.ndarray:
    """TRAK of the first `checkpoints` originals (all, where there are fewer).

    ridge: of the gram matrix, in units of its mean diagonal; more of it predicts a little worse and
    makes estimates from other models more alike.
    """
    from palimpsest.datamodels.gradients import last_layer, margin_gradients, trak

    names = last_layer(material.template)
    return trak(
        material.part(slice(checkpoints)),
        lambda model, _: margin_gradients(model, material.inputs, material.labels, names),
        ridge,
    )


def models(settings: Mapping[str, Any]) -> int:
    """Originals whose gradients are used."""
    return int(settings["checkpoints"])
