"""How much work a network is on one point: arithmetic, and numbers that pass through its layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from palimpsest import models, registry
from palimpsest.data.facts import Facts

A_WEIGHT_AND_TOKEN = 6
"""operations of a text: two forward, four backward (Kaplan et al. 2020, Section 2.1)"""


@dataclass(frozen=True)
class Network:
    """One model on one point.

    Args:
        flops: floating point operations, forward and backward; a multiplication and an addition
            are two.
        activations: numbers that its layers put out, forward.
        weights: numbers in its state dict.
        multiple: models by which stacks of it grow (`stacks.stack.alignment`).
    """

    flops: float
    activations: float
    weights: int
    multiple: int = 1


def network_of(model: Mapping[str, Any], facts: Facts) -> Network:
    """Counted on a network without numbers; of texts reckoned from weights and tokens, since those
    networks begin from files that may not be here yet."""
    settings = {key: value for key, value in model.items() if key != "name"}
    weights = registry.module("models", model["name"]).weights(facts, **settings)
    if models.reads(model["name"]) == "texts":
        return Network(A_WEIGHT_AND_TOKEN * weights * facts.values, 0.0, weights)

    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    from palimpsest.stacks.stack import alignment

    points, passed = 2, 0  # BatchNorm needs two
    with torch.device("meta"):
        network = registry.make("models", model["name"], facts, settings=settings)
        inputs = torch.empty(points, *facts.item)

    def count(_module: nn.Module, _given: Any, output: Any) -> None:
        nonlocal passed
        passed += output.numel()

    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    with FlopCounterMode(display=False) as counter:
        network(inputs).sum().backward()
    flops = counter.get_total_flops() / points
    return Network(flops, passed / points, weights, alignment(network))
