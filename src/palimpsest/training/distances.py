"""How far two stacks of models are apart at points: in what they answer, and in their layers.

"Residual Feature Alignment", Section V.B, names both distances and leaves open which layers, how
the numbers of a layer become one, and what a distance is relative to. Here, of each point:

- activation: the L2 distance of the two models' probabilities, at most sqrt(2); of a text whose
  next tokens are predicted the mean over its tokens.
- feature: |x_k^a - x_k^b|, a mean over the numbers of layer k, summed over the layers.
- feature_relative: the sum of |x_k^a - x_k^b| over the sum of |x_k^b|, a mean over the layers, so
  that no layer outweighs the others by its scale. A layer that gives nothing but 0 is left out.

The layers are named, or all convolutions and linear layers but the last linear one, the head; each
counts with what it gave last in a pass. Where the network knows what fills a text up, those places
count nowhere.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from palimpsest.files import SettingError
from palimpsest.patterns import matched, some
from palimpsest.plans.losses import IGNORED
from palimpsest.records import DISTANCES
from palimpsest.stacks.stack import Stack, StackedLinear
from palimpsest.training.device import Device


@dataclass(frozen=True)
class Ran:
    """A run of a stack on points.

    Args:
        logits: (points, k, ...).
        layers: the output of each layer, (points, k, numbers); those of padding are 0.
        counts: how many numbers of each layer are no padding, (points, 1).
    """

    logits: Tensor
    layers: tuple[Tensor, ...]
    counts: tuple[Tensor, ...]

    @functools.cached_property
    def probabilities(self) -> Tensor:
        """Like the logits."""
        return self.logits.softmax(-1)

    @functools.cached_property
    def sizes(self) -> tuple[Tensor, ...]:
        """The sum of the absolute numbers of each layer, (points, k)."""
        return tuple(layer.abs().sum(-1) for layer in self.layers)


class Watched:
    """A stack whose layers' outputs are kept whenever it is run.

    Args:
        stack: its models.
        device: they run on.
        layers: names, see `feature_layers`.
    """

    def __init__(self, stack: Stack, device: Device, layers: str | None = None) -> None:
        self.stack, self._device, self._named = stack, device, layers is not None
        self.layers = feature_layers(stack.network, layers)
        self._seen: dict[str, Tensor] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Evaluation mode, and outputs are kept; as before afterwards."""
        network = self.stack.network
        handles = [network.get_submodule(name).register_forward_hook(self._keep(name))
                   for name in self.layers]  # fmt: skip
        try:
            with self.stack.evaluating():
                yield
        finally:
            for handle in handles:
                handle.remove()

    def run(self, inputs: Tensor) -> Ran:
        """What the stack answers at points (points, 1, ...), and what its layers hold.

        SettingError for a named layer that the pass does not call.
        """
        logits = self._device.logits(self.stack, inputs)
        if self._named and len(self._seen) < len(self.layers):
            unseen = next(name for name in self.layers if name not in self._seen)
            found = f"has {unseen} in it, which a pass of the network does not call"
            raise SettingError("layers", found, some(self._seen))
        padding = getattr(self.stack.network, "padding", None)
        present = None if padding is None else inputs != padding
        outputs = [self._seen.pop(name) for name in self.layers if name in self._seen]
        return Ran(logits, *zip(*(_flat(output, present) for output in outputs), strict=True))

    def _keep(self, name: str) -> Callable[..., None]:
        # a copy, which a layer that works in place does not reach
        return lambda _module, _given, output: self._seen.update(
            {name: self.stack.apart(output.clone())}
        )


def feature_layers(network: nn.Module, layers: str | None = None) -> list[str]:
    """Names of convolutions and linear layers of a network, or of a stack of them.

    `layers`: which, as `patterns.matched` reads them; None: all but the last linear layer, the
    head. SettingError for a name that no layer has, and where the head is the only one.
    """
    names, linear, inside = [], [], "\0"
    for name, module in network.named_modules():
        if name.startswith(inside):  # what a stacked linear layer is made of
            continue
        if isinstance(module, nn.Linear | StackedLinear):
            linear.append(name)
            inside = f"{name}."
        # GPT-2's linear layers are transformers' Conv1D
        elif not isinstance(module, nn.Conv2d) and type(module).__name__ != "Conv1D":
            continue
        names.append(name)
    kind = "linear layer or convolution"
    if layers is not None:
        return matched(layers, "layers", names, kind)
    chosen = [name for name in names if name not in linear[-1:]]
    if not chosen:
        raise SettingError("layers", "is null, and the network has none but its head", some(names))
    return chosen


def apart(own: Ran, other: Ran, labels: Tensor) -> dict[str, Callable[[], Tensor]]:
    """The distances of two runs on the same points: by name of `records.DISTANCES`, what works
    (k, points) out.

    `labels` as in `training.evaluate.statistics`: (points,), or (points, tokens). Relative
    distances are relative to `other`.
    """

    @functools.cache
    def differences() -> list[Tensor]:
        """The sum over the numbers of each layer, (points, k)."""
        pairs = zip(own.layers, other.layers, strict=True)
        return [F.l1_loss(a, b, reduction="none").sum(-1) for a, b in pairs]

    def activation() -> Tensor:
        distance = (own.probabilities - other.probabilities).norm(dim=-1)
        if labels.dim() > 1:
            asked = (labels != IGNORED)[:, None]
            distance = distance.masked_fill(~asked, 0.0).sum(-1) / asked.sum(-1)
        return distance.T.contiguous()

    def feature() -> Tensor:
        each = zip(differences(), own.counts, strict=True)
        return _added([difference / count for difference, count in each]).T.contiguous()

    def feature_relative() -> Tensor:
        each = zip(differences(), other.sizes, strict=True)
        relative = [(apart / size).masked_fill(size == 0, 0.0) for apart, size in each]
        alive = _added([(size != 0).float() for size in other.sizes])
        return (_added(relative) / alive).T.contiguous()

    return dict(zip(DISTANCES, (activation, feature, feature_relative), strict=True))


def _added(parts: Sequence[Tensor]) -> Tensor:
    """Their sum, one after the other, whatever their shape."""
    return functools.reduce(torch.add, parts)


def _flat(output: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
    """Output (points, k, ...) as (points, k, numbers), and how many of a point count, (points, 1).

    `present`: where texts (points, 1, length) hold tokens; their outputs are (points, k, tokens,
    numbers), and padding is 0.
    """
    counts = torch.full((len(output), 1), output[0, 0].numel(), device=output.device)
    if present is not None and output.dim() == 4:
        here = present[:, :, -output.shape[2] :]  # a last token that is not read is asked for
        output = output.masked_fill(~here.unsqueeze(-1), 0.0)
        counts = here.sum(-1) * output.shape[3]
    return output.flatten(2).float(), counts
