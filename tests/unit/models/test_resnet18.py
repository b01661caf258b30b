"""The ResNet-18: the standard layers, any size of image, stacks, the number of its weights."""

import math

import pytest
import torch
from torch import nn

from palimpsest.data.facts import Facts
from palimpsest.models.resnet18 import build, weights
from palimpsest.stacks.stack import Stack

DIGITS = Facts(1797, None, 10, (1, 8, 8))
CIFAR = Facts(60_000, 50_000, 10, (3, 32, 32))


def test_the_standard_network_has_its_layers_and_size() -> None:
    model = build(CIFAR)
    assert sum(p.numel() for p in model.parameters()) == 11_173_962
    kernels = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert len(kernels) == 20  # 17 of the 18 layers, and three shortcuts
    assert [layer.out_channels for layer in kernels].count(512) == 5
    features = torch.zeros(2, 3, 32, 32)
    sizes = []
    for layer in list(model)[:-3]:
        features = layer(features)
        sizes.append(tuple(features.shape[1:]))
    assert list(dict.fromkeys(sizes)) == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)
    ]  # fmt: skip


def test_it_computes_what_the_blocks_are_defined_as() -> None:
    model = build(DIGITS, width=2).double()
    block, x = model[5], torch.randn(3, 2, 8, 8, dtype=torch.float64)  # of stride 2
    (conv, norm, _), second, second_norm = block.module
    inner = torch.relu(norm(conv(x)))
    plain = second_norm(second(inner)) + block.shortcut[1](block.shortcut[0](x))
    assert torch.allclose(model[6](block(x)), torch.relu(plain), rtol=1e-12)
    assert torch.equal(model[1](x), x + model[1].module(x))  # no change of width: the identity


def test_it_starts_by_fan_out() -> None:
    torch.manual_seed(0)
    for layer in build(CIFAR, width=32).modules():
        if isinstance(layer, nn.Conv2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            expected = math.sqrt(2 / (layer.out_channels * taps))
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            assert torch.equal(layer.weight, torch.ones_like(layer.weight))
            assert not layer.bias.any()


@pytest.mark.parametrize("width", [1, 3, 4, 64])
@pytest.mark.parametrize(
    "facts", [DIGITS, CIFAR, Facts(9, 5, 100, (1, 11, 11)), Facts(9, 5, 7, (4, 2, 3))], ids=str
)
def test_weights_are_counted_without_building_the_network(facts: Facts, width: int) -> None:
    state = build(facts, width=width).state_dict()
    assert weights(facts, width=width) == sum(value.numel() for value in state.values())


@pytest.mark.parametrize("item", [(1, 8, 8), (3, 32, 32), (2, 14, 14), (4, 5, 9), (1, 2, 2)])
def test_images_of_any_size_are_read_even_one_alone(item: tuple[int, int, int]) -> None:
    model = build(Facts(9, None, 5, item), width=2)
    for points in (1, 3):
        assert model(torch.zeros(points, *item)).shape == (points, 5)


@pytest.mark.parametrize("item", [(1, 8, 8), (3, 16, 16)])
def test_a_stack_trains_like_separate_models_in_float64(item: tuple[int, int, int]) -> None:
    facts, dtype = Facts(9, None, 5, item), torch.float64
    torch.manual_seed(0)
    x, y = torch.randn(6, 3, *item, dtype=dtype), torch.randint(0, 5, (6, 3))
    start = [build(facts, width=2).to(dtype).state_dict() for _ in range(3)]
    template = build(facts, width=2).to(dtype)

    def trained(states: list, x: torch.Tensor, y: torch.Tensor) -> list:
        stack = Stack(template, states).train()
        optimiser = torch.optim.SGD(stack.parameters(), lr=0.05, momentum=0.9)
        for _ in range(5):
            losses = nn.functional.cross_entropy(
                stack(x).flatten(0, 1), y.flatten(), reduction="none"
            )
            optimiser.zero_grad()
            (losses.sum() / len(x)).backward()
            optimiser.step()
        return stack.state_dicts()

    together = trained(start, x, y)
    for j, state in enumerate(together):
        (alone,) = trained([start[j]], x[:, j : j + 1], y[:, j : j + 1])
        for name, value in alone.items():
            assert torch.allclose(state[name], value, rtol=1e-8, atol=1e-10), name
        for name, _ in template.named_parameters():  # a gradient reaches every weight
            assert not torch.equal(alone[name], start[j][name]), name
