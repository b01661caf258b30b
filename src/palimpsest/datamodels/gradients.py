"""TRAK (Park et al. 2023): datamodels from gradients of the margin.

For each model, phi(x) is the gradient of x's margin by some weights, perhaps projected; the weight
of source j on target i is phi_i^T (Phi^T Phi)^-1 phi_j (1 - p_j), with p_j the probability that the
model gives to the true class of j. Both factors are averaged over models before they are
multiplied, as in the paper.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from palimpsest.datamodels.material import Originals

LEAST_RIDGE = 1e-6
"""so that the gram matrix can be inverted"""
BATCH = 64  # points whose gradients are worked out at a time
BLOCK = 65536  # weights projected at a time, so that the signs need no more than a byte each

Gradients = tuple[Tensor, Tensor]
"""of all points: phi (points, dimension), and 1 - p of the true class (points,)"""


def trak(
    originals: Originals,
    gradients: Callable[[nn.Module, int], Gradients],
    ridge: float = LEAST_RIDGE,
) -> np.ndarray:
    """Datamodel matrix float32 (points, points): rows are targets, columns are sources.

    gradients: a model and its number (from `originals.first`) to the gradients of all points.
    ridge: added to the gram matrix's diagonal, in units of its mean.
    """
    points, device = len(originals.inputs), originals.inputs.device
    influence = torch.zeros(points, points, device=device)
    doubt = torch.zeros(points, device=device)
    model = originals.template.eval()
    for number, state in enumerate(originals.states, originals.first):
        model.load_state_dict(state)
        features, missing = gradients(model, number)
        gram = (features.T @ features).double()
        scale = gram.diagonal().mean().clamp_min(torch.finfo(torch.float32).tiny)
        gram += ridge * scale * torch.eye(len(gram), dtype=gram.dtype, device=device)
        solved = torch.linalg.solve(gram, features.T.double()).float()
        influence.addmm_(features, solved, alpha=1 / len(originals))
        doubt += missing / len(originals)
    return influence.mul_(doubt).cpu().numpy()


def last_layer(model: nn.Module) -> list[str]:
    """The names of the parameters of the last layer that has any."""
    names = [name for name, _ in model.named_parameters()]
    owner = names[-1].rpartition(".")[0]
    return [name for name in names if name.rpartition(".")[0] == owner]


def margin_gradients(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    names: Sequence[str],
    projected_by: Tensor | None = None,
) -> Gradients:
    """The gradient of each point's margin by the parameters `names`.

    projected_by: signs (weights, dimension), or None for the gradients themselves.
    """
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    moved = {name: parameters.pop(name) for name in names}
    fixed = parameters | dict(model.named_buffers())

    def margin(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = functional_call(model, weights | fixed, (x[None],))[0]
        own = logits.gather(0, y[None])[0]
        others = torch.logsumexp(logits.scatter(0, y[None], -torch.inf), dim=0)
        return own - others, torch.sigmoid(others - own)

    per_point = vmap(grad(margin, has_aux=True), in_dims=(None, 0, 0))
    features, missing = [], []
    for x, y in zip(inputs.split(BATCH), labels.split(BATCH), strict=True):
        gradients, doubt = per_point(moved, x, y)
        flat = torch.cat([value.flatten(1) for value in gradients.values()], dim=1)
        features.append(flat if projected_by is None else _project(flat, projected_by))
        missing.append(doubt)
    return torch.cat(features), torch.cat(missing)


def projection(weights: int, dimension: int, seed: int) -> Tensor:
    """A random matrix of signs (weights, dimension), int8, that depends on `seed` alone."""
    source = torch.Generator().manual_seed(seed)
    shape = (weights, dimension)
    return torch.randint(0, 2, shape, generator=source, dtype=torch.int8) * 2 - 1


def _project(flat: Tensor, signs: Tensor) -> Tensor:
    """`flat` (points, weights) times `signs`, a block of weights at a time; norms are kept."""
    result = torch.zeros(len(flat), signs.shape[1], device=flat.device)
    for part, own in zip(flat.split(BLOCK, dim=1), signs.split(BLOCK), strict=True):
        result += part @ own.to(device=flat.device, dtype=flat.dtype)
    return result / signs.shape[1] ** 0.5
