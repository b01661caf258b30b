"""Adapters: where they are, what trains, who the teacher is, what is left in the end."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.files import InputError
from palimpsest.models import resnet9
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.preparations import lora
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import Prepared, by_stack_size, prepare
from palimpsest.training.sweep import run_sweep

FACTS = Facts(1797, None, 10, (1, 8, 8))
DEVICE = Device()


class Overwriting(nn.Module):
    """Layers of every kind: convolutions with bias, an overwriting ReLU, dropout, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(6),
            nn.Conv2d(6, 6, 1, stride=2), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Flatten(),
        )  # fmt: skip
        self.hidden = nn.Linear(96, 12)
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(self.body(x)).relu())


def network(kind: str = "overwriting") -> nn.Module:
    """In float64; its BatchNorm has seen something."""
    torch.manual_seed(5)
    made = resnet9.build(FACTS, width=3) if kind == "resnet9" else Overwriting()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2.0)
    return made.double()


def data() -> TrainingData:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(40, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (40,), generator=generator)
    splits = {"forget": torch.arange(8), "retain": torch.arange(8, 40), "train": torch.arange(40)}
    return TrainingData(inputs, labels, splits, 10)


def rfa(**settings: Any) -> Plan:
    chosen = {"lr": 0.01, "epochs": 2, "batch": 12, "forget_per_batch": 4, "rank": 2}
    plan: Plan = registry.make("methods", "rfa", settings=chosen | settings)
    return plan


def trained(plan: Plan, model: nn.Module, seed: int = 3) -> tuple[Stack, Prepared]:
    """A stack of one after the plan's epochs, not finished yet."""
    stack = Stack(model, [model.state_dict()])
    prepared, optimiser = prepare(stack, plan, data(), [seed])
    for number, epoch in enumerate(plan.epochs):
        run_epoch(
            stack, optimiser, plan, epoch, data=data(), seeds=[seed], number=number,
            purpose="unlearn", device=DEVICE, prepared=prepared,
        )  # fmt: skip
    return stack, prepared


def outputs(stack: Stack) -> Tensor:
    with torch.no_grad(), stack.evaluating():
        return stack(data().inputs[:, None])


def features(model: nn.Module, names: list[str]) -> dict[str, Tensor]:
    """What these layers give, in evaluation mode, in the memory order of a stack."""
    stack, found = Stack(model, [model.state_dict()]).eval(), {}
    for name in names:
        stack.network.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: found.update({name: output[:, None].clone()})
        )
    with torch.no_grad():
        stack(data().inputs[:, None])
    return found


# ------------------------------------------------------------------------------ start and end
@pytest.mark.parametrize("kind", ["overwriting", "resnet9"])
def test_adapters_start_as_nothing_and_end_merged_under_the_original_names(kind: str) -> None:
    model = network(kind)
    start = Stack(model, [model.state_dict()])
    stack, _ = trained(rfa(epochs=1, lr=0.0), model)
    assert torch.equal(outputs(stack), outputs(start))
    stack, prepared = trained(rfa(), model)
    before = outputs(stack)
    assert not torch.allclose(before, outputs(start))
    finished = prepared.finish(copy.deepcopy(stack))
    assert torch.allclose(outputs(finished), before, rtol=0, atol=1e-12)
    assert [*map(type, finished.network.modules())] == [*map(type, model.modules())]
    (state,) = finished.state_dicts()
    assert list(state) == list(model.state_dict())
    model.load_state_dict(state)
    assert vars(finished.network).keys() == vars(model).keys()
    assert all(not module._forward_hooks for module in finished.network.modules())
    assert all(parameter.requires_grad for parameter in finished.network.parameters())


def test_merging_changes_no_output_in_float32() -> None:
    model = network("resnet9").float()
    stack = Stack(model, [model.state_dict()])
    points = data()
    points = TrainingData(points.inputs.float(), points.labels, points.splits, 10)
    prepared, _ = prepare(stack, rfa(), points, [3])
    torch.manual_seed(0)
    for name in prepared.trained:
        torch.nn.init.normal_(stack.network.get_parameter(name), std=0.1)
    with torch.no_grad(), stack.evaluating():
        before = stack(points.inputs[:, None])
        after = prepared.finish(stack)(points.inputs[:, None])
    assert float((after - before).abs().max()) < 1e-6
    assert not torch.allclose(
        after, Stack(model, [model.state_dict()]).eval()(points.inputs[:, None])
    )


