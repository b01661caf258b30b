"""The loss of residual feature alignment on next tokens, token by token; its empty sums."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from palimpsest.plans.alignment import ResidualAlignment
from palimpsest.plans.losses import IGNORED, Batch, Means

POINTS, MODELS, LENGTH, VOCABULARY = 7, 2, 5, 6
LENGTHS = [5, 3, 4, 2, 5, 3, 4]
FORGET = torch.tensor([[1, 0], [1, 0], [0, 1], [0, 0], [0, 1], [0, 0], [0, 1]], dtype=torch.bool)


def batch_of_texts() -> Batch:
    """Next tokens: nothing is asked of the last token and of what fills a text up."""
    torch.manual_seed(3)
    present = torch.arange(LENGTH) < torch.tensor(LENGTHS)[:, None]
    tokens = torch.randint(0, VOCABULARY, (POINTS, LENGTH))
    labels = tokens[:, 1:].masked_fill(~present[:, 1:], IGNORED)
    read = (POINTS, MODELS, LENGTH - 1)
    residuals = {
        name: tuple(torch.randn(*read, size, dtype=torch.float64) for _ in range(2))
        for name, size in (("first", 3), ("second", 2))
    }
    shares = torch.rand(MODELS, VOCABULARY, dtype=torch.float64)
    means = Means(
        {
            name: (x.mean(0) + 1.0, torch.tensor([[[True]] * 3 + [[False]]] * MODELS))
            for name, (x, _) in residuals.items()
        },
        shares / shares.sum(1, keepdim=True),
    )
    return Batch(
        torch.randn(*read, VOCABULARY, dtype=torch.float64),
        labels[:, None].expand(-1, MODELS, -1),
        forget=FORGET,
        residuals=residuals,  # type: ignore[arg-type]
        means=means,
        present=present[:, None].expand(-1, MODELS, -1),
    )


def by_definition(loss: ResidualAlignment, batch: Batch, j: int) -> float:
    """Eq. 6 of model j, one token after the other."""
    assert batch.forget is not None and batch.means is not None
    forgotten = [i for i in range(POINTS) if batch.forget[i, j]]
    retained = [i for i in range(POINTS) if not batch.forget[i, j]]
    of_batch = loss.mean_over == "batch"
    inter = 0.0
    for name, (x, dx) in batch.residuals.items():
        places = range(LENGTH - 1)
        means: dict[int, Tensor] = {}
        for t in places:
            there = [x[i, j, t] for i in retained if t < LENGTHS[i]]
            if of_batch and there:
                means[t] = sum(there, torch.zeros_like(x[0, 0, 0])) / len(there)
            if not of_batch and batch.means.features[name][1][j, t]:
                means[t] = batch.means.features[name][0][j, t]
        for i in range(POINTS):
            own = [t for t in places if t < LENGTHS[i]]
            if i in retained:
                parts = [dx[i, j, t] for t in own]
                weight = loss.alpha / len(retained)
            else:
                parts = [dx[i, j, t] - (means[t] - x[i, j, t]) for t in own if t in means]
                weight = loss.beta / len(forgotten)
            squares = sum(float(value) ** 2 for part in parts for value in part)
            inter += weight * (math.sqrt(squares) if loss.norm == "l2" else squares)
    asked = {
        kind: [(i, t) for i in points for t in range(LENGTH - 1) if t + 1 < LENGTHS[i]]
        for kind, points in (("forgotten", forgotten), ("retained", retained))
    }
    label = [0.0] * VOCABULARY
    for i, t in asked["retained"]:
        label[int(batch.labels[i, j, t])] += 1 / len(asked["retained"])
    if not of_batch:
        label = batch.means.label[j].tolist()
    mu = loss.mu
    if mu is None:
        mu = loss.lam
        if retained:
            mu *= len(asked["forgotten"]) / len(asked["retained"])
    task = 0.0
    for kind, pairs in asked.items():
        for i, t in pairs:
            log_p = batch.logits[i, j, t].log_softmax(0).tolist()
            if kind == "retained":
                task -= loss.lam / len(pairs) * log_p[int(batch.labels[i, j, t])]
            else:
                task -= mu / len(pairs) * sum(q * p for q, p in zip(label, log_p, strict=True))
    return loss.gamma / len(batch.residuals) * inter + (1 - loss.gamma) * task


CASES: list[dict[str, Any]] = [
    {},
    {"mu": 1.0},
    {"norm": "squared"},
    {"mean_over": "population"},
    {"alpha": 0.3, "beta": 2.0, "lam": 0.7, "gamma": 0.2},
    {"mean_over": "population", "norm": "squared", "mu": 0.4, "lam": 2.0},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_next_tokens_are_weighed_as_defined(settings: dict[str, Any]) -> None:
    loss, batch = ResidualAlignment(**settings), batch_of_texts()
    found = loss(batch)
    assert found.shape == (MODELS,)
    for j in range(MODELS):
        assert float(found[j]) == pytest.approx(by_definition(loss, batch, j), rel=1e-9)


@pytest.mark.parametrize("settings", CASES, ids=str)
@pytest.mark.parametrize("forgotten", [True, False])
def test_a_batch_of_one_kind_has_a_loss_and_a_gradient(
    settings: dict[str, Any], forgotten: bool
) -> None:
    loss = ResidualAlignment(**settings)
    batch = replace(batch_of_texts(), forget=torch.full_like(FORGET, forgotten))
    logits = batch.logits.requires_grad_()
    residuals = {name: (x, dx.requires_grad_()) for name, (x, dx) in batch.residuals.items()}
    value = loss(replace(batch, logits=logits, residuals=residuals))
    for j in range(MODELS):
        assert float(value[j].detach()) == pytest.approx(
            by_definition(loss, batch, j), rel=1e-9, abs=1e-12
        )
    value.sum().backward()  # type: ignore[no-untyped-call]
    moved = [logits, *(dx for _, dx in residuals.values())]
    assert all(one.grad is None or bool(one.grad.isfinite().all()) for one in moved)


def test_an_equal_weight_of_both_sets_is_a_large_one_of_each_forgotten_text() -> None:
    """With mu = 1 one forgotten point of seven weighs as much as the six others together."""
    forget = torch.zeros(POINTS, 1, dtype=torch.bool)
    forget[0] = True
    shape = (POINTS, 1, 3)
    gradients = {}
    for mu in (None, 1.0):
        logits = torch.zeros(POINTS, 1, 4, dtype=torch.float64, requires_grad=True)
        batch = Batch(
            logits,
            torch.arange(POINTS)[:, None] % 4,
            forget=forget,
            residuals={"one": (torch.ones(shape), torch.ones(shape))},
        )
        ResidualAlignment(gamma=0.0, mu=mu)(batch).sum().backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        gradients[mu] = logits.grad[0].norm() / logits.grad[1:].norm(dim=2).mean()
    assert float(gradients[1.0]) == pytest.approx(6 * float(gradients[None]))
