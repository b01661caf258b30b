"""A network made ready for a plan: the preparation it names, its mode, its optimiser."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from palimpsest import registry
from palimpsest.plans.plan import Plan
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.values import BatchNorm


@dataclass(frozen=True)
class Prepared:
    """What a preparation decides; it may also have changed the stack's network in place.

    Args:
        movable: where a parameter of the network (by name) may move, bool of its shape; the other
            weights keep their bits, whatever momentum and weight decay would do to them.
        trained: names of the parameters that the optimiser gets; None: all.
        finish: what makes the finished stack of a trained one (merging adapters); it may change
            the stack that it is given, which is a copy.
    """

    movable: Mapping[str, Tensor] = field(default_factory=dict)
    trained: frozenset[str] | None = None
    finish: Callable[[Stack], Stack] | None = None

    def parameters(self, stack: Stack) -> Iterator[nn.Parameter]:
        """The parameters that train; the others are switched off."""
        for name, parameter in stack.network.named_parameters():
            if self.trained is None or name in self.trained:
                yield parameter
            else:
                parameter.requires_grad_(False)


def prepare(
    stack: Stack, plan: Plan, data: TrainingData, seeds: Sequence[int]
) -> tuple[Prepared, torch.optim.Optimizer]:
    """Make the stack ready for the first epoch of a plan."""
    prepared = Prepared()
    if plan.prepare is not None:
        settings = dict(plan.prepare.settings)
        name = plan.prepare.name
        prepared = registry.make("preparations", name, stack, data, seeds, settings=settings)
    set_mode(stack, plan.batch_norm)
    return prepared, plan.optimiser.make(list(prepared.parameters(stack)))


def set_mode(stack: Stack, batch_norm: BatchNorm) -> None:
    """Train mode, with BatchNorm's statistics moving ("train") or kept and used ("frozen")."""
    stack.train()
    if batch_norm == "frozen":
        for module in stack.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
