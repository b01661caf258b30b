"""TRAK (Park et al. 2023): datamodels from the projected gradients of a few trained models.

For each model, phi(x) is the gradient of x's margin by the weights, randomly projected; the weight
of source j on target i is phi_i^T (Phi^T Phi)^-1 phi_j (1 - p_j), with p_j the probability that the
model gives to the true class of j. Both factors are averaged over models before they are
multiplied, as in the paper. The choice for data sets on which thousands of models are too many.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from palimpsest.stacks.stack import StateDict

BLOCK = 65536  # weights projected at a time, so that the signs need no more than a byte each


def trak_matrix(
    template: nn.Module,
    states: Sequence[StateDict],
    inputs: Tensor,
    labels: Tensor,
    *,
    dimension: int,
    seed: int,
    batch: int = 64,
) -> Tensor:
    """Datamodel matrix (points, points), float32: rows are targets, columns are sources.

    Args:
        template: one ordinary model of the architecture.
        states: state dicts of trained models.
        inputs, labels: the training points (points, channels, height, width), (points,).
        dimension: of the random projection; must not exceed the number of points.
        seed: of the projection, which is the same for all points of a model.
    """
    if not 1 <= dimension <= len(inputs):
        raise ValueError(
            f"projection dimension {dimension}; allowed: 1 to {len(inputs)}, the points"
        )
    influence = torch.zeros(len(inputs), len(inputs), device=inputs.device)
    doubt = torch.zeros(len(inputs), device=inputs.device)
    template.eval()
    for number, state in enumerate(states):
        template.load_state_dict(state)
        features, missing = _projected_gradients(
            template, inputs, labels, dimension, seed + number, batch
        )
        gram = (features.T @ features).double()
        scale = gram.diagonal().mean().clamp_min(torch.finfo(torch.float32).tiny)
        ridge = 1e-6 * scale * torch.eye(dimension, dtype=gram.dtype, device=gram.device)
        solved = torch.linalg.solve(gram + ridge, features.T.double()).float()
        influence.addmm_(features, solved, alpha=1 / len(states))
        doubt += missing / len(states)
    return influence.mul_(doubt)


def _projected_gradients(
    model: nn.Module, inputs: Tensor, labels: Tensor, dimension: int, seed: int, batch: int
) -> tuple[Tensor, Tensor]:
    """Projected margin gradients (points, dimension) and 1 - p of the true class (points,)."""
    weights = {name: value.detach() for name, value in model.named_parameters()}
    buffers = dict(model.named_buffers())

    def margin(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = functional_call(model, (weights, buffers), (x[None],))[0]
        own = logits.gather(0, y[None])[0]
        others = torch.logsumexp(logits.scatter(0, y[None], -torch.inf), dim=0)
        return own - others, torch.sigmoid(others - own)

    per_point = vmap(grad(margin, has_aux=True), in_dims=(None, 0, 0))
    signs = _signs(sum(value.numel() for value in weights.values()), dimension, seed)
    signs = signs.to(inputs.device)
    features, missing = [], []
    for x, y in zip(inputs.split(batch), labels.split(batch), strict=True):
        gradients, doubt = per_point(weights, x, y)
        flat = torch.cat([value.flatten(1) for value in gradients.values()], dim=1)
        features.append(_project(flat, signs) / dimension**0.5)
        missing.append(doubt)
    return torch.cat(features), torch.cat(missing)


def _project(flat: Tensor, signs: Tensor) -> Tensor:
    """`flat` (points, weights) times `signs` (weights, dimension), a block of weights at a time."""
    result = torch.zeros(len(flat), signs.shape[1], device=flat.device)
    for part, own in zip(flat.split(BLOCK, dim=1), signs.split(BLOCK), strict=True):
        result += part @ own.to(flat.dtype)
    return result


def _signs(weights: int, dimension: int, seed: int) -> Tensor:
    """A random matrix of signs (weights, dimension), int8, that depends on `seed` alone."""
    source = torch.Generator().manual_seed(seed)
    shape = (weights, dimension)
    return torch.randint(0, 2, shape, generator=source, dtype=torch.int8) * 2 - 1
