"""The ResNet-9: the paper's layers, any size of image, the number of its weights."""

import pytest
import torch

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.files import InputError
from palimpsest.models.resnet9 import PADDED_BELOW, build, weights

DIGITS = Facts(1797, None, 10, (1, 8, 8))
CIFAR = Facts(60_000, 50_000, 10, (3, 32, 32))


def test_paper_network_has_its_layers_and_size() -> None:
    model = build(CIFAR, width=64)
    shapes = {name: tuple(v.shape) for name, v in model.state_dict().items() if v.dim() in (2, 4)}
    assert list(shapes.values()) == [
        (64, 3, 3, 3),
        (128, 64, 5, 5),
        (128, 128, 3, 3),
        (128, 128, 3, 3),
        (256, 128, 3, 3),
        (256, 256, 3, 3),
        (256, 256, 3, 3),
        (128, 256, 3, 3),
        (10, 128),
    ]
    assert sum(p.numel() for p in model.parameters()) == 2_274_880
    x = torch.randn(2, 3, 32, 32)
    features = x
    for layer in list(model)[:7]:
        features = layer(features)
    assert features.shape == (2, 128, 6, 6)  # 8 x 8 before the unpadded convolution
    assert model(x).shape == (2, 10)


def test_logits_are_scaled_by_a_fifth() -> None:
    model = build(DIGITS, width=4).eval()
    x = torch.randn(3, 1, 8, 8)
    unscaled = x
    for layer in list(model)[:-1]:
        unscaled = layer(unscaled)
    assert torch.equal(model(x), 0.2 * unscaled)


def test_unknown_architecture_names_the_allowed_ones() -> None:
    with pytest.raises(InputError, match=r"there is no 'resnet99'; allowed: .*resnet9"):
        registry.make("models", "resnet99", DIGITS, settings={"width": 4})


@pytest.mark.parametrize("width", [1, 3, 4, 64])
@pytest.mark.parametrize(
    "facts", [DIGITS, CIFAR, Facts(9, 5, 2, (1, 11, 11)), Facts(9, 5, 7, (4, 12, 12))], ids=str
)
def test_weights_are_counted_without_building_the_network(facts: Facts, width: int) -> None:
    state = build(facts, width=width).state_dict()
    assert weights(facts, width=width) == sum(value.numel() for value in state.values())


@pytest.mark.parametrize("size", [8, 11, 12, 32])
def test_images_of_any_size_are_read(size: int) -> None:
    model = build(Facts(9, None, 5, (2, size, size)), width=2)
    assert model(torch.zeros(3, 2, size, size)).shape == (3, 5)
    assert model[6][0].padding == ((1, 1) if size < PADDED_BELOW else (0, 0))
