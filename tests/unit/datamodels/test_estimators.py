"""Estimators of datamodels: membership, regression on halves, TRAK by its definition."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palimpsest.datamodels.estimators import half_subsets, last_layer, trak
from palimpsest.datamodels.gradients import last_layer as names_of_last_layer
from palimpsest.datamodels.gradients import margin_gradients, projection
from palimpsest.datamodels.material import Originals, Subsets, membership
from palimpsest.files import SettingError

POINTS, CLASSES = 14, 3


def network() -> nn.Sequential:
    """A small network with BatchNorm and two layers of weights."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(6, 2), nn.BatchNorm1d(2), nn.Tanh(), nn.Linear(2, CLASSES)
    )


@pytest.fixture
def originals() -> Originals:
    """Four models that were not trained, which is all the same to the definition."""
    torch.manual_seed(0)
    models = [network() for _ in range(4)]
    for model in models:
        model(torch.randn(50, 6))  # moves the statistics of BatchNorm
    inputs, labels = torch.randn(POINTS, 1, 2, 3), torch.randint(0, CLASSES, (POINTS,))
    return Originals(network(), [model.state_dict() for model in models], inputs, labels)


def loop_over_points(
    originals: Originals, number: int, layer: int | None = None
) -> tuple[Tensor, Tensor]:
    """Gradients of margins by ordinary autograd, and 1 - p: of a layer, or of all weights."""
    model = network()
    model.load_state_dict(originals.states[number])
    model.eval()
    parameters = list((model if layer is None else model[layer]).parameters())
    rows, missing = [], []
    for x, y in zip(originals.inputs, originals.labels, strict=True):
        probability = model(x[None])[0].softmax(0)[y]
        margin = torch.log(probability / (1 - probability))
        gradients = torch.autograd.grad(margin, parameters)
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
        missing.append(1 - probability.detach())
    return torch.stack(rows).double(), torch.stack(missing).double()


def by_hand(features: list[Tensor], missing: list[Tensor], ridge: float) -> Tensor:
    """TRAK: the mean over models of each factor, then their product."""
    influence = torch.zeros(POINTS, POINTS, dtype=torch.float64)
    for phi in features:
        gram = phi.T @ phi
        gram = gram + ridge * gram.diagonal().mean() * torch.eye(len(gram))
        influence += phi @ torch.linalg.inv(gram) @ phi.T / len(features)
    return influence * torch.stack(missing).mean(dim=0)


def test_trak_follows_its_definition(originals):
    dimension, features, missing = 5, [], []
    for number in range(3):
        flat, doubt = loop_over_points(originals, number)
        signs = projection(flat.shape[1], dimension, 3 + number).double()
        features.append(flat @ signs / dimension**0.5)
        missing.append(doubt)
    found = trak.estimate(originals, checkpoints=3, dimension=dimension, seed=3)
    expected = by_hand(features, missing, ridge=1e-6)
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("ridge", [1e-3, 0.5])
def test_last_layer_follows_its_definition(originals, ridge):
    both = [loop_over_points(originals, number, layer=4) for number in range(4)]
    found = last_layer.estimate(originals, checkpoints=4, ridge=ridge)
    expected = by_hand([phi for phi, _ in both], [doubt for _, doubt in both], ridge)
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_the_factors_are_averaged_apart(originals):
    """The mean of products, which the definition is not, differs by far more than rounding."""
    both = [loop_over_points(originals, number, layer=4) for number in range(4)]
    products = [by_hand([phi], [doubt], 1e-3) for phi, doubt in both]
    of_products = torch.stack(products).mean(dim=0)
    found = torch.from_numpy(last_layer.estimate(originals, checkpoints=4, ridge=1e-3))
    assert (found - of_products).abs().max() > 0.01 * of_products.abs().max()


@pytest.mark.parametrize("layer", [None, 4])
def test_gradients_are_those_of_autograd(originals, layer):
    model = network()
    model.load_state_dict(originals.states[1])
    names = [name for name, _ in model.named_parameters() if layer is None or name[0] == "4"]
    found, missing = margin_gradients(model.eval(), originals.inputs, originals.labels, names)
    expected, doubt = loop_over_points(originals, 1, layer)
    assert torch.allclose(found.double(), expected, atol=1e-5)
    assert torch.allclose(missing.double(), doubt, atol=1e-6)


def test_only_the_first_checkpoints_are_used(originals):
    settings = {"checkpoints": 2, "dimension": 4, "seed": 0}
    found = trak.estimate(originals, **settings)
    assert np.array_equal(found, trak.estimate(originals.part(slice(2)), **settings))
    assert not np.allclose(found, trak.estimate(originals, **settings | {"checkpoints": 4}))


