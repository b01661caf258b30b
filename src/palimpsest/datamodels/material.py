"""What datamodels are estimated from: trained originals, or models of random subsets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from palimpsest.randomness import generator
from palimpsest.stacks.stack import StateDict


@dataclass(frozen=True)
class Originals:
    """Trained originals and their training points.

    Args:
        template: one ordinary model of the architecture.
        states: state dicts of the trained models.
        inputs, labels: the training points (points, ...), (points,).
        first: number of the first of these models, where they are part of more.
    """

    template: nn.Module
    states: Sequence[StateDict]
    inputs: Tensor
    labels: Tensor
    first: int = 0

    def __len__(self) -> int:
        return len(self.states)

    def part(self, models: slice) -> "Originals":
        """The same points with some of the models, which keep their numbers."""
        first = self.first + range(len(self))[models].start
        return replace(self, states=self.states[models], first=first)


@dataclass(frozen=True)
class Subsets:
    """Models trained on random subsets: `chosen` bool (models, sources), `margins` float (models,
    targets), all of them finite."""

    chosen: np.ndarray
    margins: np.ndarray

    def __len__(self) -> int:
        return len(self.chosen)

    def part(self, models: slice) -> "Subsets":
        """Some of the models."""
        return Subsets(self.chosen[models], self.margins[models])


Material = Originals | Subsets


def membership(seeds: Sequence[int], train: int, fraction: float) -> np.ndarray:
    """Which of `train` points are in the subset of each seed: bool (seeds, train), equal sizes."""
    if not math.isfinite(fraction):
        raise ValueError(f"a fraction of {fraction} of the points; needed: above 0 and below 1")
    size = round(fraction * train)
    if not 0 < size < train:
        raise ValueError(f"a subset of {size} of {train} points; needed: some, and not all")
    chosen = np.zeros((len(seeds), train), bool)
    for row, seed in enumerate(seeds):
        chosen[row, generator(seed, "subset").choice(train, size, replace=False)] = True
    return chosen
