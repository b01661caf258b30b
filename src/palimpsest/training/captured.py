"""Training at fixed addresses: each kind of step is captured once, as a CUDA graph, and replayed.

Launching the kernels of a small step takes longer than running them, so on a GPU a step is launched
once for all epochs and all seeds of a block. A graph reads and writes the same memory at each
replay: weights, BatchNorm's statistics and the optimiser's state stay where they are and are begun
anew in place; what a step reads of its pass (batches, learning rates, labels, teachers) is copied
to where it was captured, and a counter on the device says which row of it is next.

On the CPU nothing is captured, and the same functions run: tests hold them against the plain loop.

A plan is captured where nothing but numbers on the device decides a step (`why_not`): a network of
convolutions, BatchNorm, linear layers and layers without weights; no dropout, no preparation, no
loss of features. All others run step by step.
"""

from __future__ import annotations

import copy
import gc
import itertools
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from palimpsest.plans.plan import Epoch, Phase, Plan
from palimpsest.stacks.stack import Stack, unlike
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.loop import DrawnTerm, descend, run_epoch
from palimpsest.training.preparing import Prepared, prepare

Step = Callable[[], None]
TABLES = ("teacher", "incompetent")
"""of the data of a stack: (pool, k, classes), as large as all else, and so there once"""


def why_not(stack: Stack, plan: Plan, data: TrainingData) -> str | None:
    """What keeps the steps of a plan from being captured, for a sentence; None: nothing."""
    layer = unlike(stack.network)
    if layer is not None:
        return f"the network has a layer of type {layer}"
    if plan.prepare is not None:
        return f"{plan.prepare.name} changes the network"
    if any(getattr(term.loss, "layers", ()) for term in plan.terms()):
        return "a loss reads features"
    if callable(data.teacher) or callable(data.incompetent):
        return "a teacher is run at each step"
    return None


@dataclass
class Run:
    """A stack in training: all that an epoch changes, and what takes the steps."""

    stack: Stack
    plan: Plan
    data: TrainingData
    seeds: Sequence[int]
    device: Device
    prepared: Prepared
    optimiser: torch.optim.Optimizer
    captured: Captured | None = None

    def epoch(self, epoch: Epoch, number: int, purpose: str) -> None:
        """`loop.run_epoch` in place."""
        run_epoch(
            self.stack,
            self.optimiser,
            self.plan,
            epoch,
            data=self.data,
            seeds=self.seeds,
            number=number,
            purpose=purpose,
            device=self.device,
            prepared=self.prepared,
            captured=self.captured,
        )

    def saved(self) -> Any:
        """The models and the optimiser's state, to be given to `restore`."""
        if self.captured is None:
            return copy.deepcopy((self.stack.state_dict(), self.optimiser.state_dict()))
        return self.captured.saved()

    def restore(self, saved: Any) -> None:
        """As it was when it was `saved`, which may be given again."""
        if self.captured is not None:
            self.captured.restore(saved)
            return
        self.stack.load_state_dict(saved[0])
        self.optimiser.load_state_dict(copy.deepcopy(saved[1]))


