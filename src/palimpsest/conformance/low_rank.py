"""Adapters and the loss of residual feature alignment by their definitions: plain and slow.

Nothing of `preparations/lora.py` or `plans/alignment.py` is used, but the random start of A.
"""

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from palimpsest.plans.alignment import ResidualAlignment
from palimpsest.plans.losses import Batch, Means
from palimpsest.stacks.stack import StateDict

Residuals = dict[str, tuple[Tensor, Tensor]]


class LowRank:
    """An ordinary network whose layers have the weights W + scale * B A, beside its frozen copy.

    Args:
        network: with the original weights; its BatchNorm may move, its weights do not.
        adapted: parameters of the prepared network, by name: A and B are taken from them.
        settings: those of the preparation.
    """

    def __init__(
        self, network: nn.Module, adapted: Mapping[str, Tensor], settings: Mapping[str, Any]
    ) -> None:
        self.network, self.frozen = network, copy.deepcopy(network).eval()
        self.scale, self.within = settings["scale"], settings["teacher"] == "layerwise"
        end = ".lora_A.default.weight"
        self.layers = [name[: -len(end)] for name in adapted if name.endswith(end)]
        self.factors = {
            name: tuple(
                adapted[f"{name}.lora_{letter}.default.weight"].detach().clone().requires_grad_()
                for letter in "AB"
            )
            for name in self.layers
        }

    def parameters(self) -> list[Tensor]:
        """A and B of each layer."""
        return [factor for pair in self.factors.values() for factor in pair]

    def weights(self) -> dict[str, Tensor]:
        """W + scale * B A by name."""
        found = {}
        for name, (a, b) in self.factors.items():
            product = torch.einsum("or,r...->o...", b.reshape(len(b), -1), a)
            weight = self.network.get_parameter(f"{name}.weight").detach()
            found[f"{name}.weight"] = weight + self.scale * product.reshape(weight.shape)
        return found

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Residuals]:
        """Logits (b, classes); of each adapted layer x and dx (b, 1, ...)."""
        with _calls(self.network, self.layers) as own:
            output = functional_call(self.network, self.weights(), (inputs,))
        if self.within:
            given = {}
            for name, (layer_input, _) in own.items():
                layer = self.frozen.get_submodule(name)
                given[name] = layer(layer_input)
        else:
            given = self.features(inputs)
        return output, {
            name: (given[name][:, None], (features - given[name])[:, None])
            for name, (_, features) in own.items()
        }

    def features(self, inputs: Tensor) -> dict[str, Tensor]:
        """What the layers of the original give, (b, ...)."""
        with torch.no_grad(), _calls(self.frozen, self.layers) as own:
            self.frozen(inputs)
        return {name: features for name, (_, features) in own.items()}

    def means(self, inputs: Tensor, labels: Tensor, classes: int) -> Means:
        """Over these, the retained points."""
        features = {
            name: (own.mean(0, keepdim=True), torch.tensor(True))
            for name, own in self.features(inputs).items()
        }
        share = [float((labels == label).double().mean()) for label in range(classes)]
        return Means(features, torch.tensor([share], dtype=inputs.dtype))

    def merged(self) -> StateDict:
        """The state dict of the finished network."""
        return self.network.state_dict() | {n: w.detach() for n, w in self.weights().items()}


@contextmanager
def _calls(network: nn.Module, layers: list[str]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """A map that holds what each layer was given and what it gave."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    handles = [
        network.get_submodule(name).register_forward_hook(
            lambda _m, given, output, name=name: found.update({name: (given[0], output)})
        )
        for name in layers
    ]
    yield found
    for handle in handles:
        handle.remove()


def alignment_by_definition(loss: ResidualAlignment, batch: Batch) -> list[float]:
    """Eq. 6 of each model, one point after the other, of images or classified texts.

    Logits (b, k, classes), labels (b, k); the tokens that fill up a text are left out of it.
    """
    assert batch.forget is not None
    return [_of_model(loss, batch, batch.forget, j) for j in range(batch.logits.shape[1])]


def _of_model(loss: ResidualAlignment, batch: Batch, forget: Tensor, j: int) -> float:
    points = range(len(batch.logits))
    forgotten = [i for i in points if bool(forget[i, j])]
    retained = [i for i in points if not bool(forget[i, j])]
    inter = 0.0
    for name, (x, dx) in batch.residuals.items():
        if loss.mean_over == "population":
            assert batch.means is not None
            mean = batch.means.features[name][0][j]
        elif retained:
            mean = sum((x[i, j] for i in retained), torch.zeros_like(x[0, j])) / len(retained)
        for i in retained:
            inter += loss.alpha / len(retained) * _size(dx[i, j], loss.norm)
        for i in forgotten:
            if retained or loss.mean_over == "population":
                away = dx[i, j] - (mean - x[i, j])
                inter += loss.beta / len(forgotten) * _size(away, loss.norm)
    classes = batch.logits.shape[2]
    label = [0.0] * classes
    for i in retained:
        label[int(batch.labels[i, j])] += 1 / len(retained)
    if loss.mean_over == "population":
        assert batch.means is not None
        label = batch.means.label[j].tolist()
    mu = loss.mu
    if mu is None:
        mu = loss.lam * len(forgotten) / len(retained) if retained else loss.lam
    task = 0.0
    for i in points:
        log_p = _log_softmax(batch.logits[i, j].tolist())
        if i in retained:
            task -= loss.lam / len(retained) * log_p[int(batch.labels[i, j])]
        else:
            weighed = sum(q * value for q, value in zip(label, log_p, strict=True))
            task -= mu / len(forgotten) * weighed
    return loss.gamma / len(batch.residuals) * inter + (1 - loss.gamma) * task


def _size(values: Tensor, norm: str) -> float:
    squares = sum(value * value for value in values.flatten().tolist())
    return math.sqrt(squares) if norm == "l2" else squares


def _log_softmax(logits: list[float]) -> list[float]:
    top = max(logits)
    total = math.log(sum(math.exp(value - top) for value in logits))
    return [value - top - total for value in logits]
