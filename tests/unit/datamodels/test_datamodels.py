"""Datamodels: membership, regression, agreement on held-out subsets, TRAK by its definition."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from palimpsest.datamodels.agreement import agreement
from palimpsest.datamodels.half_subsets import membership, regress
from palimpsest.datamodels.trak import trak_matrix


def planted(models: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins that are linear in membership, plus noise: weights, membership, margins."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(12, 30))
    chosen = membership(list(range(models)), 30, 0.5)
    margins = chosen @ weights.T + noise * generator.normal(size=(models, 12))
    return weights, chosen, margins


def test_membership_is_a_half_and_depends_on_the_seed_alone() -> None:
    chosen = membership([5, 6], 101, 0.5)
    assert chosen.shape == (2, 101)
    assert chosen.sum(axis=1).tolist() == [50, 50]
    assert np.array_equal(chosen[1], membership([6], 101, 0.5)[0])
    assert not np.array_equal(chosen[0], chosen[1])
    with pytest.raises(ValueError, match="subset of 0 of 3"):
        membership([0], 3, 0.1)


def test_regression_finds_planted_weights() -> None:
    weights, chosen, margins = planted(models=400, noise=0.1)
    found = regress(chosen, margins, [0.01, 1.0, 100.0])
    assert found.shape == weights.shape  # rows are targets, columns are sources
    centred = weights - weights.mean(axis=1, keepdims=True)  # equal sizes fix the sum
    assert np.corrcoef((found - found.mean(1, keepdims=True)).ravel(), centred.ravel())[0, 1] > 0.99
    with pytest.raises(ValueError, match="at least 3"):
        regress(chosen[:2], margins[:2], [1.0])


def test_agreement_is_the_mean_rank_correlation_with_an_interval() -> None:
    weights, chosen, margins = planted(models=60, noise=3.0)
    result = agreement(weights, chosen, margins)
    expected = np.mean(
        [spearmanr(chosen @ weights[target], margins[:, target]).statistic for target in range(12)]
    )
    assert np.isclose(result.correlation, expected)
    assert result.ci_low < result.correlation < result.ci_high
    assert result.subsets == 60
    assert agreement(weights, chosen, chosen @ weights.T).correlation == pytest.approx(1.0)


def test_agreement_of_an_unrelated_matrix_is_nothing() -> None:
    _, chosen, margins = planted(models=200, noise=1.0)
    unrelated = np.random.default_rng(9).normal(size=(12, 30))
    covered = 0
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(margins)
        result = agreement(unrelated, chosen, shuffled)
        covered += result.ci_low <= 0 <= result.ci_high
    assert covered >= 16
    assert agreement(np.zeros((12, 30)), chosen, margins).correlation == 0
    with pytest.raises(ValueError, match="at least 5"):
        agreement(unrelated, chosen[:4], margins[:4])


def test_trak_follows_its_definition() -> None:
    """Against a loop over points with ordinary autograd, with the projection taken back out."""
    torch.manual_seed(0)
    points, classes, dimension = 14, 3, 8
    template = nn.Sequential(nn.Flatten(), nn.Linear(6, classes))
    states = [nn.Sequential(nn.Flatten(), nn.Linear(6, classes)).state_dict() for _ in range(2)]
    inputs, labels = torch.randn(points, 1, 2, 3), torch.randint(0, classes, (points,))
    found = trak_matrix(template, states, inputs, labels, dimension=dimension, seed=3, batch=5)

    influence, doubt = torch.zeros(points, points), torch.zeros(points)
    for number, state in enumerate(states):
        template.load_state_dict(state)
        rows, missing = [], []
        for x, y in zip(inputs, labels, strict=True):
            probability = template(x[None])[0].softmax(0)[y]
            margin = torch.log(probability / (1 - probability))
            gradients = torch.autograd.grad(margin, list(template.parameters()))
            rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
            missing.append(1 - probability.detach())
        flat = torch.stack(rows)
        source = torch.Generator().manual_seed(3 + number)
        shape = (flat.shape[1], dimension)
        signs = torch.randint(0, 2, shape, generator=source, dtype=torch.int8) * 2.0 - 1.0
        phi = flat @ signs / dimension**0.5
        influence += phi @ torch.linalg.inv(phi.T @ phi) @ phi.T / 2
        doubt += torch.stack(missing) / 2
    assert torch.allclose(found, influence * doubt, atol=1e-3)
    with pytest.raises(ValueError, match="allowed: 1 to 14"):
        trak_matrix(template, states, inputs, labels, dimension=15, seed=0)
