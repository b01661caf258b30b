"""Retention-based masking: the weights that are salient for the retain set may move.

The mask is named by the later version of "Understanding Fine-tuning in Approximate Unlearning"
(arXiv 2410.03833), which has no public code; **this definition is ours**. Salient is as in SalUn
(`salun_mask`), with the retain set in place of the forget set. The other live weights are set to
zero in the starting model and stay zero: the theory there removes what belongs to the forget set
alone. "freeze" leaves them as they are instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palimpsest.preparations._saliency import Action, Reduction, largest, live, masked, saliencies
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
    action: Action = "zero",
    reduction: Reduction = "summed",
) -> Prepared:
    """The `share` of live weights most salient for the retain set may move.

    Weights that are not live neither move nor are set to zero.
    """
    found = saliencies(stack, data, reduction)
    alive = live(found)
    return masked(stack, largest(found["retain"], alive, share), alive, action)
