"""Networks of transformers as the engine wants them: from the inputs alone to logits."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TextClassifier(nn.Module):
    """Texts as token ids (batch, length) to logits (batch, classes).

    `network` is one of transformers for sequence classification; what fills a text up is not
    attended to. The mask is handed in as it is added to the scores of attention: the library, given
    less, looks at the values, which torch.func refuses and a GPU has to be waited for.
    """

    def __init__(self, network: nn.Module, padding: int) -> None:
        super().__init__()
        self.network, self.padding = network, padding

    def forward(self, tokens: Tensor) -> Tensor:
        absent = (tokens == self.padding)[:, None, None, :]
        kind = next(self.network.parameters()).dtype
        mask = torch.zeros_like(absent, dtype=kind).masked_fill(absent, torch.finfo(kind).min)
        logits: Tensor = self.network(input_ids=tokens, attention_mask=mask).logits
        return logits


class NextToken(nn.Module):
    """Texts as token ids (batch, length) to logits (batch, length - 1, vocabulary) of each token
    after the first, from those before it.

    The head is tied, as in GPT-2, and has no weights of its own: the logit of a token is the
    product of the last hidden state and the token's row of the embedding. So a state dict holds
    that matrix once, and an adapter, which is put on a layer, cannot be merged into the head.

    Args:
        transformer: a GPT2Model; its names are those of GPT2LMHeadModel.
        padding: the token that fills a text up; it is not attended to.
    """

    def __init__(self, transformer: Any, padding: int) -> None:
        super().__init__()
        self.transformer, self.padding = transformer, padding

    def forward(self, tokens: Tensor) -> Tensor:
        read = tokens[:, :-1]
        present = (read != self.padding).long()
        hidden = self.transformer(input_ids=read, attention_mask=present).last_hidden_state
        return F.linear(hidden, self.transformer.wte.weight)


class ImageClassifier(nn.Module):
    """Images (batch, channels, height, width) to logits (batch, classes).

    Args:
        network: of torchvision, or one of transformers for image classification.
        side: images are enlarged to so many pixels a side (bilinear); None: read as they are.
    """

    def __init__(self, network: nn.Module, side: int | None = None) -> None:
        super().__init__()
        self.enlarge = nn.Identity() if side is None else nn.Upsample(side, mode="bilinear")
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        output = self.network(self.enlarge(images))
        logits: Tensor = output if isinstance(output, Tensor) else output.logits
        return logits


def for_grey_images(layer: nn.Conv2d) -> nn.Conv2d:
    """The same convolution of images with one channel: its kernels summed over their channels.

    It gives what `layer` gives for an image whose channels are all that one.
    """
    grey = nn.Conv2d(
        1,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        stride=layer.stride,  # type: ignore[arg-type]
        padding=layer.padding,  # type: ignore[arg-type]
        bias=layer.bias is not None,
    )
    with torch.no_grad():
        grey.weight.copy_(layer.weight.sum(dim=1, keepdim=True))
        if grey.bias is not None and layer.bias is not None:
            grey.bias.copy_(layer.bias)
    return grey
