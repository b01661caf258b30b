"""The rows of the last linear layer that belong to the forgotten classes are set to zero.

The logit of a forgotten class is then 0 at every point, whatever the model has learned of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palimpsest.files import InputError

if TYPE_CHECKING:
    from torch import nn

    from palimpsest.stacks.stack import Stack
    from palimpsest.training.data import TrainingData
    from palimpsest.training.preparing import Prepared

NEEDS: tuple[str, ...] = ("whole_class",)


def prepare(
    stack: Stack, data: TrainingData, seeds: Sequence[int], *, frozen: bool = False
) -> Prepared:
    """Zero the forgotten classes' rows, weight and bias; `frozen` keeps them zero."""
    import torch

    from palimpsest.training.preparing import Prepared

    forgotten, movable = _forgotten(data), {}
    for name, parameter in _last_layer(stack, data.classes).items():
        movable[name] = torch.ones_like(parameter, dtype=torch.bool)
        for part in stack.parts(movable[name]):
            part[forgotten] = False
        with torch.no_grad():
            parameter.masked_fill_(~movable[name], 0.0)
    return Prepared(movable=movable if frozen else {})


def _forgotten(data: TrainingData) -> list[int]:
    """The classes that have points in the forget set and none in the retain set."""
    forget, retain = (data.labels[data.splits[split]] for split in ("forget", "retain"))
    classes = sorted(set(forget.unique().tolist()) - set(retain.unique().tolist()))
    if not classes:
        raise InputError(
            "zero_row: every class of the forget set has points in the retain set; needed: a "
            "forget set that holds all points of a class"
        )
    return classes


def _last_layer(stack: Stack, classes: int) -> dict[str, nn.Parameter]:
    """Weight, and bias if any, of the last linear layer with a row for each class, by name."""
    from torch import nn

    from palimpsest.stacks.stack import StackedLinear

    found: dict[str, nn.Parameter] = {}
    for name, module in stack.network.named_modules():
        if isinstance(module, nn.Linear | StackedLinear):
            own = dict(module.named_parameters(prefix=name))
            if {len(parameter) for parameter in own.values()} == {stack.k * classes}:
                found = own
    if not found:
        raise InputError(
            f"zero_row: the network has no linear layer of {classes} outputs; needed: one, with a "
            "row for each class"
        )
    return found
