"""Optimisers as plain data; `make` gives torch's own. Phases set the learning rate."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from palimpsest.values import Optimiser

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent.

    Args:
        momentum, weight_decay: see torch.optim.SGD.
        warmup_steps: over the first so many steps the phase's learning rate grows linearly from 0.
    """

    momentum: float = 0.0
    weight_decay: float = 0.0
    warmup_steps: int = 0

    def make(self, parameters: Iterable[Tensor], rate: Tensor | None = None) -> Optimizer:
        """torch.optim.SGD with learning rate 0, or the fused one that reads it from `rate` (),
        on the device, at each step."""
        from torch.optim import SGD

        return _uncompiled(SGD)(
            parameters,
            lr=0.0 if rate is None else rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            fused=None if rate is None else True,
        )


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); `warmup_steps` as for Sgd."""

    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    warmup_steps: int = 0

    def make(self, parameters: Iterable[Tensor], rate: Tensor | None = None) -> Optimizer:
        """torch.optim.AdamW; `rate` as for Sgd."""
        from torch.optim import AdamW as TorchAdamW

        return _uncompiled(TorchAdamW)(
            parameters,
            lr=0.0 if rate is None else rate,
            betas=(self.beta1, self.beta2),
            eps=self.epsilon,
            weight_decay=self.weight_decay,
            fused=None if rate is None else True,
            capturable=rate is not None,
        )


@functools.cache
def _uncompiled(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """A kind of torch's optimisers without its guards against torch.compile, which is not used.

    The first guard that is called imports the whole compiler, which takes as long as torch itself.
    """
    import torch

    guarded = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in guarded}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)


def optimiser_of(
    name: Optimiser, *, momentum: float = 0.0, weight_decay: float = 0.0
) -> Sgd | AdamW:
    """The optimiser of a setting `optimiser`; AdamW keeps averages of its own, and no `momentum`.

    `weight_decay` is added to the gradient by sgd, taken off the weights by adamw.
    """
    if name == "adamw":
        return AdamW(weight_decay=weight_decay)
    return Sgd(momentum=momentum, weight_decay=weight_decay)
