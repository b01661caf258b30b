"""SalUn's mask: the weights that are salient for the forget set may move (Fan et al. 2024).

Public code: OPTML-Group/Unlearn-Saliency, which takes the gradient of the loss over the forget
set in evaluation mode and keeps the global top half of its absolute values. There the share is of
all weights; here of the live ones (see `_saliency`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palimpsest.preparations._saliency import Reduction, largest, live, masked, saliencies
from palimpsest.values import Share

if TYPE_CHECKING:
    from palimpsest.stacks.stack import Stack
    from palimpsest.training.data import TrainingData
    from palimpsest.training.preparing import Prepared

NEEDS: tuple[str, ...] = ()


def prepare(
    stack: Stack,
    data: TrainingData,
    seeds: Sequence[int],
    *,
    share: Share = 0.5,
    reduction: Reduction = "summed",
) -> Prepared:
    """The `share` of live weights most salient for the forget set may move; others stay."""
    found = saliencies(stack, data, reduction)
    alive = live(found)
    return masked(stack, largest(found["forget"], alive, share), alive, "freeze")