def test_a_model_keeps_its_projection_in_a_part(originals):
    """Else the halves of the models would share projections, and be alike for that alone."""
    settings = {"checkpoints": 2, "dimension": 4, "seed": 7}
    of_half = trak.estimate(originals.part(slice(2, 4)), **settings)
    states = originals.states[2:]
    alone = Originals(originals.template, states, originals.inputs, originals.labels)
    assert np.allclose(of_half, trak.estimate(alone, **settings | {"seed": 9}))
    assert not np.allclose(of_half, trak.estimate(alone, **settings))


def test_a_part_of_a_part_counts_from_the_first_model(originals):
    part = originals.part(slice(1, 4)).part(slice(1, 3))
    assert (part.first, len(part)) == (2, 2)
    assert part.states[0] is originals.states[2]


def test_the_last_layer_is_the_last_that_has_weights():
    assert names_of_last_layer(network()) == ["4.weight", "4.bias"]
    assert names_of_last_layer(nn.Linear(2, 2)) == ["weight", "bias"]
    assert names_of_last_layer(nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())) == [
        "0.weight"
    ]


def test_a_projection_depends_on_its_seed_alone():
    signs = projection(50, 4, seed=5)
    assert signs.unique().tolist() == [-1, 1]
    assert torch.equal(signs, projection(50, 4, seed=5))
    assert not torch.equal(signs, projection(50, 4, seed=6))


def test_more_dimensions_than_points_are_refused(originals):
    with pytest.raises(ValueError, match="dimension is 15; allowed: 1 to 14"):
        trak.estimate(originals, checkpoints=2, dimension=15, seed=0)
    with pytest.raises(SettingError, match="dimension is 15; allowed: at most 14, the training"):
        trak.check({"dimension": 15}, 14)
    trak.check({"dimension": 14}, 14)


def test_estimators_tell_how_many_models_they_take():
    assert trak.models({"checkpoints": 3}) == last_layer.models({"checkpoints": 3}) == 3
    assert half_subsets.models({"models": 8}) == 8


# Random subsets


def test_membership_is_a_half_and_depends_on_the_seed_alone():
    chosen = membership([5, 6], 101, 0.5)
    assert chosen.shape == (2, 101)
    assert chosen.sum(axis=1).tolist() == [50, 50]
    assert np.array_equal(chosen[1], membership([6], 101, 0.5)[0])
    assert not np.array_equal(chosen[0], chosen[1])


@pytest.mark.parametrize(("fraction", "size"), [(0.1, 0), (0.9, 3)])
def test_a_subset_of_none_or_all_is_refused(fraction, size):
    with pytest.raises(ValueError, match=f"a subset of {size} of 3 points; needed: some, and not"):
        membership([0], 3, fraction)


def planted(models: int, noise: float) -> tuple[np.ndarray, Subsets]:
    """Margins that are linear in membership, plus noise: the weights, and the models."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(12, 30))
    chosen = membership(range(models), 30, 0.5)
    margins = chosen @ weights.T + noise * random.normal(size=(models, 12))
    return weights, Subsets(chosen, margins)


def test_regression_finds_planted_weights():
    weights, material = planted(models=400, noise=0.1)
    found = half_subsets.estimate(material, models=400, ridge=[0.01, 1.0, 100.0])
    assert found.shape == weights.shape  # rows are targets, columns are sources
    assert found.dtype == np.float32
    centred = weights - weights.mean(axis=1, keepdims=True)  # equal sizes fix the sum
    assert np.corrcoef((found - found.mean(1, keepdims=True)).ravel(), centred.ravel())[0, 1] > 0.99


def test_leave_one_out_chooses_the_penalty():
    """With more noise than signal a large penalty is chosen, and little is claimed."""
    _, material = planted(models=40, noise=30.0)
    penalties = [1e-3, 1e3]
    found = half_subsets.estimate(material, models=40, ridge=penalties)
    large = half_subsets.estimate(material, models=40, ridge=penalties[1:])
    small = half_subsets.estimate(material, models=40, ridge=penalties[:1])
    assert np.allclose(found, large)
    assert np.abs(small).mean() > 10 * np.abs(large).mean()


def test_two_models_are_too_few_for_a_regression():
    _, material = planted(models=2, noise=0.0)
    with pytest.raises(ValueError, match="2 models for a regression; needed: at least 3"):
        half_subsets.estimate(material, models=6, ridge=[1.0])


def test_a_part_of_the_subsets_keeps_membership_and_margins_together():
    _, material = planted(models=6, noise=0.1)
    part = material.part(slice(2, 5))
    assert len(part) == 3
    assert np.array_equal(part.chosen, material.chosen[2:5])
    assert np.array_equal(part.margins, material.margins[2:5])
