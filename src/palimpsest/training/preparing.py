"""A network made ready for a plan: the preparation it names, its mode, its optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from palimpsest import registry
from palimpsest.plans.losses import Means
from palimpsest.plans.plan import Plan
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.values import BatchNorm

if TYPE_CHECKING:
    from palimpsest.plans.losses import Residuals


@dataclass(frozen=True)
class Prepared:
    """What a preparation decides; it may also have changed the stack's network in place.

    Args:
        movable: where a parameter of the network (by name) may move, bool of its shape; the other
            weights keep their bits, whatever momentum and weight decay would do to them.
        trained: names of the parameters that the optimiser gets; None: all.
        finish: what makes the finished stack of a trained one (merging adapters); it may change
            the stack that it is given, which is a copy.
        forward: of adapters, what gives logits (b, k, classes) and, for each adapted layer by name,
            its pre-trained feature and its residual (see `plans.losses.Batch`) of a batch
            (b, k, ...); for losses that need "residuals".
        means: of adapters, over the whole retain set, where they were asked for.
    """

    movable: Mapping[str, Tensor] = field(default_factory=dict)
    trained: frozenset[str] | None = None
    finish: Callable[[Stack], Stack] | None = None
    forward: Callable[[Stack, Tensor], tuple[Tensor, Residuals]] | None = None
    means: Means | None = None

    def parameters(self, stack: Stack) -> Iterator[nn.Parameter]:
        """The parameters that train; the others are switched off."""
        for name, parameter in stack.network.named_parameters():
            if self.trained is None or name in self.trained:
                yield parameter
            else:
                parameter.requires_grad_(False)


def prepare(
    stack: Stack,
    plan: Plan,
    data: TrainingData,
    seeds: Sequence[int],
    rate: Tensor | None = None,
) -> tuple[Prepared, torch.optim.Optimizer]:
    """Make the stack ready for the first epoch of a plan; `rate` is the optimiser's (`make`)."""
    prepared = Prepared()
    if plan.prepare is not None:
        settings = dict(plan.prepare.settings)
        name = plan.prepare.name
        prepared = registry.make("preparations", name, stack, data, seeds, settings=settings)
    set_mode(stack, plan.batch_norm)
    return prepared, plan.optimiser.make(list(prepared.parameters(stack)), rate)


def by_stack_size(plans: Mapping[Any, Plan], size: int) -> dict[int, dict[Any, Plan]]:
    """The plans by how many models each may run side by side, of the `size` asked for.

    1 where a preparation is for one model at a time, as its file says by `SINGLE = True`.
    """
    found: dict[int, dict[Any, Plan]] = {}
    for name, plan in plans.items():
        module = plan.prepare and registry.module("preparations", plan.prepare.name)
        own = 1 if getattr(module, "SINGLE", False) else size
        found.setdefault(own, {})[name] = plan
    return found


def set_mode(stack: Stack, batch_norm: BatchNorm) -> None:
    """Train mode, with BatchNorm's statistics moving ("train") or kept and used ("frozen")."""
    stack.train()
    if batch_norm == "frozen":
        for module in stack.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
