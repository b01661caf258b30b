"""A random mask: a share of the weights may move, the others keep their bits.

The control of every mask that claims to choose the right weights (SalUn, Fan et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palimpsest.randomness import generator
from palimpsest.values import Seed, Share

if TYPE_CHECKING:
    from palimpsest.stacks.stack import Stack
    from palimpsest.training.data import TrainingData
    from palimpsest.training.preparing import Prepared


def prepare(
    stack: Stack, data: TrainingData, seeds: Sequence[int], *, share: Share, mask_seed: Seed = 0
) -> Prepared:
    """Each weight may move with probability `share`, drawn for each model and parameter."""
    import torch

    from palimpsest.training.preparing import Prepared

    movable = {}
    for number, (name, parameter) in enumerate(stack.network.named_parameters()):
        own = [
            generator(seed, "random_mask", mask_seed, number).random(part.shape) < share
            for seed, part in zip(seeds, stack.parts(parameter), strict=True)
        ]
        joined = torch.cat([torch.from_numpy(chosen) for chosen in own])
        movable[name] = joined.reshape(parameter.shape).to(parameter.device)
    return Prepared(movable=movable)
