"""LoRA: adapters of low rank beside the frozen weights of some layers; merged at the end.

A layer W gets a residual dx = scale * B A x (Hu et al. 2021) by the library `peft`, on linear
layers, convolutions and transformers' Conv1D. A starts random, B at zero, so the network starts as
it was. Only the adapters train. Merged, W + scale * B A, they leave a network of the original
layers and names.

For a loss that needs "residuals" the preparation gives each adapted layer's pre-trained feature x
and its residual dx ("Machine Unlearning ... by Residual Feature Alignment Using LoRA", eqs. 7 and
8). Where x comes from is the setting `teacher`:

- disabled: a pass of the same network without its adapters; dx = adapted feature - x.
- network: the same by a second, frozen network, as the paper's Figure 4 has it.
- layerwise: one pass; x is what the layer's own weights make of the *adapted* input, dx what its
  adapters make of it. The paper calls this the same; of the first adapted layer it is.

Teachers are in evaluation mode, without dropout, with the original's BatchNorm statistics.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from palimpsest.files import InputError
from palimpsest.plans.alignment import MeanOver, count_labels, sum_of_features, tokens_of
from palimpsest.plans.losses import Means
from palimpsest.preparations._layers import adapted_layers, check_calls, whole_layers
from palimpsest.randomness import generator
from palimpsest.values import Positive, Size, Teacher, Text

if TYPE_CHECKING:
    from torch import Tensor, nn

    from palimpsest.plans.losses import Residuals
    from palimpsest.stacks.stack import Stack
    from palimpsest.training.data import TrainingData
    from palimpsest.training.preparing import Prepared

NEEDS: tuple[str, ...] = ()
SINGLE = True
"""one model at a time: peft adapts ordinary networks"""
BATCH = 64  # fixed, so that no setting changes a mean


def prepare(
    stack: Stack,
    data: TrainingData,
    seeds: Sequence[int],
    *,
    rank: Size = 8,
    layers: Text | None = None,
    scale: Positive = 1.0,
    whole: Text | None = None,
    teacher: Teacher = "disabled",
    mean_over: MeanOver = "batch",
) -> Prepared:
    """Adapters of `rank` on `layers`; only they train, and the layers of `whole`.

    Args:
        layers: names of layers, apart from each other by a space. A name is whole or the end of
            one, and may hold * and ?: "3", "attn.c_attn", "layer4.*". None: all convolutions and
            linear layers but the last linear one, the head, and those that cannot be adapted.
        scale: the factor of B A.
        whole: names, in the same way, of layers that train with all their weights, such as a head
            that is new; they have no adapters.
        mean_over: "population" works out the mean feature and label of the retain set.
    """
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from palimpsest.training.preparing import Prepared

    if stack.k != 1:
        raise InputError(f"lora: {stack.k} models in one stack; allowed: one, as with stack 1")
    network = stack.network
    free = whole_layers(network, whole)
    adapted = adapted_layers(network, layers, rank, free)
    check_calls(stack, data.inputs[:1, None], adapted)
    frozen = copy.deepcopy(stack).requires_grad_(False).eval() if teacher == "network" else None
    config = LoraConfig(
        r=rank,
        lora_alpha=scale * rank,  # type: ignore[arg-type]  # which it divides by the rank
        target_modules="|".join(map(re.escape, adapted)),  # a pattern, so that none else fits
    )
    with _quiet(), torch.random.fork_rng():
        torch.manual_seed(int(generator(seeds[0], "lora").integers(2**63)))
        inject_adapter_in_model(config, network)
    del network.peft_config
    for name in free:
        network.get_submodule(name).requires_grad_(True)
    trained = frozenset(name for name, own in network.named_parameters() if own.requires_grad)
    moving = [
        *stack.named_buffers(),
        *(
            pair
            for name in free
            for pair in stack.network.get_submodule(name).named_parameters(f"network.{name}")
        ),
    ]
    kept = {name: value.detach().clone() for name, value in moving}

    def forward(stack: Stack, inputs: Tensor) -> tuple[Tensor, Residuals]:
        if teacher == "layerwise":
            return one_pass(stack, inputs)
        return two_passes(stack, inputs, kept, frozen)

    means = _means(stack, data, forward) if mean_over == "population" else None
    return Prepared(trained=trained, finish=merge, forward=forward, means=means)


def check_network(
    network: nn.Module, *, rank: int, layers: str | None = None, whole: str | None = None, **_: Any
) -> None:
    """SettingError for layers that the network has not, or that cannot have adapters of `rank`."""
    adapted_layers(network, layers, rank, whole_layers(network, whole))


def one_pass(stack: Stack, inputs: Tensor) -> tuple[Tensor, Residuals]:
    """Logits, and for each adapted layer what its weights and what its adapters give."""
    adapters = _adapters(stack)
    seen = {f"{name}.base_layer": own.base_layer for name, own in adapters.items()}
    seen |= {f"{name}.lora_B": own.lora_B["default"] for name, own in adapters.items()}
    with _hooked(seen, lambda _, output: output) as found:
        logits = stack(inputs)
    return logits, {
        name: (
            stack.apart(found[f"{name}.base_layer"]),
            stack.apart(found[f"{name}.lora_B"] * own.scaling["default"]),
        )
        for name, own in adapters.items()
    }


def two_passes(
    stack: Stack, inputs: Tensor, kept: Mapping[str, Tensor], frozen: Stack | None = None
) -> tuple[Tensor, Residuals]:
    """Logits, and for each adapted layer the teacher's feature and how far the student's is off.

    Args:
        kept: parameters and buffers of the stack as they were, by name; the teacher has these.
        frozen: the teacher; None: the stack itself, its adapters off.
    """
    import torch
    from torch.func import functional_call

    adapters = _adapters(stack)
    teachers = (
        adapters if frozen is None else {n: frozen.network.get_submodule(n) for n in adapters}
    )
    with torch.no_grad(), _hooked(teachers, lambda _, output: output.clone()) as given:
        if frozen is not None:
            frozen(inputs)
        else:
            with stack.evaluating(), _disabled(adapters):
                functional_call(stack, dict(kept), (inputs,))
    with _hooked(adapters, lambda name, output: output - given[name]) as found:
        logits = stack(inputs)
    return logits, {name: (stack.apart(given[name]), stack.apart(found[name])) for name in adapters}


def merge(stack: Stack) -> Stack:
    """Adapters into their layers, which stand at their places again; changes the stack itself."""
    for name, adapter in _adapters(stack).items():
        adapter.merge()
        owner, _, leaf = name.rpartition(".")
        setattr(stack.network.get_submodule(owner), leaf, adapter.get_base_layer())
    stack.network.requires_grad_(True)
    return stack


def layerwise_differences(stack: Stack, inputs: Tensor) -> dict[str, float]:
    """How far the residuals within one pass are from the exact ones, for each adapted layer.

    |dx_layerwise - dx| / |dx|, l2 norms over all points of `inputs` (b, 1, ...), in evaluation
    mode, of a stack with trained adapters that is not merged yet. 0 up to the first adapted layer.
    """
    import torch

    with torch.no_grad(), stack.evaluating():
        exact, within = two_passes(stack, inputs, {})[1], one_pass(stack, inputs)[1]
    return {
        name: float((within[name][1] - dx).norm() / dx.norm()) for name, (_, dx) in exact.items()
    }


def _adapters(stack: Stack) -> dict[str, Any]:
    """The adapted layers of a stack, by name."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {n: own for n, own in stack.network.named_modules() if isinstance(own, BaseTunerLayer)}


