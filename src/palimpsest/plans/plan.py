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
        forget_per_batch: of "train": so many points of each batch are of the forget set, which is
            shuffled anew whenever it is used up; the others are the retain set's, each of which
            comes once in a pass. None: both sets are shuffled together.
        retain_share: of "train": the part of the retain set that is used, drawn once for a model.
    """

    split: Part
    batch: int
    loss: Loss = field(default_factory=CrossEntropy)
    weight: float = 1.0
    targets: Targets = "true"
    redraw: bool = False
    forget_per_batch: int | None = None
    retain_share: float = 1.0

    def __post_init__(self) -> None:
        if self.split != "train" and (self.forget_per_batch is not None or self.retain_share != 1):
            raise ValueError(f"forget_per_batch and retain_share are of train, not {self.split}")
        if self.in_order() < 1:
            raise ValueError(f"forget_per_batch {self.forget_per_batch} fills {self.batch} points")

    def retained(self, sizes: Mapping[str, int]) -> int:
        """Points of the retain set that a term of "train" uses, given the points per split."""
        return round(self.retain_share * sizes["retain"])

    def points(self, sizes: Mapping[str, int]) -> int:
        """Points that a pass gives in their order: those of the retain set alone where each batch
        gets its forget points beside them."""
        if self.split != "train" or (self.forget_per_batch is None and self.retain_share == 1.0):
            return sizes[self.split]
        forget = 0 if self.forget_per_batch is not None else sizes["forget"]
        return forget + self.retained(sizes)

    def in_order(self) -> int:
        """Of these points, how many a full batch has."""
        return self.batch - (self.forget_per_batch or 0)

    def capped(self, sizes: Mapping[str, int]) -> "Term":
        """The same term with no batch larger than its points, nor its part of the forget set."""
        if self.forget_per_batch is None:
            return replace(self, batch=min(self.batch, self.points(sizes)))
        forget = min(self.forget_per_batch, sizes["forget"])
        kept = min(self.in_order(), self.points(sizes))
        return replace(self, batch=forget + kept, forget_per_batch=forget)


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
        return math.ceil(first.points(sizes) / first.in_order())

    def passes(self, sizes: Mapping[str, int]) -> int:
        """Points whose gradient is taken, one model."""
        first, *others = self.terms
        beside = (first.forget_per_batch or 0) + sum(term.batch for term in others)
        return first.points(sizes) + self.steps(sizes) * beside


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
        return self.needs("teacher") or any(term.targets == "teacher" for term in self.terms())

    def needs(self, what: str) -> bool:
        """Whether the loss of some term needs this of a batch (see `plans.losses.Loss`)."""
        return any(what in term.loss.needs for term in self.terms())

    def wrong_classes(self) -> set[Targets]:
        """The targets of its terms that are wrong classes, of which next tokens have none."""
        return {term.targets for term in self.terms()} - {"true", "teacher"}

    def passes(self, sizes: Mapping[str, int]) -> int:
        """Points whose gradient is taken, one model, over the whole plan."""
        return sum(phase.passes(sizes) for epoch in self.epochs for phase in epoch)


def cap_batches(plan: Plan, sizes: Mapping[str, int]) -> Plan:
    """The same plan with no batch larger than its split (two such settings are one run)."""

    def capped(phase: Phase) -> Phase:
        return replace(phase, terms=tuple(term.capped(sizes) for term in phase.terms))

    return replace(plan, epochs=tuple(tuple(map(capped, epoch)) for epoch in plan.epochs))
