"""The toy on which methods are examined: three small models trained on real digits."""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from palimpsest.data.facts import Facts
from palimpsest.data.splits import Split
from palimpsest.models import resnet9
from palimpsest.plans.recipe import recipe
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.populations import incompetent_states
from palimpsest.training.sweep import run_sweep

SEEDS = [11, 12, 13]
CLASSES = 10
TRAIN, VAL, FORGET = 120, 40, 10  # points; the forget set is larger than the number of models
ALL = slice(None)


def untrained() -> nn.Module:
    """An untrained model of the toy, from torch's global generator."""
    return resnet9.build(Facts(TRAIN + VAL, None, CLASSES, (1, 8, 8)), width=2).double()


@dataclass
class Toy:
    """A small problem on real digits, in float64: three trained models and a forget set."""

    inputs: Tensor
    labels: Tensor
    split: Split
    states: list[StateDict] = field(default_factory=list)

    @classmethod
    def make(cls) -> "Toy":
        """Train the three originals (a second or two)."""
        digits = load_digits()
        chosen = generator(0, "toy").permutation(len(digits.target))[: TRAIN + VAL]
        images = torch.tensor(digits.images[chosen] / 8.0 - 1.0, dtype=torch.float64)[:, None]
        split = Split(
            np.arange(TRAIN), np.arange(TRAIN, TRAIN + VAL), np.arange(0, TRAIN, TRAIN // FORGET)
        )
        toy = cls(images, torch.tensor(digits.target[chosen]), split)
        for seed in SEEDS:
            torch.manual_seed(seed)
            toy.states.append(untrained().state_dict())
        training = recipe(
            epochs=4, batch_size=32, peak_lr=0.2, peak_epoch=2, momentum=0.9, weight_decay=5e-4
        )
        train = {"retain": torch.from_numpy(split.train)}
        data = TrainingData(toy.inputs, toy.labels, train, CLASSES)
        sweep = run_sweep(toy.stack(), {0: training}, data=data, seeds=SEEDS, device=Device())
        for outcome in sweep:
            toy.states = outcome.stack.state_dicts()
        return toy

    def forgetting_a_class(self) -> "Toy":
        """The same originals, with a forget set that holds all training points of a class."""
        own = self.labels.numpy()[self.split.train] == 0
        split = Split(self.split.train, self.split.val, self.split.train[own])
        return dataclasses.replace(self, split=split)

    @cached_property
    def template(self) -> nn.Module:
        """One ordinary model of the toy's architecture."""
        return untrained()

    def stack(self, models: slice = ALL) -> Stack:
        """The originals, or some of them."""
        return Stack(self.template, self.states[models])

    def data(self, models: slice = ALL, **changes: Any) -> TrainingData:
        """The toy as the loop reads it, with the originals and untrained models as teachers."""
        splits = {
            "forget": torch.from_numpy(self.split.forget),
            "retain": torch.from_numpy(self.split.retain),
            "train": torch.from_numpy(self.split.train),
        }
        data = TrainingData(
            self.inputs,
            self.labels,
            splits,
            CLASSES,
            self.teacher[:, models],
            self.incompetent[:, models],
        )
        return dataclasses.replace(data, **changes)

    @cached_property
    def teacher(self) -> Tensor:
        """Logits of the originals on all points (points, models, classes)."""
        return logits(self.stack(), self.inputs, Device())

    @cached_property
    def incompetent(self) -> Tensor:
        """Those of untrained models."""
        untaught = Stack(self.template, incompetent_states(untrained, SEEDS))
        return logits(untaught, self.inputs, Device())
