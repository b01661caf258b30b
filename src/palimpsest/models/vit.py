"""The Vision Transformer (Dosovitskiy et al. 2021): patches of an image as tokens.

The network is transformers' ViTForImageClassification, whose projections are layers of their own
(torchvision's attention is fused, so that no adapter can be put on them), from scratch or from a
local folder such as google/vit-base-patch16-224, with ImageNet weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from palimpsest.data.facts import Facts
from palimpsest.files import SettingError
from palimpsest.models._transformers import (
    ATTENTION,
    check_folder,
    check_sizes,
    load,
    read_sizes,
)
from palimpsest.values import File, Fraction, Size

if TYPE_CHECKING:
    from torch import nn

STACKS = False
FILES = ("pretrained",)
SIZES = {
    "image_size": 224, "patch_size": 16, "num_channels": 3, "hidden_size": 768,
    "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
}  # fmt: skip
"""of vit-base-patch16-224, by the library's names"""


def build(
    data: Facts,
    *,
    pretrained: File | None = None,
    patch: Size | None = None,
    dim: Size | None = None,
    layers: Size | None = None,
    heads: Size | None = None,
    hidden: Size | None = None,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """Images (batch, channels, height, width) to logits (batch, classes).

    From scratch `patch`, pixels a side, divides the sides of the image; null sizes are those of
    ViT-B/16 (patch 16, dim 768, 12 layers, 12 heads), and `hidden`, between the two linear layers
    of a block, is four times dim.

    `pretrained` is a folder, which decides all sizes. Images are enlarged to those that its weights
    were trained on (bilinear). Where they have one channel and the weights three, the kernels of
    the first layer are summed over their channels; the head starts anew where the folder has
    another number of classes. The data set's own mean and deviation are kept. `dropout` is that of
    embeddings, attention and blocks.
    """
    from palimpsest.huggingface import transformers
    from palimpsest.networks import ImageClassifier, for_grey_images

    library = transformers()
    sizes = _sizes(
        data, pretrained=pretrained, patch=patch, dim=dim, layers=layers, heads=heads, hidden=hidden
    )
    given = sizes | {
        "num_labels": data.classes, "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout, "attn_implementation": ATTENTION,
    }  # fmt: skip
    kind = library.ViTForImageClassification
    if pretrained is None:
        return ImageClassifier(kind(library.ViTConfig(**given)))
    config = library.ViTConfig.from_pretrained(pretrained, local_files_only=True, **given)
    network: Any = load(kind, pretrained, config, head=("classifier",))
    if data.item[0] != sizes["num_channels"]:
        first = network.vit.embeddings.patch_embeddings
        first.projection = for_grey_images(first.projection)
        first.num_channels = 1
    return ImageClassifier(network, sizes["image_size"])


def weights(data: Facts, **settings: Any) -> int:
    """Numbers in the state dict of one model."""
    sizes = _sizes(data, **settings)
    d, h, patch = sizes["hidden_size"], sizes["intermediate_size"], sizes["patch_size"]
    height, width = _sides(sizes["image_size"])
    tokens = (height // patch) * (width // patch) + 1
    embeddings = (1 + tokens + data.item[0] * patch**2 + 1) * d
    block = 4 * (d + 1) * d + (d + 1) * h + (h + 1) * d + 4 * d
    return int(embeddings + sizes["num_hidden_layers"] * block + 2 * d + (d + 1) * data.classes)


def check(data: Facts, **settings: Any) -> None:
    """SettingError for sizes that do not fit the images or each other, or stand beside a folder."""
    sizes = _sizes(data, **settings | {"pretrained": None})
    names = ("patch", "dim", "layers", "heads", "hidden")
    check_sizes(settings, sizes["hidden_size"], sizes["num_attention_heads"], names)
    side, (_, height, width) = sizes["patch_size"], data.item
    if settings["pretrained"] is None and (height % side or width % side):
        allowed = f"a divisor of the images' sides, {height} and {width}"
        raise SettingError("patch", f"is {side}", allowed)


def check_files(data: Facts, *, pretrained: str | None, **_: Any) -> None:
    """SettingError unless the folder holds a ViT that reads images of so many channels."""
    if pretrained is None:
        return
    sizes = check_folder(pretrained, "vit", SIZES)
    if data.item[0] not in (1, sizes["num_channels"]):
        found = f"is {pretrained}, which reads {sizes['num_channels']} channels"
        raise SettingError("pretrained", found, f"a model of images of {data.item[0]} channels")


def _sizes(
    data: Facts,
    *,
    pretrained: str | None = None,
    patch: int | None = None,
    dim: int | None = None,
    layers: int | None = None,
    heads: int | None = None,
    hidden: int | None = None,
    **_: Any,
) -> dict[str, Any]:
    """The sizes of a network, by the library's names."""
    if pretrained is not None:
        return read_sizes(pretrained, SIZES)
    width = dim or SIZES["hidden_size"]
    return {
        "image_size": data.item[1:],
        "patch_size": patch or SIZES["patch_size"],
        "num_channels": data.item[0],
        "hidden_size": width,
        "num_hidden_layers": layers or SIZES["num_hidden_layers"],
        "num_attention_heads": heads or SIZES["num_attention_heads"],
        "intermediate_size": hidden or 4 * width,
    }


def _sides(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of an image."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width
