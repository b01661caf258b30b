"""k models of one architecture side by side, as one network with k times the channels.

A convolution becomes a grouped convolution, batch normalisation normalises k times the channels, a
linear layer becomes a grouped 1 x 1 convolution. The result is made of ordinary modules and is
trained by an ordinary optimiser: the sum of the k losses has, for each model, its own gradient.
Any network works whose other layers treat channels alike (ReLU, pooling, residual sums, flatten
after pooling to 1 x 1).
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from palimpsest.stacks.convolution import StackedConv2d

StateDict = dict[str, Tensor]


class StackedLinear(nn.Module):
    """k linear layers: (batch, k * inputs) to (batch, k * outputs), a grouped 1 x 1 convolution."""

    def __init__(self, layer: nn.Linear, k: int) -> None:
        super().__init__()
        bias = layer.bias is not None
        self.conv = StackedConv2d(nn.Conv2d(layer.in_features, layer.out_features, 1, bias=bias), k)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x[:, :, None, None]).flatten(1)


def _stacked(module: nn.Module, k: int) -> nn.Module:
    """The stacked counterpart of one module, children included."""
    if isinstance(module, nn.Conv2d):
        return StackedConv2d(module, k)
    if isinstance(module, nn.BatchNorm2d):
        return nn.BatchNorm2d(
            k * module.num_features, eps=module.eps, momentum=module.momentum, affine=module.affine
        )
    if isinstance(module, nn.Linear):
        return StackedLinear(module, k)
    if not _treats_alike(module):
        raise ValueError(
            f"a layer of type {type(module).__name__} cannot be stacked: "
            "allowed are Conv2d, BatchNorm2d and Linear"
        )
    for name, child in module.named_children():
        setattr(module, name, _stacked(child, k))
    return module


def _treats_alike(module: nn.Module) -> bool:
    """Whether a layer treats channels alike: it has no weights, and draws nothing, which would be
    for its neighbours as well."""
    own = next(module.parameters(recurse=False), None)
    return own is None and not isinstance(module, _DropoutNd)


def unlike(network: nn.Module) -> str | None:
    """The type of a layer that a stack knows no counterpart of; None: all of them are known."""
    for module in network.modules():
        known = isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear)
        if not known and not _treats_alike(module):
            return type(module).__name__
    return None


def alignment(template: nn.Module) -> int:
    """Stacks of a multiple of this many models give each model the same bits, whatever their size.

    A CPU takes 16 (or 8) channels at a time and rounds those that are left over in another way; so
    the channels of every layer of the stack have to be a multiple of 16.
    """
    channels = [m.num_features for m in template.modules() if isinstance(m, nn.BatchNorm2d)]
    return 16 // math.gcd(16, *channels)


def filled(models: int, multiple: int) -> int:
    """How many models a stack for `models` of them holds, with the discarded copies that make it a
    multiple (see `alignment`), two at least."""
    return max(2, -(-models // multiple) * multiple)


class Stack(nn.Module):
    """k models as one network: (batch, k, ...) to logits (batch, k, classes).

    A batch of shape (batch, 1, ...) is shared by all models. `template` is one ordinary model and
    gives the architecture; `states` are the k ordinary state dicts whose weights the stack starts
    from. k = 1 is the ordinary network itself, any `nn.Module` from (batch, ...) to (batch,
    classes); more models need images and layers that can be stacked.
    """

    def __init__(self, template: nn.Module, states: Sequence[StateDict]) -> None:
        super().__init__()
        if not states:
            raise ValueError("a stack needs at least one model")
        self.k = len(states)
        network = copy.deepcopy(template)
        self.network = network if self.k == 1 else _stacked(network, self.k)
        self.network.to(next(template.parameters()).dtype)
        self._shapes = {name: value.shape for name, value in template.state_dict().items()}
        self.network.load_state_dict(
            {self._stacked_name(name): self._join(name, states) for name in self._shapes}
        )
        self.network.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] not in (self.k, 1):
            raise ValueError(f"this stack holds {self.k} models, the batch is for {x.shape[1]}")
        x = x.flatten(1, 2) if self.k > 1 else x[:, 0]
        if x.dtype == torch.bfloat16 and not torch.is_autocast_enabled(x.device.type):
            x = x.to(next(self.network.parameters()).dtype)  # a pool kept in half precision
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return self.apart(self.network(x))

    def apart(self, output: Tensor) -> Tensor:
        """The output of a layer (batch, k * channels, ...) as (batch, k, channels, ...)."""
        if self.k == 1:
            return output[:, None]
        return output.reshape(len(output), self.k, -1, *output.shape[2:])

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode; each module's own mode is restored after."""
        modes = {module: module.training for module in self.modules()}
        self.eval()
        try:
            yield
        finally:
            for module, training in modes.items():
                module.training = training

    def parts(self, parameter: Tensor) -> Sequence[Tensor]:
        """The share of each model in a parameter of the network, k views of it."""
        return parameter.chunk(self.k)

    def state_dicts(self) -> list[StateDict]:
        """The k ordinary state dicts, as independent copies (lossless)."""
        joined = self.network.state_dict()
        return [
            {
                name: self._part(joined[self._stacked_name(name)], shape, j)
                for name, shape in self._shapes.items()
            }
            for j in range(self.k)
        ]

    def _stacked_name(self, name: str) -> str:
        """A linear layer's weight lies one level deeper in a stack: 9.weight -> 9.conv.weight."""
        owner, _, leaf = name.rpartition(".")
        if self.k > 1 and isinstance(self.network.get_submodule(owner), StackedLinear):
            return f"{owner}.conv.{leaf}"
        return name

    def _join(self, name: str, states: Sequence[StateDict]) -> Tensor:
        """One tensor for k models: channels of model j follow those of model j - 1."""
        values = [state[name] for state in states]
        if values[0].dim() == 0:  # BatchNorm's count of batches: the same in all k
            return values[0].clone()
        joined = torch.cat(values)
        linear = joined.dim() == 2 and self.k > 1
        return joined[:, :, None, None] if linear else joined

    def _part(self, joined: Tensor, shape: torch.Size, j: int) -> Tensor:
        if joined.dim() == 0:
            return joined.clone()
        rows = shape[0]
        return (
            joined[j * rows : (j + 1) * rows]
            .reshape(shape)
            .clone(memory_format=torch.contiguous_format)
        )
