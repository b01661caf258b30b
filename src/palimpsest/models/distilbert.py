"""DistilBERT (Sanh et al. 2019): a class of each text, from the last state of its first token.

The network is transformers' DistilBertForSequenceClassification, from scratch or from a local
folder such as distilbert-base-uncased, whose head starts anew where it has no such classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palimpsest.data.facts import Facts
from palimpsest.models._transformers import (
    ATTENTION,
    check_folder,
    check_sizes,
    check_texts,
    load,
    read_sizes,
)
from palimpsest.values import File, Fraction, Size

if TYPE_CHECKING:
    from torch import nn

READS = "texts"
STACKS = False
FILES = ("pretrained",)
SIZES = {
    "vocab_size": 30522, "max_position_embeddings": 512, "dim": 768, "n_layers": 6, "n_heads": 12,
    "hidden_dim": 3072,
}  # fmt: skip
"""of distilbert-base-uncased, by the library's names"""


def build(
    data: Facts,
    *,
    pretrained: File | None = None,
    dim: Size | None = None,
    layers: Size | None = None,
    heads: Size | None = None,
    hidden: Size | None = None,
    dropout: Fraction = 0.1,
    head_dropout: Fraction = 0.2,
) -> nn.Module:
    """Token ids (batch, length) to logits (batch, classes).

    From scratch a text may have as many tokens as those of the data set; null sizes are those of
    distilbert-base-uncased (dim 768, 6 layers, 12 heads), and `hidden`, between the two linear
    layers of a block, is four times dim. `pretrained` is a folder, which decides all sizes.
    `dropout` is that of embeddings, attention and blocks, `head_dropout` that before the classes.
    """
    from palimpsest.huggingface import transformers
    from palimpsest.networks import TextClassifier

    library = transformers()
    sizes = _sizes(data, pretrained=pretrained, dim=dim, layers=layers, heads=heads, hidden=hidden)
    given = sizes | {
        "num_labels": data.classes, "pad_token_id": data.padding, "dropout": dropout,
        "attention_dropout": dropout, "seq_classif_dropout": head_dropout,
        "attn_implementation": ATTENTION,
    }  # fmt: skip
    kind = library.DistilBertForSequenceClassification
    assert data.padding is not None
    if pretrained is None:
        return TextClassifier(kind(library.DistilBertConfig(**given)), data.padding)
    config = library.DistilBertConfig.from_pretrained(pretrained, local_files_only=True, **given)
    head = ("pre_classifier", "classifier")
    return TextClassifier(load(kind, pretrained, config, head), data.padding)


def weights(data: Facts, **settings: Any) -> int:
    """Numbers in the state dict of one model."""
    sizes = _sizes(data, **settings)
    d, h = sizes["dim"], sizes["hidden_dim"]
    embeddings = (sizes["vocab_size"] + sizes["max_position_embeddings"] + 2) * d
    block = 4 * (d + 1) * d + (d + 1) * h + (h + 1) * d + 4 * d
    return int(embeddings + sizes["n_layers"] * block + (d + 1) * (d + data.classes))


def check(data: Facts, **settings: Any) -> None:
    """SettingError for sizes that do not fit each other, or stand beside a folder."""
    sizes = _sizes(data, **settings | {"pretrained": None})
    check_sizes(settings, sizes["dim"], sizes["n_heads"], ("dim", "layers", "heads", "hidden"))


def check_files(data: Facts, *, pretrained: str | None, **_: Any) -> None:
    """SettingError unless the folder holds a DistilBERT that reads the texts of the data set."""
    if pretrained is not None:
        sizes = check_folder(pretrained, "distilbert", SIZES)
        check_texts(pretrained, data, sizes["vocab_size"], sizes["max_position_embeddings"])


def _sizes(
    data: Facts,
    *,
    pretrained: str | None = None,
    dim: int | None = None,
    layers: int | None = None,
    heads: int | None = None,
    hidden: int | None = None,
    **_: Any,
) -> dict[str, Any]:
    """The sizes of a network, by the library's names."""
    if pretrained is not None:
        return read_sizes(pretrained, SIZES)
    width = dim or SIZES["dim"]
    return {
        "vocab_size": data.vocabulary,
        "max_position_embeddings": data.item[-1],
        "dim": width,
        "n_layers": layers or SIZES["n_layers"],
        "n_heads": heads or SIZES["n_heads"],
        "hidden_dim": hidden or 4 * width,
    }
