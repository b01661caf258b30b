"""Layers that models share."""

from torch import Tensor, nn


class Residual(nn.Module):
    """x + module(x), or shortcut(x) + module(x)."""

    def __init__(self, module: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.module = module
        self.shortcut = shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = self.shortcut(x)
        return shortcut + self.module(x)


class Scale(nn.Module):
    """Multiply the logits by a constant (0.2 in the recipe of "Ascent Fails to Forget")."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def conv_bn(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int = 1
) -> nn.Module:
    """Convolution without bias, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
