"""A random mask: a share of the live weights may move, the others keep their bits.

The control of every mask that claims to choose the right weights (`salun_mask`, `rbm_mask`): as
many weights of the same ones, drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palimpsest.preparations._saliency import Action, largest, live, masked, saliencies
from palimpsest.randomness import generator
from palimpsest.values import Seed, Share

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
    share: Share,
    mask_seed: Seed = 0,
    action: Action = "freeze",
) -> Prepared:
    """Of each model's live weights the `share` may move that is drawn for it."""
    import numpy as np
    import torch

    alive = live(saliencies(stack, data, "summed"))
    count = alive.shape[1]
    drawn = [generator(seed, "random_mask", mask_seed).random(count) for seed in seeds]
    scores = torch.from_numpy(np.stack(drawn)).to(alive.device)
    return masked(stack, largest(scores, alive, share), alive, action)
