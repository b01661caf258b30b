"""Distances of two stacks against slow definitions, model by model and text by text."""

import numpy as np
import pytest
import torch
from synthetic_texts import texts

from palimpsest.data.facts import Facts
from palimpsest.files import InputError
from palimpsest.models import distilgpt2, resnet9
from palimpsest.plans.losses import IGNORED
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import next_tokens
from palimpsest.training.device import Device
from palimpsest.training.distances import feature_layers
from palimpsest.training.evaluate import measured, measured_together

IMAGES = Facts(9, None, 10, (1, 8, 8))
NAMES = ["margin", "activation_to_oracle", "feature_to_oracle", "feature_relative_to_oracle"]
DEVICE = Device()


def of_images(seed):
    torch.manual_seed(seed)
    return resnet9.build(IMAGES, width=4).eval()


def outputs(network, names, inputs):
    """Logits, and the output of each layer."""
    seen = {}
    handles = [
        network.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: seen.update({name: output})
        )
        for name in names
    ]
    with torch.no_grad():
        logits = network(inputs)
    for handle in handles:
        handle.remove()
    return logits, seen


@pytest.mark.parametrize("k", [1, 4])
def test_of_images_as_defined_alone_and_in_a_stack(k):
    torch.manual_seed(9)
    inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    own, other = [of_images(n) for n in range(k)], [of_images(10 + n) for n in range(k)]
    stacks = [Stack(own[0], [one.state_dict() for one in models]) for models in (own, other)]
    found = measured(stacks[0], inputs, labels, NAMES, DEVICE, {"oracle": stacks[1]})
    names = feature_layers(own[0])
    assert len(names) == 8  # the convolutions, not the head
    for model in range(k):
        (p, a), (q, b) = outputs(own[model], names, inputs), outputs(other[model], names, inputs)
        for point in range(6):
            apart = (p[point].softmax(0) - q[point].softmax(0)).pow(2).sum().sqrt()
            each = [(a[name][point] - b[name][point]).abs() for name in names]
            absolute = sum(one.mean() for one in each)
            relative = np.mean(
                [one.sum() / b[n][point].abs().sum() for n, one in zip(names, each, strict=True)]
            )
            values = [found[name][model, point] for name in NAMES[1:]]
            assert values == pytest.approx([float(apart), float(absolute), relative], rel=1e-4)
    assert np.array_equal(
        found["margin"], measured(stacks[0], inputs, labels, ["margin"], DEVICE)["margin"]
    )


def test_a_stack_changes_no_bit():
    torch.manual_seed(9)
    inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    states = [[of_images(start + n).state_dict() for n in range(16)] for start in (0, 50)]
    template = of_images(0)

    def run(models):
        own, other = (Stack(template, part[models]) for part in states)
        return measured(own, inputs, labels, NAMES, DEVICE, {"oracle": other})

    whole, half = run(slice(16)), run(slice(8, 16))
    assert all(np.array_equal(whole[name][8:], half[name]) for name in NAMES)


def test_stacks_that_are_measured_together_are_what_each_is_alone():
    torch.manual_seed(9)
    inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    names = [*NAMES, "features", "feature_to_original"]
    *own, oracle, original = (Stack(of_images(n), [of_images(n).state_dict()]) for n in range(5))
    references = {"oracle": oracle, "original": original}
    found = measured_together(own, inputs, labels, names, DEVICE, references)
    for stack, values in zip(own, found, strict=True):
        alone = measured(stack, inputs, labels, names, DEVICE, references)
        assert set(values) == set(names)
        assert all(np.array_equal(alone[name], values[name]) for name in names)
    for stack in (*own, oracle, original):
        assert all(not module._forward_hooks for module in stack.modules())
        assert all(not module._forward_pre_hooks for module in stack.modules())


class Odd(torch.nn.Module):
    """A layer whose output is overwritten, one that is dead, one that is not called, a head."""

    def __init__(self):
        super().__init__()
        self.first, self.dead, self.unused, self.head = (torch.nn.Linear(64, 64) for _ in range(4))
        for values in self.dead.parameters():
            torch.nn.init.zeros_(values)

    def forward(self, x):
        hidden = self.first(x.flatten(1)).relu_()
        return self.head(hidden + self.dead(hidden))[:, :10]


def odd(seed):
    torch.manual_seed(seed)
    model = Odd().eval()
    return Stack(model, [model.state_dict()])


