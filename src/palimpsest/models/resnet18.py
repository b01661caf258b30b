"""ResNet-18 in its CIFAR form (He et al. 2016): a first convolution of 3 x 3 and no max pooling.

Width 64 is the standard network; smaller widths scale every layer alike. It starts as in the public
code of unlearning (OPTML-Group/Unlearn-Sparse, models/ResNet.py): convolutions from a normal
distribution by fan-out (Kaiming), BatchNorm at 1 and 0, the linear layer as torch has it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from palimpsest.data.facts import Facts
from palimpsest.values import Size

if TYPE_CHECKING:
    from torch import nn


def build(data: Facts, *, width: Size = 64) -> nn.Module:
    """Images (batch, channels, height, width) to logits (batch, classes).

    `width` is the number of channels of the first layer. An image is halved three times, but never
    to 1 x 1 (8 x 8 images: twice), where BatchNorm could not train on a batch of one.
    """
    from torch import nn

    from palimpsest.layers import Residual, conv_bn

    channels, *sides = data.item
    side = min(sides)
    layers: list[nn.Module] = [conv_bn(channels, width)]
    for inputs, outputs in _blocks(width):
        stride = 2 if inputs < outputs and side > 2 else 1
        side = -(-side // stride)
        body = nn.Sequential(
            conv_bn(inputs, outputs, stride=stride),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        shortcut = None
        if inputs < outputs:
            shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )
        layers += [Residual(body, shortcut), nn.ReLU(inplace=True)]
    network = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8 * width, data.classes)
    )
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


def weights(data: Facts, *, width: Size = 64) -> int:
    """Numbers in the state dict of one model: weights, and BatchNorm's statistics and counts."""
    convolutions = [(data.item[0], width, 9)]
    for inputs, outputs in _blocks(width):
        convolutions += [(inputs, outputs, 9), (outputs, outputs, 9)]
        if inputs < outputs:
            convolutions.append((inputs, outputs, 1))
    normalised = sum(4 * outputs + 1 for _, outputs, _ in convolutions)
    kernels = sum(inputs * outputs * taps for inputs, outputs, taps in convolutions)
    return kernels + normalised + (8 * width + 1) * data.classes


def _blocks(width: int) -> list[tuple[int, int]]:
    """Channels in and out of the eight blocks, two of each width."""
    widths = [width, *(width * factor for factor in (1, 1, 2, 2, 4, 4, 8, 8))]
    return list(itertools.pairwise(widths))
