"""Which layers of a network get adapters: found by name, and refused where they would do wrong.

`peft` accepts in silence a rank far above a layer's sides, a projection whose weight is read past
its adapter, and a weight that another layer shares and merging would change. Here each is a
sentence. Reading this file needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from palimpsest.files import InputError, SettingError
from palimpsest.patterns import matched, some

if TYPE_CHECKING:
    from torch import Tensor, nn

    from palimpsest.stacks.stack import Stack


def _owners(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers that have parameters of their own, by name."""
    for name, module in network.named_modules():
        if name and next(module.parameters(recurse=False), None) is not None:
            yield name, module


def whole_layers(network: nn.Module, whole: str | None) -> list[str]:
    """Names of the layers that train with all their weights."""
    if whole is None:
        return []
    return matched(whole, "whole", dict(_owners(network)), "layer with weights")


def adapted_layers(
    network: nn.Module, layers: str | None, rank: int, free: Sequence[str]
) -> list[str]:
    """Names of the layers that get adapters, those of `free` not among them."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    kinds = nn.Linear | nn.Conv2d | Conv1D
    every = {name: own for name, own in _owners(network) if isinstance(own, kinds)}
    known = {name: own for name, own in every.items() if name not in free}
    troubles = {name: _trouble(network, name) for name in known}
    if layers is None:
        head = [name for name, own in every.items() if isinstance(own, nn.Linear)][-1:]
        chosen = [name for name in known if name not in head and not troubles[name]]
        if not chosen:
            raise InputError("lora: the network has no layer to adapt; needed: one but the head")
    else:
        chosen = matched(layers, "layers", known, "linear layer or convolution")
    for name in chosen:
        if troubles[name]:
            fit = [other for other, trouble in troubles.items() if not trouble]
            raise SettingError("layers", f"names {name}, {troubles[name]}", some(fit))
        sides = _sides(known[name])
        if rank > min(sides):
            found = f"is {rank}, and the layer {name} maps {sides[0]} to {sides[1]} numbers"
            raise SettingError("rank", found, f"at most {min(sides)}, its smaller side")
    return chosen


def _trouble(network: nn.Module, name: str) -> str:
    """Why a layer cannot be adapted, as the end of a clause; empty if it can."""
    from torch import nn

    layer, owner = network.get_submodule(name), name.rpartition(".")[0]
    if isinstance(network.get_submodule(owner), nn.MultiheadAttention):
        return "a projection of fused attention, which reads its weight past any adapter"
    shared = [
        other
        for other, module in network.named_modules(remove_duplicate=False)
        if other != name and any(own is layer.weight for own in module.parameters(recurse=False))
    ]
    if shared:
        return f"whose weight is that of {shared[0]} too, which merging would change"
    if isinstance(layer, nn.Conv2d):
        odd = {"groups": layer.groups != 1, "dilation": set(layer.dilation) != {1}}
        odd["padding_mode"] = layer.padding_mode != "zeros"
        for what, is_odd in odd.items():
            if is_odd:
                return f"a convolution whose {what} is {getattr(layer, what)}"
    return ""


def _sides(layer: nn.Module) -> tuple[int, int]:
    """Numbers that a layer's weight takes in and gives out."""
    from torch import nn

    shape = tuple(layer.weight.shape)  # type: ignore[union-attr, arg-type]
    if isinstance(layer, nn.Linear):
        return shape[1], shape[0]
    if isinstance(layer, nn.Conv2d):
        return math.prod(shape[1:]), shape[0]
    return shape[0], shape[1]  # Conv1D keeps its weight the other way round


def check_calls(stack: Stack, inputs: Tensor, adapted: Sequence[str]) -> None:
    """SettingError unless a pass of `inputs` calls each adapted layer once.

    A layer that is read without being called ignores its adapters; one that is called twice has no
    one feature.
    """
    import torch

    calls = dict.fromkeys(adapted, 0)

    def count(name: str) -> Callable[..., None]:
        def add(*_: object) -> None:
            calls[name] += 1

        return add

    handles = [
        stack.network.get_submodule(name).register_forward_hook(count(name)) for name in adapted
    ]
    with torch.no_grad(), stack.evaluating():
        stack(inputs)
    for handle in handles:
        handle.remove()
    for name, number in calls.items():
        if number != 1:
            raise SettingError(
                "layers",
                f"has {name} in it, which a pass of the network calls {number} times",
                "layers that are called once",
            )
