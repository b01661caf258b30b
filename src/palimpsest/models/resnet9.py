"""The ResNet-9 of "Ascent Fails to Forget" (Appendix J).

Width 64 on 3 x 32 x 32 images is the paper's network, layer by layer and with the state-dict keys
of the public CIFAR-10 example it comes from. Smaller widths scale every layer alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from palimpsest.data.facts import Facts
from palimpsest.values import Size

if TYPE_CHECKING:
    from torch import nn

PADDED_BELOW = 12
"""side of an image, in pixels, below which the last convolution, unpadded in the paper, is padded
by 1, since its input would be smaller than its kernel"""


def build(data: Facts, *, width: Size) -> nn.Module:
    """Images (batch, channels, size, size) to logits (batch, classes).

    `width` is the number of channels of the first layer: 64 in the paper.
    """
    from torch import nn

    from palimpsest.layers import Residual, Scale, conv_bn

    channels, size, _ = data.item
    w = width
    return nn.Sequential(
        conv_bn(channels, w),
        conv_bn(w, 2 * w, kernel=5, stride=2, padding=2),
        Residual(nn.Sequential(conv_bn(2 * w, 2 * w), conv_bn(2 * w, 2 * w))),
        conv_bn(2 * w, 4 * w),
        nn.MaxPool2d(2),
        Residual(nn.Sequential(conv_bn(4 * w, 4 * w), conv_bn(4 * w, 4 * w))),
        conv_bn(4 * w, 2 * w, padding=0 if size >= PADDED_BELOW else 1),
        nn.AdaptiveMaxPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(2 * w, data.classes, bias=False),
        Scale(0.2),
    )


def weights(data: Facts, *, width: Size) -> int:
    """Numbers in the state dict of one model: weights, and BatchNorm's statistics and counts."""
    w = width
    convolutions = [
        (data.item[0], w, 9), (w, 2 * w, 25), (2 * w, 2 * w, 9), (2 * w, 2 * w, 9),
        (2 * w, 4 * w, 9), (4 * w, 4 * w, 9), (4 * w, 4 * w, 9), (4 * w, 2 * w, 9),
    ]  # fmt: skip
    normalised = sum(4 * outputs + 1 for _, outputs, _ in convolutions)
    kernels = sum(inputs * outputs * taps for inputs, outputs, taps in convolutions)
    return kernels + normalised + 2 * w * data.classes
