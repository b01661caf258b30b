"""A stack is the same k models: lossless conversion, equal training, no influence on each other."""

import pytest
import torch
from torch import nn

from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.stacks.stack import Stack, alignment

SMALL = Facts(1797, None, 10, (1, 8, 8))


def states(count: int, width: int = 4, dtype: torch.dtype = torch.float32) -> list:
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        made.append(build(SMALL, width=width).to(dtype).state_dict())
    return made


def template(dtype: torch.dtype = torch.float32) -> nn.Module:
    return build(SMALL, width=4).to(dtype)


def batch(k: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(16, k, 1, 8, 8, generator=generator, dtype=dtype)
    return x, torch.randint(0, 10, (16, k), generator=generator)


def train(stack: Stack, x: torch.Tensor, y: torch.Tensor, steps: int) -> None:
    optimiser = torch.optim.SGD(stack.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    stack.train()
    for _ in range(steps):
        losses = nn.functional.cross_entropy(stack(x).flatten(0, 1), y.flatten(), reduction="none")
        optimiser.zero_grad()
        losses.reshape(y.shape).mean(0).sum().backward()
        optimiser.step()


@pytest.mark.parametrize("k", [1, 2, 5])
def test_conversion_to_and_from_a_stack_is_lossless(k: int) -> None:
    before = states(k)
    after = Stack(template(), before).state_dicts()
    for old, new in zip(before, after, strict=True):
        assert list(old) == list(new)
        assert all(torch.equal(old[name], new[name]) for name in old)
        template().load_state_dict(new)


def test_stack_trains_like_separate_models_in_float64() -> None:
    x, y = batch(4, torch.float64)
    start = states(4, dtype=torch.float64)
    stack = Stack(template(torch.float64), start)
    train(stack, x, y, steps=20)
    for j, state in enumerate(stack.state_dicts()):
        alone = Stack(template(torch.float64), [start[j]])
        train(alone, x[:, j : j + 1], y[:, j : j + 1], steps=20)
        expected = alone.state_dicts()[0]
        for name in expected:
            assert torch.allclose(state[name], expected[name], rtol=1e-9, atol=1e-11), name


def test_weights_do_not_depend_on_the_size_of_the_stack() -> None:
    torch.set_num_threads(1)
    assert alignment(template()) == 4
    start, (x, y) = states(24), batch(24)
    large = Stack(template(), start)
    train(large, x, y, steps=5)
    for first, last in ((0, 4), (4, 12), (12, 24)):
        small = Stack(template(), start[first:last])
        train(small, x[:, first:last].contiguous(), y[:, first:last], steps=5)
        for own, other in zip(small.state_dicts(), large.state_dicts()[first:last], strict=True):
            assert all(torch.equal(own[name], other[name]) for name in own)


def test_a_diverged_model_leaves_the_others_alone() -> None:
    start, (x, y) = states(4), batch(4)
    healthy = Stack(template(), start)
    train(healthy, x, y, steps=3)
    broken = [{name: v.clone() for name, v in state.items()} for state in start]
    broken[1]["0.0.weight"].fill_(float("nan"))
    stack = Stack(template(), broken)
    train(stack, x, y, steps=3)
    results = stack.state_dicts()
    assert results[1]["0.0.weight"].isnan().all()
    for j in (0, 2, 3):
        assert all(torch.equal(results[j][n], healthy.state_dicts()[j][n]) for n in results[j])


def test_a_shared_batch_equals_the_same_batch_for_each() -> None:
    stack = Stack(template(torch.float64), states(3, dtype=torch.float64)).eval()
    x = torch.randn(5, 1, 1, 8, 8, dtype=torch.float64)
    assert torch.allclose(stack(x), stack(x.expand(5, 3, 1, 8, 8)), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_small_images_are_convolved_exactly(size: int) -> None:
    """Where the kernel covers the image, a matrix product takes the convolution's place."""
    torch.manual_seed(0)
    k, layer = 3, nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False).double()
    stack = Stack(layer, [nn.Conv2d(4, 6, 3, 2, 1, bias=False).double().state_dict()] * k)
    x = torch.randn(5, 12, size, size, dtype=torch.float64)
    module = stack.network
    expected = nn.functional.conv2d(x, module.weight, stride=2, padding=1, groups=k)
    assert torch.allclose(module(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.Conv2d(1, 4, 3, stride=2, bias=False),
        nn.Conv2d(3, 6, 5, stride=2, padding=2, bias=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(8, 8), (12, 6), (6, 7)])
def test_convolutions_that_a_cpu_is_slow_at_keep_values_and_gradients(
    layer: nn.Conv2d, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    k, layer = 3, layer.double()
    module = Stack(layer, [layer.state_dict()] * k).network
    x = torch.randn(5, k * layer.in_channels, *size, dtype=torch.float64, requires_grad=True)
    expected = nn.functional.conv2d(
        x, module.weight, stride=layer.stride, padding=layer.padding, groups=k
    )
    gradient = torch.randn_like(expected)
    result = module(x)
    assert torch.allclose(result, expected, rtol=1e-12, atol=1e-14)
    wanted = torch.autograd.grad(expected, (x, module.weight), gradient)
    found = torch.autograd.grad(result, (x, module.weight), gradient)
    for own, other in zip(found, wanted, strict=True):
        assert torch.allclose(own, other, rtol=1e-11, atol=1e-12)


def test_a_layer_that_cannot_be_stacked_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4))
    with pytest.raises(ValueError, match="GroupNorm cannot be stacked"):
        Stack(model, [model.state_dict()] * 2)


def test_a_layer_that_draws_is_for_a_stack_of_one() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Dropout2d(0.5))
    assert Stack(model, [model.state_dict()]).k == 1
    with pytest.raises(ValueError, match="Dropout2d cannot be stacked"):
        Stack(model, [model.state_dict()] * 2)


def test_a_batch_for_another_number_of_models_is_refused() -> None:
    with pytest.raises(ValueError, match="holds 2 models, the batch is for 3"):
        Stack(template(), states(2))(torch.zeros(1, 3, 1, 8, 8))


@pytest.mark.parametrize("k", [1, 3])
def test_the_parts_of_a_parameter_are_those_of_the_models(k: int) -> None:
    stack = Stack(template(), states(k))
    ordinary = stack.state_dicts()
    for name, parameter in stack.network.named_parameters():
        for j, part in enumerate(stack.parts(parameter)):
            own = ordinary[j][name.replace(".conv.", ".")]
            assert torch.equal(part.reshape(own.shape), own), name
    with torch.no_grad():
        for part in stack.parts(next(stack.network.parameters())):
            part.zero_()
    assert not any(state["0.0.weight"].any() for state in stack.state_dicts())


class Reader(nn.Module):
    """A network that cannot be stacked: tokens (batch, length) to logits."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.attend = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.out = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.out(self.norm(self.attend(self.embed(tokens))).mean(1))


def test_a_stack_of_one_is_the_network_itself_whatever_its_layers() -> None:
    torch.manual_seed(0)
    reader = Reader()
    stack = Stack(reader, [reader.state_dict()])
    tokens = torch.randint(0, 11, (5, 1, 6))
    assert torch.equal(stack(tokens), reader(tokens[:, 0])[:, None])
    (state,) = stack.state_dicts()
    assert list(state) == list(reader.state_dict())
    assert all(torch.equal(state[n], value) for n, value in reader.state_dict().items())
    assert alignment(reader) == 1
    with pytest.raises(ValueError, match="cannot be stacked: allowed are Conv2d, BatchNorm2d and"):
        Stack(reader, [reader.state_dict()] * 2)