def test_adapters_depend_on_the_seed_alone() -> None:
    def starts(seed: int, **settings: Any) -> list[Tensor]:
        model = network()
        stack = Stack(model, [model.state_dict()])
        torch.rand(seed)  # whatever was drawn before
        prepared, _ = prepare(stack, rfa(**settings), data(), [seed])
        return [stack.network.get_parameter(name) for name in sorted(prepared.trained)]

    state = torch.random.get_rng_state()
    first, again, other = starts(3), starts(3, teacher="network"), starts(4)
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    different = [not torch.equal(*pair) for pair in zip(first, other, strict=True)]
    assert sum(different) == len(first) / 2  # A is drawn, B is zero
    torch.random.set_rng_state(state)
    starts(3)
    torch.rand(3)
    after = torch.random.get_rng_state()
    torch.random.set_rng_state(state)
    torch.rand(6)
    assert len(after) == len(torch.random.get_rng_state())


def test_scale_is_the_factor_of_the_product() -> None:
    model = network()
    stack = Stack(model, [model.state_dict()])
    plan = rfa(scale=3.0, layers="hidden")
    prepared, _ = prepare(stack, plan, data(), [3])
    a, b = (stack.network.get_parameter(f"hidden.lora_{x}.default.weight") for x in "AB")
    torch.nn.init.normal_(b)
    (state,) = prepared.finish(stack).state_dicts()
    expected = model.hidden.weight + 3.0 * b @ a
    assert torch.allclose(state["hidden.weight"], expected, rtol=1e-12)


