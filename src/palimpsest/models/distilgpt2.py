"""DistilGPT2 (Sanh et al. 2019): the next token of a text, from those before it.

The network is transformers' GPT2LMHeadModel, from scratch or from a local folder such as
distilgpt2: its GPT2Model, and the tied head without weights of its own (`networks.NextToken`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palimpsest.data.facts import Facts
from palimpsest.files import SettingError
from palimpsest.models._transformers import (
    ATTENTION,
    check_folder,
    check_sizes,
    check_texts,
    load,
    read_config,
    read_sizes,
)
from palimpsest.values import File, Fraction, Size

if TYPE_CHECKING:
    from torch import nn

READS = "texts"
PREDICTS = "next_token"
STACKS = False
FILES = ("pretrained",)
SIZES = {
    "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
    "n_inner": None,
}  # fmt: skip
"""the library's defaults, those of gpt2; DistilGPT2 has LAYERS instead"""
LAYERS = 6


def build(
    data: Facts,
    *,
    pretrained: File | None = None,
    dim: Size | None = None,
    layers: Size | None = None,
    heads: Size | None = None,
    hidden: Size | None = None,
    dropout: Fraction = 0.1,
) -> nn.Module:
    """Token ids (batch, length) to logits (batch, length - 1, vocabulary).

    From scratch a text may have as many tokens as those of the data set; null sizes are those of
    DistilGPT2 (dim 768, 6 layers, 12 heads), and `hidden`, between the two linear layers of a
    block, is four times dim. `pretrained` is a folder, which decides all sizes. `dropout` is that
    of embeddings, attention and blocks.
    """
    from palimpsest.huggingface import transformers
    from palimpsest.networks import NextToken

    library = transformers()
    sizes = _sizes(data, pretrained=pretrained, dim=dim, layers=layers, heads=heads, hidden=hidden)
    given = sizes | {
        "pad_token_id": data.padding, "bos_token_id": None, "eos_token_id": None,
        "embd_pdrop": dropout, "attn_pdrop": dropout, "resid_pdrop": dropout, "use_cache": False,
        "attn_implementation": ATTENTION,
    }  # fmt: skip
    assert data.padding is not None
    if pretrained is None:
        return NextToken(library.GPT2Model(library.GPT2Config(**given)), data.padding)
    config = library.GPT2Config.from_pretrained(pretrained, local_files_only=True, **given)
    return NextToken(load(library.GPT2Model, pretrained, config), data.padding)


def weights(data: Facts, **settings: Any) -> int:
    """Numbers in the state dict of one model."""
    sizes = _sizes(data, **settings)
    d = sizes["n_embd"]
    h = sizes["n_inner"] or 4 * d
    embeddings = (sizes["vocab_size"] + sizes["n_positions"]) * d
    block = 4 * (d + 1) * d + (d + 1) * h + (h + 1) * d + 4 * d
    return int(embeddings + sizes["n_layer"] * block + 2 * d)


def check(data: Facts, **settings: Any) -> None:
    """SettingError for sizes that do not fit each other, or stand beside a folder."""
    sizes = _sizes(data, **settings | {"pretrained": None})
    check_sizes(settings, sizes["n_embd"], sizes["n_head"], ("dim", "layers", "heads", "hidden"))


def check_files(data: Facts, *, pretrained: str | None, **_: Any) -> None:
    """SettingError unless the folder holds a GPT-2 that reads the texts of the data set."""
    if pretrained is not None:
        sizes = check_folder(pretrained, "gpt2", SIZES)
        if not read_config(pretrained).get("tie_word_embeddings", True):
            found = f"is {pretrained}, whose head has weights of its own"
            raise SettingError("pretrained", found, "a model with a tied head")
        check_texts(pretrained, data, sizes["vocab_size"], sizes["n_positions"])


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
    return {
        "vocab_size": data.vocabulary,
        "n_positions": data.item[-1],
        "n_embd": dim or SIZES["n_embd"],
        "n_layer": layers or LAYERS,
        "n_head": heads or SIZES["n_head"],
        "n_inner": hidden,
    }