def test_layers_that_overwrite_and_layers_that_give_nothing():
    inputs, labels, own, other = torch.randn(6, 1, 8, 8), torch.arange(6), odd(0), odd(1)
    found = measured(own, inputs, labels, NAMES, DEVICE, {"oracle": other})
    with torch.no_grad():
        a, b = (one.network.first(inputs.flatten(1)) for one in (own, other))
    difference = (a - b).abs()
    assert found["feature_to_oracle"][0] == pytest.approx(difference.mean(1).numpy(), rel=1e-5)
    relative = difference.sum(1) / b.abs().sum(1)  # of one layer, since the other gives only 0
    assert found["feature_relative_to_oracle"][0] == pytest.approx(relative.numpy(), rel=1e-5)


def test_layers_can_be_named():
    inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    stacks = [Stack(of_images(n), [of_images(n).state_dict()]) for n in (1, 2)]
    every = feature_layers(stacks[0].network)
    last = every[-1]

    def distance(layers):
        found = measured(stacks[0], inputs, labels, NAMES, DEVICE, {"oracle": stacks[1]}, layers)
        return found["feature_to_oracle"]

    assert np.allclose(sum(distance(name) for name in every), distance(None), rtol=1e-4)
    assert np.array_equal(distance(f"*{last[-4:]}"), distance(last))
    assert feature_layers(stacks[0].network, " ".join(every[::-1])) == every
    head = feature_layers(stacks[0].network, "*")[-1]
    assert head not in every and (distance(head) > 0).all()


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ("layer9.*", "layers names 'layer9.*', and no linear layer or convolution is called that; "
                     "allowed: first, dead, unused, head"),
        ("first unused", "layers has unused in it, which a pass of the network does not call; "
                         "allowed: first"),
    ],
)  # fmt: skip
def test_a_layer_that_is_not_there_is_named(layers, sentence):
    stack = odd(0)
    with pytest.raises(InputError) as error:
        measured(stack, torch.randn(2, 1, 8, 8), torch.arange(2), NAMES, DEVICE,
                 {"oracle": stack}, layers)  # fmt: skip
    assert str(error.value) == sentence


def test_a_network_of_a_head_alone_has_no_features():
    with pytest.raises(InputError, match="layers is null, and the network has none but its head"):
        feature_layers(torch.nn.Sequential(torch.nn.Linear(4, 3)))


def test_a_model_is_at_no_distance_from_itself_and_far_from_one_that_answers_otherwise():
    inputs, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    same = Stack(of_images(1), [of_images(1).state_dict()])
    found = measured(same, inputs, labels, NAMES, DEVICE, {"oracle": same})
    assert all((found[name] == 0).all() for name in NAMES[1:])
    sure = [{**of_images(1).state_dict()} for _ in range(2)]
    head = list(sure[0])[-1]
    for number, state in enumerate(sure):
        rows = torch.zeros_like(state[head])
        rows[number] = 1e6
        state[head] = rows
    stacks = [Stack(of_images(1), [state]) for state in sure]
    found = measured(stacks[0], inputs, labels, NAMES, DEVICE, {"oracle": stacks[1]})
    assert found["activation_to_oracle"] == pytest.approx(np.sqrt(2.0))
    assert (found["feature_to_oracle"] == 0).all()  # the head is no feature


def test_padding_of_a_text_counts_nowhere():
    data = texts(points=12)
    torch.manual_seed(0)
    own, other = [
        distilgpt2.build(data.facts, dim=8, layers=1, heads=2, dropout=0.0).eval() for _ in range(2)
    ]
    tokens = torch.from_numpy(data.inputs())
    labels = next_tokens(tokens, data.facts.padding)
    assert (labels == IGNORED).any()
    stacks = [Stack(one, [one.state_dict()]) for one in (own, other)]
    found = measured(stacks[0], tokens, labels, NAMES, DEVICE, {"oracle": stacks[1]})
    names = feature_layers(stacks[0].network)
    assert len(names) == 4  # attention in and out, two layers of a block; the head is tied
    for point, row in enumerate(tokens):
        cut = row[None, : int((row != data.facts.padding).sum())]
        (p, a), (q, b) = outputs(own, names, cut), outputs(other, names, cut)
        distance = (p[0].softmax(-1) - q[0].softmax(-1)).norm(dim=-1).mean()
        each = [(a[name] - b[name]).abs() for name in names]
        relative = np.mean(
            [one.sum() / b[n].abs().sum() for n, one in zip(names, each, strict=True)]
        )
        expected = [float(distance), float(sum(one.mean() for one in each)), relative]
        assert [found[name][0, point] for name in NAMES[1:]] == pytest.approx(expected, rel=1e-3)