# ------------------------------------------------------------------------------ who the teacher is
SETTINGS = [
    {"batch_norm": norm, "norm": size, "mean_over": over}
    for norm, size, over in [
        ("frozen", "l2", "batch"), ("train", "l2", "batch"), ("frozen", "squared", "population"),
    ]
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", ["overwriting", "resnet9"])
def test_adapters_that_are_off_are_the_second_network_to_the_last_bit(
    kind: str, settings: dict[str, Any]
) -> None:
    found = []
    for teacher in ("disabled", "network"):
        stack, prepared = trained(rfa(teacher=teacher, **settings), network(kind))
        found.append(prepared.finish(stack).state_dicts()[0])
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.parametrize("batch_norm", ["train", "frozen"])
@pytest.mark.parametrize("teacher", ["disabled", "network"])
def test_the_teacher_neither_drifts_nor_draws_nor_moves_statistics(
    teacher: str, batch_norm: str
) -> None:
    """BatchNorm in train mode and dropout belong to the student alone."""
    model = network()
    stack, prepared = trained(rfa(teacher=teacher, batch_norm=batch_norm), model)
    seen = stack.network.get_submodule("body.2").num_batches_tracked
    assert int(seen) == (2 * 4 if batch_norm == "train" else 0)  # a step each, no teacher's pass
    stack.train()
    _, residuals = prepared.forward(stack, data().inputs[:, None])
    for name, expected in features(model, list(residuals)).items():
        assert torch.equal(residuals[name][0], expected)
        assert residuals[name][1].abs().max() > 0
    assert stack.network.get_submodule("body.5").training


def test_layerwise_differs_from_the_second_adapted_layer_on() -> None:
    stack, _ = trained(rfa(epochs=4), network("resnet9"))
    first, *others = lora.layerwise_differences(stack, data().inputs[:, None]).values()
    assert first < 1e-12
    assert len(others) == 7 and all(difference > 0.02 for difference in others)
    with torch.no_grad(), stack.evaluating():
        exact, within = (
            lora.two_passes(stack, data().inputs[:, None], {}),
            lora.one_pass(stack, data().inputs[:, None]),
        )
    assert torch.equal(exact[0], within[0])
    for name, (x, dx) in within[1].items():  # yet both are all that the adapted layer gives
        own, residual = exact[1][name]
        assert torch.allclose(x + dx, own + residual, rtol=1e-9, atol=1e-12)


def test_means_of_the_population_are_those_of_the_original() -> None:
    model = network()
    stack = Stack(model, [model.state_dict()])
    means = prepare(stack, rfa(mean_over="population"), data(), [3])[0].means
    points = data().splits["retain"]
    for name, own in features(model, list(means.features)).items():
        mean, known = means.features[name]
        assert torch.allclose(mean, own[points].mean(0), rtol=1e-12) and bool(known.all())
    expected = torch.bincount(data().labels[points], minlength=10) / len(points)
    assert torch.allclose(means.label[0], expected.double())
    stack = Stack(model, [model.state_dict()])
    assert prepare(stack, rfa(), data(), [3])[0].means is None


# ------------------------------------------------------------------------------- what trains
def test_weights_beside_the_adapters_keep_their_bits_but_those_of_whole_layers() -> None:
    def moved(**settings: Any) -> set[str]:
        model = network()
        chosen = (("rank", 2), *settings.items())
        epoch = (Phase((Term("retain", 8),), 0.05),)
        plan = Plan((epoch,) * 2, AdamW(0.1), Prepare("lora", chosen), "frozen")
        stack = Stack(model, [model.state_dict()])
        (outcome,) = run_sweep(stack, {0: plan}, data=data(), seeds=[3], device=DEVICE)
        (state,) = outcome.stack.state_dicts()
        return {n for n, value in model.state_dict().items() if not torch.equal(value, state[n])}

    adapted = {"body.0.weight", "body.3.weight", "hidden.weight"}
    assert moved() == adapted
    assert moved(layers="body.* hidden", whole="head") == adapted | {"head.weight", "head.bias"}
    assert moved(layers="hid*", whole="body.0") == {"hidden.weight", "body.0.weight", "body.0.bias"}
    assert moved(whole="hidden") == {
        "body.0.weight",
        "body.3.weight",
        "hidden.weight",
        "hidden.bias",
    }


def test_a_new_head_learns_its_classes_only_as_a_whole() -> None:
    """A head for another number of classes has no pre-trained weights to stand beside adapters."""
    points = data()
    labels = (points.inputs.flatten(1)[:, :32].sum(1) > 0).long()
    points = TrainingData(points.inputs, labels, points.splits, 2)
    model = network()
    model.head = nn.Linear(12, 2).double()
    nn.init.zeros_(model.head.weight)
    model.head.requires_grad_(True)
    epoch = (Phase((Term("retain", 16),), 0.02),)
    losses = {}
    for whole in (None, "head"):
        plan = Plan((epoch,) * 12, AdamW(0.0), Prepare("lora", (("rank", 2), ("whole", whole))))
        stack = Stack(model, [model.state_dict()])
        (outcome,) = run_sweep(stack, {0: plan}, data=points, seeds=[3], device=DEVICE)
        logits = outcome.stack.eval()(points.inputs[8:, None])[:, 0]
        losses[whole] = float(nn.functional.cross_entropy(logits, labels[8:]))
    assert losses[None] > 0.69 > losses["head"] + 0.2


# --------------------------------------------------------------------------------- what is refused
class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.flat, self.shared = nn.Flatten(), nn.Linear(64, 64)
        self.unused, self.head = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.shared(self.shared(self.flat(x))))


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(1, 4, 3, padding=1)
        self.two = nn.Conv2d(4, 4, 3, groups=2)
        self.wide = nn.Conv2d(4, 4, 3, dilation=2)
        self.round = nn.Conv2d(4, 4, 1, padding_mode="circular")
        self.head = nn.Linear(16, 10)
        self.tied = nn.Linear(16, 10)
        self.tied.weight = self.head.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.round(self.wide(self.two(self.grouped(x)))).flatten(1)
        return self.head(x) + self.tied(x)


def refused(model: nn.Module, **settings: Any) -> str:
    model = model.double()
    with pytest.raises(InputError) as error:
        prepare(
            Stack(model, [model.state_dict()]),
            Plan(
                ((Phase((Term("retain", 8),), 0.1),),),
                prepare=Prepare("lora", tuple(settings.items())),
            ),
            data(),
            [3],
        )
    return str(error.value)


