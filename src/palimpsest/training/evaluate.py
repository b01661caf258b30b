"""A stack of models on any points: its logits, and the statistics that go into a record."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from palimpsest.files import InputError
from palimpsest.records import STATISTICS
from palimpsest.stacks.stack import Stack, StackedLinear
from palimpsest.training.device import Device

BATCH = 128  # fixed, so that no setting changes a record


@torch.no_grad()
def logits(stack: Stack, inputs: Tensor, device: Device) -> Tensor:
    """Logits (points, k, classes) in evaluation mode; the mode is restored after."""
    with stack.evaluating():
        return torch.cat([device.logits(stack, batch[:, None]) for batch in inputs.split(BATCH)])


def measured(
    stack: Stack, inputs: Tensor, labels: Tensor, names: Sequence[str], device: Device
) -> dict[str, np.ndarray]:
    """What a record keeps of each model of a stack at each point: by name, (k, points, ...).

    `features` are what the last linear layer is given.
    """
    seen: list[Tensor] = []
    handle = None
    if "features" in names:
        handle = last_linear(stack).register_forward_pre_hook(
            lambda _module, given: seen.append(stack.apart(given[0]).float())
        )
    output = logits(stack, inputs, device)
    if handle is None:
        return statistics(output, labels, names)
    handle.remove()
    found = statistics(output, labels, [name for name in names if name != "features"])
    features = by_model(torch.cat(seen), labels).cpu().numpy()
    return found | {"features": features.astype(STATISTICS["features"])}


def last_linear(stack: Stack) -> nn.Module:
    """The last linear layer of the network; InputError if it has none."""
    linear = [m for m in stack.network.modules() if isinstance(m, nn.Linear | StackedLinear)]
    if not linear:
        raise InputError("this model has no linear layer, and features are what the last is given")
    return linear[-1]


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Margin of each model on each point: (points, k, classes), (points,) to (k, points).

    margin = logit of the true class - logsumexp of the other logits ("Ascent", Section 3, after
    Georgiev et al. 2024); positive when the true class has more than half of the probability.
    """
    index = labels[:, None, None].expand(-1, logits.shape[1], 1)
    own = logits.gather(2, index)
    others = logits.scatter(2, index, -torch.inf)
    return (own.squeeze(2) - torch.logsumexp(others, dim=2)).T.contiguous()


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether the true class is the predicted one: bool (k, points); a NaN logit is never right."""
    hit = (logits.argmax(dim=2) == labels[:, None]) & ~logits.isnan().any(dim=2)
    return hit.T.contiguous()


def by_model(logits: Tensor, labels: Tensor) -> Tensor:
    """The logits themselves, (k, points, classes)."""
    return logits.transpose(0, 1).contiguous()


_FUNCTIONS = {"margin": margins, "correct": correct, "logits": by_model}


def statistics(logits: Tensor, labels: Tensor, names: Iterable[str]) -> dict[str, np.ndarray]:
    """What a record keeps of logits (points, k, classes): by name, (k, points) or more axes."""
    found = {name: _FUNCTIONS[name](logits, labels).cpu().numpy() for name in names}
    return {name: values.astype(STATISTICS[name], copy=False) for name, values in found.items()}
