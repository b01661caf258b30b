"""ResNet-18 in its ImageNet form (He et al. 2016): torchvision's, also with ImageNet weights.

Beside `resnet18`, which is made for small images, it begins with a convolution of 7 x 7 pixels and
stride 2, and max pooling: an image of 32 x 32 pixels is 1 x 1 at its end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from palimpsest.data.facts import Facts
from palimpsest.files import InputError, SettingError, one_line
from palimpsest.models import resnet18
from palimpsest.values import File

if TYPE_CHECKING:
    from torch import Tensor, nn

FILES = ("pretrained",)
CHANNELS = 3
"""of the images of ImageNet"""
WIDTH = 64
Side = Annotated[int, Field(ge=1, le=4096)]
"""pixels: of a batch of images so large, the first layer alone takes gigabytes"""
SUFFIXES = (".pth", ".safetensors")


def build(data: Facts, *, pretrained: File | None = None, side: Side | None = None) -> nn.Module:
    """Images (batch, channels, height, width) to logits (batch, classes).

    `side`: images are enlarged to so many pixels a side first (bilinear; the weights are of images
    of 224); null reads them as they are. Below 33 pixels a side BatchNorm's last layers see one
    pixel a point, and cannot train on a batch of one point.

    `pretrained` is a file such as torchvision's resnet18-f37072fd.pth, or its tensors as
    .safetensors. Where images have one channel, the kernels of the first layer are summed over
    their channels; the last layer starts anew where the data set has another number of classes
    than the file. The data set's own mean and deviation are kept.
    """
    from torch import nn
    from torchvision.models import resnet18 as network_of

    from palimpsest.networks import ImageClassifier, for_grey_images

    network = network_of(weights=None, num_classes=data.classes)
    if pretrained is not None:
        _load(network, pretrained)
        if data.item[0] != CHANNELS:
            network.conv1 = for_grey_images(network.conv1)
    elif data.item[0] != CHANNELS:
        network.conv1 = nn.Conv2d(data.item[0], WIDTH, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    return ImageClassifier(network, side)


def weights(data: Facts, **_: Any) -> int:
    """Numbers in the state dict of one model: weights, and BatchNorm's statistics and counts."""
    return resnet18.weights(data, width=WIDTH) + data.item[0] * WIDTH * (49 - 9)


def check(data: Facts, *, pretrained: str | None, **_: Any) -> None:
    """SettingError for images that weights of ImageNet cannot read."""
    if pretrained is not None and data.item[0] not in (1, CHANNELS):
        found = f"is {pretrained}, and the images have {data.item[0]} channels"
        raise SettingError("pretrained", found, f"null, or images of 1 or {CHANNELS} channels")


def check_files(data: Facts, *, pretrained: str | None, **_: Any) -> None:
    """SettingError unless there is such a file; what it holds is told when it is read."""
    if pretrained is None:
        return
    file, needed = Path(pretrained), f"a file of weights ({' or '.join(SUFFIXES)})"
    if not file.is_file():
        found = "no file" if file.exists() else "not there"
        raise SettingError("pretrained", f"is {pretrained}, which is {found}", needed)
    if file.suffix not in SUFFIXES:
        raise SettingError("pretrained", f"is {pretrained}", needed)


def _load(network: nn.Module, file: str) -> None:
    """Put the file's weights into the network; its last layer stays where it has other classes."""
    found = _read(file)
    wanted = network.state_dict()
    for name, value in wanted.items():
        last = name.startswith("fc.")
        if name.endswith("num_batches_tracked"):  # of BatchNorm; older files have none
            found.setdefault(name, value)
        if name not in found or (not last and found[name].shape != value.shape):
            what = "are missing" if name not in found else "have another shape"
            raise InputError(f"{file}: the weights {name} {what}; needed: those of a ResNet-18")
        if last and found[name].shape != value.shape:
            found[name] = value
    network.load_state_dict({name: found[name] for name in wanted})


def _read(file: str) -> dict[str, Tensor]:
    """The tensors of a file by name; InputError where it is damaged, or holds anything else."""
    import torch
    from safetensors.torch import load_file

    try:
        if Path(file).suffix == ".safetensors":
            return dict(load_file(file))
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(f"{file}: its weights cannot be read ({one_line(error)})") from None
    if not isinstance(found, dict) or not all(torch.is_tensor(one) for one in found.values()):
        raise InputError(f"{file}: holds no map of tensors; needed: the weights of a ResNet-18")
    return dict(found)
