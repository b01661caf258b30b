"""k convolutions side by side, each case computed in the way that is fastest on a CPU."""

import functools
import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StackedConv2d(nn.Conv2d):
    """k convolutions side by side: a grouped convolution, computed in the cheapest exact way.

    An input with the channels of a single model is taken as shared by all k (one dense
    convolution). Where the image has no more pixels than the kernel, the convolution is one
    matrix product per model, which then needs no more multiplications and is far faster on a CPU.
    Two more cases are slow in a CPU's grouped convolutions: one input channel a model, and the
    gradient of a convolution with stride 2.
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
        if self.groups == self.k and self.bias is None:
            if x.shape[2] * x.shape[3] <= self.weight[0, 0].numel():
                return self._matrix_product(x)
            if _float32_on_cpu(x):
                if inputs == 1:
                    return self._depthwise(x)
                if self._halves(x):
                    return _HalvingConvolution.apply(x, self.weight, self.k)
        return super().forward(x)

    def _halves(self, x: Tensor) -> bool:
        """Whether the output has half the input's pixels a side, as `_HalvingConvolution` needs."""
        even = x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0
        shape = (self.kernel_size, self.stride, self.padding)
        return even and shape == ((5, 5), (2, 2), (2, 2))

    def _depthwise(self, x: Tensor) -> Tensor:
        """One input channel a model: repeated for each output channel, each convolved alone."""
        batch, _, height, width = x.shape
        shape = (batch, height, width, self.k, self.out_channels // self.k)
        repeated = x.permute(0, 2, 3, 1).unsqueeze(-1).expand(shape).flatten(3).permute(0, 3, 1, 2)
        return F.conv2d(
            repeated, self.weight, None, self.stride, self.padding, groups=self.out_channels
        )

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


def _float32_on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


class _HalvingConvolution(torch.autograd.Function):
    """A grouped 5 x 5 convolution with stride 2 and padding 2, with a faster gradient.

    The gradient of an input pixel at row 2 i + r (r = 0, 1) takes output rows i - 1, i and i + 1
    with the kernel's rows r + 4, r + 2 and r. So all four parities (rows, columns) together are one
    3 x 3 convolution of the output's gradient, with a channel for each parity.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, k: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.k = k
        return F.conv2d(x, weight, None, stride=2, padding=2, groups=k)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = _HalvingConvolution._of_input(gradient, weight, ctx.k)
        if ctx.needs_input_grad[1]:
            of_weight = torch.ops.aten.convolution_backward(
                gradient, x, weight, None, [2, 2], [2, 2], [1, 1], False, [0, 0], ctx.k,
                [False, True, False],
            )[1]  # fmt: skip
        return of_x, of_weight, None

    @staticmethod
    def _of_input(gradient: Tensor, weight: Tensor, k: int) -> Tensor:
        batch, channels, height, width = gradient.shape
        outputs, inputs = channels // k, weight.shape[1]
        kernel = F.pad(weight, (0, 1, 0, 1)).reshape(k, outputs, inputs, 3, 2, 3, 2).flip(3, 5)
        kernel = kernel.permute(0, 4, 6, 2, 1, 3, 5).reshape(k * 4 * inputs, outputs, 3, 3)
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        parities = F.conv2d(gradient, kernel, padding=1, groups=k).permute(0, 2, 3, 1)
        parities = parities.reshape(batch, height, width, k, 2, 2, inputs)
        pixels = parities.permute(0, 1, 4, 2, 5, 3, 6)
        return pixels.reshape(batch, 2 * height, 2 * width, k * inputs).permute(0, 3, 1, 2)


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
