"""A stack of models on any points: its logits, and the statistics that go into a record."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from palimpsest.records import STATISTICS
from palimpsest.stacks.stack import Stack
from palimpsest.training.device import Device

BATCH = 128  # fixed, so that no setting changes a record


@torch.no_grad()
def logits(stack: Stack, inputs: Tensor, device: Device) -> Tensor:
    """Logits (points, k, classes) in evaluation mode; the mode is restored after."""
    modes = {module: module.training for module in stack.modules()}
    stack.eval()
    parts = [device.logits(stack, batch[:, None]) for batch in inputs.split(BATCH)]
    for module, training in modes.items():
        module.training = training
    return torch.cat(parts)


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