@contextmanager
def _hooked(
    modules: Mapping[str, nn.Module], take: Callable[[str, Tensor], Tensor]
) -> Iterator[dict[str, Tensor]]:
    """A map that holds what is taken of each module's last output, by name.

    At once, since the layer that follows may overwrite the output, as ReLU(inplace=True) does.
    """
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: found.update({name: take(name, output)})

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _disabled(adapters: Mapping[str, Any]) -> Iterator[None]:
    for adapter in adapters.values():
        adapter.enable_adapters(False)
    try:
        yield
    finally:
        for adapter in adapters.values():
            adapter.enable_adapters(True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without peft's word that Conv1D keeps its weight the other way round, which it acts on."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to")
        yield


def _means(
    stack: Stack, data: TrainingData, forward: Callable[[Stack, Tensor], tuple[Tensor, Residuals]]
) -> Means:
    """Of the retain set, in evaluation mode."""
    import torch

    points = data.splits["retain"]
    columns = points if points.dim() == 2 else points[:, None]
    sums: dict[str, list[Tensor]] = {}
    counts = torch.zeros(1, 1)
    with torch.no_grad(), stack.evaluating():
        for batch in columns.split(BATCH):
            inputs, labels = data.inputs[batch], data.labels[batch]
            logits, residuals = forward(stack, inputs)
            kept = torch.ones_like(batch, dtype=torch.bool)
            for name, (x, _) in residuals.items():
                own = sum_of_features(x, kept, tokens_of(x, data.present(inputs)))
                before = sums.setdefault(name, [torch.zeros_like(part) for part in own])
                sums[name] = [a + b for a, b in zip(before, own, strict=True)]
            counts = counts.to(logits) + count_labels(labels, labels >= 0, logits)
    features = {
        name: (total / number.clamp(min=1), number > 0) for name, (total, number) in sums.items()
    }
    return Means(features, counts / counts.sum(1, keepdim=True))