class Trainer:
    """What makes stacks ready for plans; captured steps are kept from one stack to the next.

    A stack that it has made ready is begun anew in place by the next one of the same plan and
    size: it is to be read before that.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._told: set[str] = set()
        self._kept: dict[Hashable, Captured] = {}
        self._capture = device.capturer()

    def clear(self) -> None:
        """Let go of all that was kept, and of the GPU's memory with it, though a run that was
        broken off may still be held by its caller: its steps are gone, its models stay."""
        for kept in self._kept.values():
            kept.passes.clear()
            kept.optimiser.zero_grad(set_to_none=True)  # gradients lie in the graphs' memory
        self._kept.clear()
        self._capture = self.device.capturer()
        gc.collect()
        if self.device.name == "cuda":
            torch.cuda.empty_cache()

    def ready(self, stack: Stack, plan: Plan, data: TrainingData, seeds: Sequence[int]) -> Run:
        """A run of `stack`, which it may change, before the first epoch of a plan.

        The runs of one trainer have one pool of points.
        """
        if not self.device.captures:
            return Run(stack, plan, data, seeds, self.device, *prepare(stack, plan, data, seeds))
        why = why_not(stack, plan, data)
        self._tell("captured once and replayed" if why is None else f"run one by one: {why}")
        if why is not None:
            return Run(stack, plan, data, seeds, self.device, *prepare(stack, plan, data, seeds))
        taught = tuple(getattr(data, name) is not None for name in TABLES)
        key = (replace(plan, epochs=()), stack.k, taught)
        if key in self._kept:
            self._kept[key].begin_with(stack, data)
        else:
            self._kept[key] = Captured(stack, plan, data, seeds, self.device, self._capture)
        kept = self._kept[key]
        return Run(kept.stack, plan, data, seeds, self.device, Prepared(), kept.optimiser, kept)

    def _tell(self, how: str) -> None:
        """One line of the log, once."""
        if how not in self._told:
            logging.info("steps are %s", how)
            self._told.add(how)


class Captured:
    """A stack and its optimiser where they stay, and the steps that were captured of them."""

    def __init__(
        self,
        stack: Stack,
        plan: Plan,
        data: TrainingData,
        seeds: Sequence[int],
        device: Device,
        capture: Callable[[Step], Step],
    ) -> None:
        self.stack, self.device, self.capture = stack, device, capture
        tables = {name: _own(getattr(data, name)) for name in TABLES}
        self.data = replace(data, **tables)  # which all passes read
        first = next(stack.parameters())
        kind = torch.float32 if first.is_cuda else torch.float64  # as fused optimisers read it
        self.rate = torch.zeros((), dtype=kind, device=first.device)
        _, self.optimiser = prepare(stack, plan, data, seeds, self.rate)
        self.passes: dict[Hashable, _Pass] = {}
        for parameter in stack.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()  # at rate 0: makes the optimiser's state, and moves nothing
        self.optimiser.zero_grad(set_to_none=True)
        self._begin()

    def begin_with(self, stack: Stack, data: TrainingData) -> None:
        """The models of another stack with their teachers, and an optimiser that has taken no
        step."""
        self.stack.load_state_dict(stack.state_dict())
        for name in TABLES:
            own, new = getattr(self.data, name), getattr(data, name)
            if new is not None:
                own.copy_(new)
        self._begin()

    def _begin(self) -> None:
        self.optimiser.param_groups[0]["steps"] = 0
        for value in self._state():
            value.zero_()

    def _state(self) -> list[Tensor]:
        """Of the optimiser: all 0 before the first step, as torch's SGD and AdamW begin."""
        states = self.optimiser.state.values()
        return [v for state in states for v in state.values() if isinstance(v, Tensor)]

    def _tensors(self) -> list[Tensor]:
        return [*self.stack.parameters(), *self.stack.buffers(), *self._state()]

    @torch.no_grad()
    def saved(self) -> tuple[list[Tensor], int]:
        """Copies of all that steps change, and how many have been taken."""
        return [v.clone() for v in self._tensors()], self.optimiser.param_groups[0]["steps"]

    @torch.no_grad()
    def restore(self, saved: tuple[list[Tensor], int]) -> None:
        """Put them back in place."""
        copies, steps = saved
        for value, own in zip(self._tensors(), copies, strict=True):
            value.copy_(own)
        self.optimiser.param_groups[0]["steps"] = steps

    def run(
        self,
        phase: Phase,
        terms: Sequence[DrawnTerm],
        batches: Sequence[Sequence[Tensor]],
        rates: Sequence[float],
    ) -> None:
        """The steps of a pass: each with a batch of each term, and a learning rate.

        A smaller last batch is a kind of step of its own.
        """
        sent = self.device.send(torch.tensor(rates, dtype=torch.float64)).to(self.rate.dtype)
        shapes = [tuple(own.shape for own in batch) for batch in batches]
        done = 0
        for shape, alike in itertools.groupby(shapes):
            rows = slice(done, done + len(list(alike)))
            done = rows.stop
            stacked = [torch.stack(own) for own in zip(*batches[rows], strict=True)]
            read = _Read(stacked, sent[rows], list(terms))
            key = (replace(phase, lr=0.0, lr_end=None), shape, len(stacked[0]))
            if key not in self.passes:
                self.passes[key] = _Pass(self, phase, read)
            self.passes[key].run(read)


@dataclass
class _Read:
    """What the steps of a pass read.

    Args:
        batches: of each term, pool indices (steps, b, k).
        rates: (steps,).
        terms: their labels, and which points are of the forget set.
    """

    batches: list[Tensor]
    rates: Tensor
    terms: list[DrawnTerm]

    def copied(self) -> _Read:
        """The same in memory of its own."""
        terms = [
            replace(term, labels=_own(term.labels), forgotten=_own(term.forgotten))
            for term in self.terms
        ]
        return _Read([own.clone() for own in self.batches], self.rates.clone(), terms)

    def tensors(self) -> list[Tensor]:
        """All that `copied` copies."""
        found = [*self.batches, self.rates]
        found += [own for t in self.terms for own in (t.labels, t.forgotten) if own is not None]
        return found


def _own(value: Any) -> Any:
    return value.clone(memory_format=torch.contiguous_format) if value is not None else None


class _Pass:
    """Steps of one kind, captured: their terms, the shapes of their batches, how many they are."""

    def __init__(self, owner: Captured, phase: Phase, read: _Read) -> None:
        self.owner, self.phase, self.read = owner, phase, read.copied()
        self.count = len(read.rates)
        self.next = torch.zeros(1, dtype=torch.int64, device=read.rates.device)
        before = owner.saved()
        self.replay = owner.capture(self.step)  # which may run the step
        owner.restore(before)

    def run(self, read: _Read) -> None:
        """All steps of a pass."""
        for own, new in zip(self.read.tensors(), read.tensors(), strict=True):
            own.copy_(new)
        self.next.zero_()
        for _ in range(self.count):
            self.replay()

    def step(self) -> None:
        """The next step: it finds out on the device which that is."""
        read, owner = self.read, self.owner
        owner.rate.copy_(read.rates.index_select(0, self.next)[0])
        batches = [own.index_select(0, self.next)[0] for own in read.batches]
        descend(
            owner.stack,
            owner.optimiser,
            self.phase,
            read.terms,
            batches,
            owner.data,
            owner.device,
            Prepared(),
        )
        self.next.add_(1).remainder_(self.count)
