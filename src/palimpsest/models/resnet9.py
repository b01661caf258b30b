"""The ResNet-9 of "Ascent Fails to Forget" (Appendix J), an ordinary `nn.Module`.

Width 64 on 3 x 32 x 32 images is the paper's network, layer by layer and with the state-dict keys
of the public CIFAR-10 example it comes from. Smaller widths scale every layer alike.
"""

from torch import Tensor, nn


class Residual(nn.Module):
    """x + module(x)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return x + self.module(x)


class Scale(nn.Module):
    """Multiply the logits by a constant (0.2 in the paper's recipe)."""

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


class ResNet9(nn.Sequential):
    """Images (batch, channels, size, size) to logits (batch, classes).

    Args:
        channels: input channels (3 for CIFAR-10, 1 for digits).
        classes: number of classes.
        width: channels of the first layer; 64 in the paper.
        image_size: side of the images in pixels. Below 12 pixels the last convolution, unpadded in
            the paper, is padded by 1, since its input would be smaller than its kernel.
    """

    def __init__(
        self, channels: int = 3, classes: int = 10, width: int = 64, image_size: int = 32
    ) -> None:
        w = width
        super().__init__(
            conv_bn(channels, w),
            conv_bn(w, 2 * w, kernel=5, stride=2, padding=2),
            Residual(nn.Sequential(conv_bn(2 * w, 2 * w), conv_bn(2 * w, 2 * w))),
            conv_bn(2 * w, 4 * w),
            nn.MaxPool2d(2),
            Residual(nn.Sequential(conv_bn(4 * w, 4 * w), conv_bn(4 * w, 4 * w))),
            conv_bn(4 * w, 2 * w, padding=0 if image_size >= 12 else 1),
            nn.AdaptiveMaxPool2d((1, 1)),
            nn.Flatten(),
            nn.Linear(2 * w, classes, bias=False),
            Scale(0.2),
        )
