"""k models of one architecture side by side, as one network with k times the channels.

A convolution becomes a grouped convolution, batch normalisation normalises k times the channels, a
linear layer becomes a grouped 1 x 1 convolution. The result is made of ordinary modules and is
trained by an ordinary optimiser: the sum of the k losses has, for each model, its own gradient.
Any network works whose other layers treat channels alike (ReLU, pooling, residual sums, flatten
after pooling to 1 x 1).
"""

import copy
import functools
import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

StateDict = dict[str, Tensor]


class StackedConv2d(nn.Conv2d):
    """k convolutions side by side: a grouped convolution, computed in the cheapest exact way.

    An input with the channels of a single model is taken as shared by all k (one dense
    convolution). Where the image has no more pixels than the kernel, the convolution is one
    matrix product per model, which then needs no more multiplications and is far faster on a CPU.
    """

    def __init__(self, layer: nn.Conv2d, k: int) -> None:
        super().__init__(
            k * layer.in_channels,
            k * layer.out_channels,
            layer.kernel_size,  # type: ignore[arg-type]
            stride=layer.stride,  # type: ignore[arg-type]
            padding=layer.padding,  # type: ignore[arg-type]
            groups=k * layer.groups,
            bias=layer.bias is not None,
        )
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] * self.k == self.in_channels:
            return F.conv2d(
                x, self.weight, self.bias, self.stride, self.padding, groups=self.groups // self.k
            )
        pixels, taps = x.shape[2] * x.shape[3], self.weight.shape[2] * self.weight.shape[3]
        if pixels <= taps and self.groups == self.k and self.bias is None:
            return self._matrix_product(x)
        return super().forward(x)

    def _matrix_product(self, x: Tensor) -> Tensor:
        """The convolution as one product (batch, inputs) x (inputs, outputs) per model."""
        batch, _, height, width = x.shape
        taps, out_height, out_width = _taps(
            (height, width), self.kernel_size, self.stride, self.padding, x.device
        )
        inputs, outputs = self.in_channels // self.k, self.out_channels // self.k
        pixels, out_pixels = height * width, out_height * out_width
        columns = x.permute(2, 3, 0, 1).reshape(pixels, batch, self.k, inputs)
        columns = columns.permute(2, 1, 0, 3).reshape(self.k, batch, pixels * inputs)
        kernel = self.weight.reshape(self.k, outputs, inputs, -1).permute(3, 0, 2, 1)
        kernel = torch.cat([kernel, kernel.new_zeros(1, self.k, inputs, outputs)])  # outside: zero
        matrix = kernel[taps].reshape(pixels, out_pixels, self.k, inputs, outputs)
        matrix = matrix.permute(2, 0, 3, 1, 4).reshape(self.k, pixels * inputs, -1)
        result = torch.bmm(columns, matrix).reshape(self.k, batch, out_pixels, outputs)
        result = result.permute(1, 2, 0, 3).reshape(batch, out_height, out_width, -1)
        return result.permute(0, 3, 1, 2)  # channels last in memory


@functools.cache
def _taps(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    device: torch.device,
) -> tuple[Tensor, int, int]:
    """Which kernel tap joins each input pixel to each output pixel (one past the last: none)."""
    out = [(size[d] + 2 * padding[d] - kernel[d]) // stride[d] + 1 for d in range(2)]
    taps = []
    for row, column in itertools.product(range(size[0]), range(size[1])):
        for out_row, out_column in itertools.product(range(out[0]), range(out[1])):
            y = row - out_row * stride[0] + padding[0]
            x = column - out_column * stride[1] + padding[1]
            inside = 0 <= y < kernel[0] and 0 <= x < kernel[1]
            taps.append(y * kernel[1] + x if inside else kernel[0] * kernel[1])
    return torch.tensor(taps, device=device), out[0], out[1]


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
    if next(module.parameters(recurse=False), None) is not None:
        raise ValueError(
            f"a layer of type {type(module).__name__} cannot be stacked: "
            "allowed are Conv2d, BatchNorm2d and Linear"
        )
    for name, child in module.named_children():
        setattr(module, name, _stacked(child, k))
    return module


def alignment(template: nn.Module) -> int:
    """Stacks of a multiple of this many models give each model the same bits, whatever their size.

    A CPU takes 16 (or 8) channels at a time and rounds those that are left over in another way; so
    the channels of every layer of the stack have to be a multiple of 16.
    """
    channels = [m.num_features for m in template.modules() if isinstance(m, nn.BatchNorm2d)]
    return 16 // math.gcd(16, *channels)


class Stack(nn.Module):
    """k models as one network: (batch, k, channels, height, width) to logits (batch, k, classes).

    A batch of shape (batch, 1, channels, height, width) is shared by all models.
    `template` is one ordinary model and gives the architecture; `states` are the k ordinary state
    dicts whose weights the stack starts from. k = 1 is the ordinary network itself.
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
        batch, k, channels, height, width = x.shape
        if k not in (self.k, 1):
            raise ValueError(f"this stack holds {self.k} models, the batch is for {k}")
        x = x.reshape(batch, k * channels, height, width)
        logits = self.network(x.contiguous(memory_format=torch.channels_last))
        return logits.reshape(batch, self.k, -1)

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