SENTENCES: list[tuple[type[nn.Module], dict[str, Any], str]] = [
    (Overwriting, {"rank": 10_000},
     "rank is 10000, and the layer body.0 maps 9 to 6 numbers; allowed: at most 6, its smaller "
     "side"),
    (Overwriting, {"rank": 7, "layers": "body.3"},
     "rank is 7, and the layer body.3 maps 6 to 6 numbers; allowed: at most 6, its smaller side"),
    (Overwriting, {"rank": 2, "layers": "hidden layer4.*"},
     "layers names 'layer4.*', and no linear layer or convolution is called that; "
     "allowed: body.0, body.3, hidden, head"),
    (Overwriting, {"rank": 2, "layers": "body.2"},
     "layers names 'body.2', and no linear layer or convolution is called that; "
     "allowed: body.0, body.3, hidden, head"),
    (Overwriting, {"rank": 2, "whole": "hed"},
     "whole names 'hed', and no layer with weights is called that; "
     "allowed: body.0, body.2, body.3, hidden, head"),
    (Twice, {"rank": 2, "layers": "shared"},
     "layers has shared in it, which a pass of the network calls 2 times; "
     "allowed: layers that are called once"),
    (Twice, {"rank": 2, "layers": "unused"},
     "layers has unused in it, which a pass of the network calls 0 times; "
     "allowed: layers that are called once"),
    (Odd, {"rank": 2, "layers": "two"},
     "layers names two, a convolution whose groups is 2; allowed: grouped"),
    (Odd, {"rank": 2, "layers": "wide"},
     "layers names wide, a convolution whose dilation is (2, 2); allowed: grouped"),
    (Odd, {"rank": 2, "layers": "round"},
     "layers names round, a convolution whose padding_mode is circular; allowed: grouped"),
    (Odd, {"rank": 2, "layers": "tied"},
     "layers names tied, whose weight is that of head too, which merging would change; "
     "allowed: grouped"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "settings", "sentence"), SENTENCES, ids=lambda v: str(v)[:40])
def test_what_would_go_wrong_in_silence_is_a_sentence(
    model: type[nn.Module], settings: dict[str, Any], sentence: str
) -> None:
    assert refused(model(), **settings) == sentence


def test_layers_that_cannot_be_adapted_are_left_out_where_none_is_named() -> None:
    torch.manual_seed(0)
    model = Odd().double()
    stack = Stack(model, [model.state_dict()])
    prepared, _ = prepare(stack, Plan((), prepare=Prepare("lora", (("rank", 2),))), data(), [3])
    assert prepared.trained == {f"grouped.lora_{x}.default.weight" for x in "AB"}


def test_adapters_run_one_model_at_a_time() -> None:
    model = resnet9.build(FACTS, width=3).double()
    stack = Stack(model, [model.state_dict()] * 2)
    with pytest.raises(InputError, match="lora: 2 models in one stack; allowed: one"):
        prepare(stack, rfa(), data(), [3, 4])
    plain = Plan(())
    mask = Plan((), prepare=Prepare("random_mask", (("share", 0.5),)))
    plans = {"plain": plain, "rfa": rfa(), "mask": mask}
    assert by_stack_size(plans, 52) == {52: {"plain": plain, "mask": mask}, 1: {"rfa": rfa()}}
    assert by_stack_size(plans, 1) == {1: plans}


def test_settings_of_one_tree_share_their_beginning_to_the_last_bit() -> None:
    first, second = rfa(epochs=1).epochs[0], rfa(lr=0.02).epochs[0]
    root = rfa(epochs=1)
    plans = {
        n: Plan((first, *rest), root.optimiser, root.prepare, root.batch_norm)
        for n, rest in enumerate([(), (first,), (second,)])
    }

    def run(chosen: dict[int, Plan]) -> Iterator[tuple[int, dict[str, Tensor]]]:
        model = network()
        stack = Stack(model, [model.state_dict()])
        for outcome in run_sweep(stack, chosen, data=data(), seeds=[3], device=DEVICE):
            yield outcome.name, outcome.stack.state_dicts()[0]

    together = dict(run(plans))
    for number, plan in plans.items():
        ((_, alone),) = run({number: plan})
        assert all(torch.equal(alone[name], together[number][name]) for name in alone)
