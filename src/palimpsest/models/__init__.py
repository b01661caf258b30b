"""Architectures by name; each is a plain `nn.Module` built from the data's shape."""

from torch import nn

from palimpsest.models.resnet9 import ResNet9

ARCHITECTURES = {"resnet9": ResNet9}


def build(name: str, *, channels: int, classes: int, image_size: int, width: int) -> nn.Module:
    """An untrained model of architecture `name` (weights drawn from torch's global generator)."""
    if name not in ARCHITECTURES:
        raise ValueError(f"unknown model {name!r}: allowed are {', '.join(sorted(ARCHITECTURES))}")
    return ARCHITECTURES[name](
        channels=channels, classes=classes, width=width, image_size=image_size
    )
