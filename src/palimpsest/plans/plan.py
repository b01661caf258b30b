"""A method is a plan: epochs of phases, each a sum of weighted terms; training is one as well.

Because plans are plain data, two settings that begin alike are recognised by comparing their
phases (training/sweep.py). Nothing here imports torch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from palimpsest.plans.losses import CrossEntropy, Loss
from palimpsest.plans.optimisers import AdamW, Sgd
from palimpsest.values import BatchNorm

Targets = Literal["true", "shift", "random_excluding", "random_including", "teacher"]
"""The labels that a term's loss is given: the true ones; the class after the true one; one drawn
for each point and seed among the other, or among all, classes; the class that the teacher, the
frozen starting model, predicts. Next tokens may be the true ones or the teacher's."""
Part = Literal["forget", "retain", "train"]
"""the points that a term takes its batches from; `train` is forget and retain set together"""


@dataclass(frozen=True)
class Term:
    """One summand of the objective of a step: a weighted loss on a batch of a split.

    Args:
        split: "forget", "retain" or "train".
        batch: points per step and model; never more than the split has.
        loss: see `plans.losses`.
        weight: a negative weight ascends the loss.
        targets: the labels that the loss is given.
        redraw: random targets are drawn anew for each pass, not once for all.
    """

    split: Part
    batch: int
    loss: Loss = field(default_factory=CrossEntropy)
    weight: float = 1.0
    targets: Targets = "true"
    redraw: bool = False


@dataclass(frozen=True)
class Phase:
    """One pass over the split of the first term; each step descends the sum of all terms.

    The first term sees every point of its split once, the last, smaller batch included. Another
    term draws as many batches, all full, from its split, shuffled anew whenever it is used up.

    Args:
        terms: at least one.
        lr: learning rate of the first step.
        lr_end: the learning rate that the pass moves to in equal steps; None keeps `lr`.
        forward: "separate" gives each term a forward pass of its own, in the order of the terms,
            "reversed" in the opposite order; "joint" one for all batches together. BatchNorm's
            statistics see other batches, or see them in another order.
        l1: weight of the sum of all parameters' absolute values, added to the objective.
    """

    terms: tuple[Term, ...]
    lr: float
    lr_end: float | None = None
    forward: Literal["separate", "reversed", "joint"] = "separate"
    l1: float = 0.0

    def steps(self, sizes: Mapping[str, int]) -> int:
        """Steps of the pass, given the points per split."""
        first = self.terms[0]
        return math.ceil(sizes[first.split] / first.batch)

    def passes(self, sizes: Mapping[str, int]) -> int:
        """Points whose gradient is taken, one model."""
        first, *others = self.terms
        return sizes[first.split] + self.steps(sizes) * sum(term.batch for term in others)


Epoch = tuple[Phase, ...]


@dataclass(frozen=True)
class Prepare:
    """A preparation by name (a file of `preparations/`), its settings as (name, value) pairs."""

    name: str
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """Epochs of phases, and what holds for all of them.

    Args:
        epochs: the phases of each epoch, in order.
        optimiser: takes the steps; the phases set its learning rate.
        prepare: what is done to the network before the first epoch (a mask, adapters), or None.
        batch_norm: see `values.BatchNorm`.
    """

    epochs: tuple[Epoch, ...]
    optimiser: Sgd | AdamW = field(default_factory=Sgd)
    prepare: Prepare | None = None
    batch_norm: BatchNorm = "train"

    def terms(self) -> set[Term]:
        """The different terms of all phases."""
        return {term for epoch in self.epochs for phase in epoch for term in phase.terms}

    def needs_teacher(self) -> bool:
        """Whether some term needs the frozen starting model."""
        return any(
            "teacher" in term.loss.needs or term.targets == "teacher" for term in self.terms()
        )

    def wrong_classes(self) -> set[Targets]:
        """The targets of its terms that are wrong classes, of which next tokens have none."""
        return {term.targets for term in self.terms()} - {"true", "teacher"}

    def passes(self, sizes: Mapping[str, int]) -> int:
        """Points whose gradient is taken, one model, over the whole plan."""
        return sum(phase.passes(sizes) for epoch in self.epochs for phase in epoch)


def cap_batches(plan: Plan, sizes: Mapping[str, int]) -> Plan:
    """The same plan with no batch larger than its split (two such settings are one run)."""

    def capped(phase: Phase) -> Phase:
        terms = tuple(replace(t, batch=min(t.batch, sizes[t.split])) for t in phase.terms)
        return replace(phase, terms=terms)

    return replace(plan, epochs=tuple(tuple(map(capped, epoch)) for epoch in plan.epochs))
