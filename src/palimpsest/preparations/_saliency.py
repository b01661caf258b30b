"""What the masks share: how salient each weight is, which weights are live, the largest share.

On small images many weights meet nothing but padding, and their gradient is exactly 0 at every
point. A mask that let half of *all* weights move would say little of the half that matters; so
shares are of the live weights, those whose saliency on the forget or on the retain set is not 0.
Reading this file needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from palimpsest.files import SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from palimpsest.stacks.stack import Stack
    from palimpsest.training.data import TrainingData
    from palimpsest.training.preparing import Prepared

Reduction = Literal["summed", "per_sample"]
"""summed: |sum over points of the gradient| (the public code of SalUn); per_sample: the sum over
points of |gradient|, a backward pass for each point"""
Action = Literal["zero", "freeze"]
"""of the live weights outside a mask: set to 0 in the starting model and kept there, or kept"""
BATCH = 64  # fixed, so that no setting changes a mask


def saliency(stack: Stack, data: TrainingData, split: str, reduction: Reduction) -> Tensor:
    """Of the cross entropy on a split, in evaluation mode (restored after): (k, weights).

    A row holds a model's weights in the order of `stack.network.parameters()`. Of next tokens the
    cross entropy is the sum over those that are not padding, and a sample is a text.
    """
    import torch
    import torch.nn.functional as F

    from palimpsest.plans.losses import IGNORED

    weights = list(stack.network.parameters())
    sums = [torch.zeros_like(weight) for weight in weights]
    indices = data.splits[split]
    columns = indices[:, None] if indices.dim() == 1 else indices
    with stack.evaluating():
        for batch in columns.split(1 if reduction == "per_sample" else BATCH):
            logits = stack(data.inputs[batch])
            labels = data.labels[batch].expand(logits.shape[:-1])
            loss = F.cross_entropy(
                logits.flatten(0, -2), labels.flatten(), reduction="sum", ignore_index=IGNORED
            )
            for total, gradient in zip(sums, torch.autograd.grad(loss, weights), strict=True):
                total += gradient.abs() if reduction == "per_sample" else gradient
    return torch.cat([total.abs().reshape(stack.k, -1) for total in sums], dim=1)


def saliencies(stack: Stack, data: TrainingData, reduction: Reduction) -> dict[str, Tensor]:
    """The saliency on the forget and on the retain set, by name."""
    return {split: saliency(stack, data, split, reduction) for split in ("forget", "retain")}


def live(found: dict[str, Tensor]) -> Tensor:
    """Which weights have a saliency other than 0 on some split: bool (k, weights)."""
    return (found["forget"] != 0) | (found["retain"] != 0)


def largest(scores: Tensor, alive: Tensor, share: float) -> Tensor:
    """The round(share * live) live weights of each model that score highest: bool (k, weights).

    They are ranked over all parameters together. Ties go to the weights that stand first; NaN, the
    saliency of a diverged model, ranks last. SettingError if none or all would be chosen.
    """
    import torch

    chosen = torch.zeros_like(alive)
    for own, scored, where in zip(chosen, scores, alive, strict=True):
        places = where.nonzero().squeeze(1)
        count = round(share * len(places))
        if not 0 < count < len(places):
            raise SettingError(
                "share",
                f"is {share}, which makes {count} of a model's {len(places)} live weights",
                "a share that makes at least one of them, and not all",
            )
        ranked = scored[places].nan_to_num(nan=-1.0, posinf=torch.inf)
        own[places[ranked.argsort(descending=True, stable=True)[:count]]] = True
    return chosen


def masked(stack: Stack, chosen: Tensor, alive: Tensor, action: Action) -> Prepared:
    """Only the chosen weights may move; `action` says what becomes of the other live ones."""
    import torch

    from palimpsest.training.preparing import Prepared

    parameters = dict(stack.network.named_parameters())
    sizes = [parameter.numel() // stack.k for parameter in parameters.values()]
    rows = zip(chosen.split(sizes, dim=1), alive.split(sizes, dim=1), strict=True)
    movable = {}
    for (name, parameter), (moves, lives) in zip(parameters.items(), rows, strict=True):
        movable[name] = moves.reshape(parameter.shape)
        if action == "zero":
            with torch.no_grad():
                parameter.masked_fill_((lives & ~moves).reshape(parameter.shape), 0.0)
    return Prepared(movable=movable)
