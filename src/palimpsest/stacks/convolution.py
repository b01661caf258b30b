"""k convolutions side by side, on small images as matrix products."""

import functools
import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StackedConv2d(nn.Conv2d):
    """k convolutions side by side: a grouped convolution, computed in the cheapest exact way.

    An input with the channels of a single model is taken as shared by all k (one dense
    convolution). Where the image has fewer pixels than the kernel, the convolution is one matrix
    product per model, which then needs fewer multiplications (`benchmarks/stacks.py` compares).
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
        inputs = self.in_channels // self.k
        if x.shape[1] == inputs:
            return F.conv2d(
                x, self.weight, self.bias, self.stride, self.padding, groups=self.groups // self.k
            )
        small = x.shape[2] * x.shape[3] < self.weight[0, 0].numel()
        if small and self.groups == self.k and self.bias is None:
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
        columns = x.permute(0, 2, 3, 1).reshape(batch, pixels, self.k, inputs)
        columns = columns.permute(2, 0, 1, 3).reshape(self.k, batch, pixels * inputs)
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
