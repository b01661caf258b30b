"""A step descends the sum of its terms: one gradient, by hand; its batches, targets, features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.plans.losses import Batch, CrossEntropy, Distillation
from palimpsest.plans.optimisers import AdamW, Sgd
from palimpsest.plans.plan import Phase, Plan, Term
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import prepare

FACTS = Facts(1797, None, 10, (1, 8, 8))
FORGET, RETAIN = torch.arange(6), torch.arange(6, 30)


def models(count: int) -> list[nn.Module]:
    """ResNets of width 2 in float64."""
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        made.append(build(FACTS, width=2).double())
    return made


def toy_data(teacher: Sequence[nn.Module] = ()) -> TrainingData:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(30, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (30,), generator=generator)
    frozen = None
    if teacher:
        stack = Stack(teacher[0], [model.state_dict() for model in teacher])
        frozen = logits(stack, inputs, Device())
    return TrainingData(inputs, labels, {"forget": FORGET, "retain": RETAIN}, 10, frozen)


def run(stack: Stack, plan: Plan, data: TrainingData, seeds: Sequence[int]) -> None:
    """All epochs of a plan, in place."""
    prepared, optimiser = prepare(stack, plan, data, seeds)
    for number, epoch in enumerate(plan.epochs):
        run_epoch(
            stack, optimiser, plan, epoch, data=data, seeds=seeds, number=number,
            purpose="unlearn", device=Device(), prepared=prepared,
        )  # fmt: skip


def assert_equal_states(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        assert torch.allclose(found[name], value, rtol=1e-9, atol=1e-11), name


# ------------------------------------------------------------------------------ one gradient
def by_hand(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    rates: Sequence[float],
    outputs: Callable[[nn.Module], list[Tensor]],
    objective: Callable[[list[Tensor]], Tensor],
) -> dict[str, Tensor]:
    """Steps of the sum of losses; each batch is a whole split, so that no order matters."""
    model.train()
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        objective(outputs(model)).backward()
        optimiser.step()
    return model.state_dict()


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("forward", ["separate", "joint"])
def test_several_terms_are_one_gradient(forward: Any, k: int) -> None:
    data = toy_data(teacher=models(k))
    terms = (
        Term("forget", 6, weight=-0.3),
        Term("retain", 24, Distillation(0.6, 0.8, 2.0), weight=1.5),
        Term("forget", 6, weight=0.2, targets="shift"),
    )
    plan = Plan(
        epochs=((Phase(terms, 0.05, forward=forward),),) * 4,
        optimiser=Sgd(momentum=0.9, weight_decay=0.01),
    )
    stack = Stack(models(1)[0], [model.state_dict() for model in models(k)])
    run(stack, plan, data, seeds=list(range(k)))
    for j, (model, found) in enumerate(zip(models(k), stack.state_dicts(), strict=True)):
        x, y, teacher = data.inputs, data.labels, data.teacher[:, j]

        def outputs(model: nn.Module, x: Tensor = x) -> list[Tensor]:
            parts = [x[FORGET], x[RETAIN], x[FORGET]]
            if forward == "joint":
                return list(model(torch.cat(parts)).split([6, 24, 6]))
            return [model(part) for part in parts]

        def objective(outputs: list[Tensor], y: Tensor = y, teacher: Tensor = teacher) -> Tensor:
            student, target = outputs[1].div(2).log_softmax(1), teacher[RETAIN].div(2).softmax(1)
            kl = 4 * F.kl_div(student, target, reduction="batchmean")
            return (
                -0.3 * F.cross_entropy(outputs[0], y[FORGET])
                + 1.5 * (0.6 * kl + 0.8 * F.cross_entropy(outputs[1], y[RETAIN]))
                + 0.2 * F.cross_entropy(outputs[2], (y[FORGET] + 1) % 10)
            )

        sgd = torch.optim.SGD(model.parameters(), momentum=0.9, weight_decay=0.01)
        assert_equal_states(found, by_hand(model, sgd, [0.05] * 4, outputs, objective))


def test_separate_and_joint_forward_passes_normalise_other_batches() -> None:
    found = []
    for forward in ("separate", "joint"):
        phase = Phase((Term("forget", 6), Term("retain", 24)), 0.1, forward=forward)
        stack = Stack(models(1)[0], [models(1)[0].state_dict()])
        run(stack, Plan(epochs=((phase,),)), toy_data(), [0])
        found.append(stack.state_dicts()[0])
    assert not torch.allclose(found[0]["0.0.weight"], found[1]["0.0.weight"])
    assert [int(state["0.1.num_batches_tracked"]) for state in found] == [2, 1]


@pytest.mark.parametrize("weight", [-1.0, 1.0, -0.25])
def test_a_negative_weight_ascends(weight: float) -> None:
    data, model = toy_data(), models(1)[0]
    stack = Stack(model, [model.state_dict()])
    plan = Plan(epochs=((Phase((Term("forget", 6, weight=weight),), 1e-3),),), batch_norm="frozen")
    before = F.cross_entropy(stack.network.eval()(data.inputs[FORGET]), data.labels[FORGET])
    run(stack, plan, data, [0])
    after = F.cross_entropy(stack.network.eval()(data.inputs[FORGET]), data.labels[FORGET])
    assert (after > before) == (weight < 0)
    start, (end,) = model.state_dict(), stack.state_dicts()
    model.eval()
    loss = F.cross_entropy(model(data.inputs[FORGET]), data.labels[FORGET])
    for (name, parameter), gradient in zip(
        model.named_parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
    ):
        assert parameter.shape == gradient.shape
        moved = end[name] - start[name]
        assert torch.allclose(moved, -1e-3 * weight * gradient, rtol=1e-6, atol=1e-15), name


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("warmup", [0, 3])
def test_adamw_is_that_of_torch_and_warms_up_by_steps(warmup: int, k: int) -> None:
    data = toy_data()
    optimiser = AdamW(weight_decay=0.1, beta1=0.8, beta2=0.95, epsilon=1e-6, warmup_steps=warmup)
    phases = (Phase((Term("retain", 24),), 0.01), Phase((Term("forget", 6, weight=-1.0),), 0.02))
    stack = Stack(models(1)[0], [model.state_dict() for model in models(k)])
    run(stack, Plan(epochs=(phases, phases[:1], phases), optimiser=optimiser), data, list(range(k)))
    grown = [0, 1 / 3, 2 / 3, 1, 1] if warmup else [1] * 5
    kinds = [0, 1, 0, 0, 1]  # which phase each step belongs to
    for model, found in zip(models(k), stack.state_dicts(), strict=True):
        adamw = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
        model.train()
        for growth, kind in zip(grown, kinds, strict=True):
            split, sign = ((RETAIN, 1), (FORGET, -1))[kind]
            adamw.param_groups[0]["lr"] = growth * (0.01, 0.02)[kind]
            adamw.zero_grad()
            (sign * F.cross_entropy(model(data.inputs[split]), data.labels[split])).backward()
            adamw.step()
        for name, value in model.state_dict().items():
            assert torch.allclose(found[name], value, rtol=1e-6, atol=1e-8), name


# ------------------------------------------------------------------------------- what is seen
class Keep(nn.Module):
    """Passes on what it gets, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return x


@dataclass(frozen=True)
class Spy:
    """Cross entropy that keeps the labels it is given."""

    seen: list[Tensor] = field(default_factory=list, compare=False)
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, batch: Batch) -> Tensor:
        self.seen.append(batch.labels.clone())
        return CrossEntropy()(batch)


def spied(
    epochs: Sequence[tuple[Phase, ...]], data: TrainingData, seeds: Sequence[int]
) -> list[np.ndarray]:
    """Points (points, k) of each forward pass; the input of a point is its number."""
    template = nn.Sequential(Keep(), nn.Flatten(), nn.Linear(1, data.classes))
    stack = Stack(template, [template.state_dict()] * len(seeds))
    run(stack, Plan(epochs=tuple(epochs)), data, seeds)
    return [x.flatten(1).long().numpy() for x in stack.network[0].seen]


def numbered(points: int, classes: int, **splits: Tensor) -> TrainingData:
    inputs = torch.arange(points, dtype=torch.float32)[:, None, None, None]
    return TrainingData(inputs, torch.arange(points) % classes, splits, classes)


def test_the_first_term_sees_every_point_once_and_the_others_cycle_in_full_batches() -> None:
    data = numbered(30, 5, forget=torch.arange(10), retain=torch.arange(10, 16))
    phase = Phase((Term("forget", 4), Term("retain", 4), Term("forget", 7)), 0.0)
    seen = spied([(phase, phase)] * 2, data, [5, 6, 5])
    assert [len(points) for points in seen] == [4, 4, 7, 4, 4, 7, 2, 4, 7] * 4
    assert sum(map(len, seen)) == 4 * phase.passes(data.sizes())
    orders = {}
    for start in range(0, 36, 9):
        first, second, third = (
            np.concatenate(seen[start + term : start + 9 : 3]) for term in range(3)
        )
        for model in range(3):
            assert sorted(first[:, model]) == list(range(10))
            for cycle in (second[:6, model], second[6:, model]):
                assert sorted(cycle) == list(range(10, 16))
            assert sorted(third[:10, model]) == sorted(third[10:20, model]) == list(range(10))
            assert third[20, model] in range(10)
            orders[start, model, "first"] = tuple(first[:, model])
            orders[start, model, "second"] = tuple(second[:6, model])
            orders[start, model, "again"] = tuple(second[6:, model])
            orders[start, model, "third"] = tuple(third[:10, model])
    for (start, model, term), order in orders.items():
        assert order == orders[start, {0: 2, 1: 1, 2: 0}[model], term]  # of the seed alone
    assert len({order for (_, model, _), order in orders.items() if model < 2}) == 2 * 4 * 4


@pytest.mark.parametrize("forward", ["separate", "joint"])
def test_both_forward_passes_see_the_same_points(forward: Any) -> None:
    data = numbered(30, 5, forget=torch.arange(10), retain=torch.arange(10, 16))
    terms = (Term("forget", 4), Term("retain", 4))
    separate = spied([(Phase(terms, 0.0),)], data, [5, 6])
    seen = spied([(Phase(terms, 0.0, forward=forward),)], data, [5, 6])
    assert len(seen) == {"separate": 6, "joint": 3}[forward]
    assert np.array_equal(np.concatenate(seen), np.concatenate(separate))


def test_splits_may_differ_from_model_to_model() -> None:
    data = numbered(30, 5, forget=torch.stack([torch.arange(9), torch.arange(20, 29)], dim=1))
    seen = np.concatenate(spied([(Phase((Term("forget", 4),), 0.0),)], data, [0, 1]))
    assert sorted(seen[:, 0]) == list(range(9))
    assert sorted(seen[:, 1]) == list(range(20, 29))


# -------------------------------------------------------------------------------- the targets
def targets(
    kind: Any,
    seeds: Sequence[int],
    data: TrainingData,
    *,
    epochs: int = 1,
    batch: int = 16,
    place: int = 0,
) -> list[dict[int, set[int]]]:
    """For each model, the labels that each point got."""
    spy = Spy()
    term = Term("forget", batch, spy, targets=kind)
    terms = (term,) if place == 0 else (Term("forget", 8), term)
    seen = spied([(Phase(terms, 0.0),)] * epochs, data, seeds)
    points, labels = np.concatenate(seen[place :: len(terms)]), torch.cat(spy.seen).numpy()
    given: list[dict[int, set[int]]] = [{} for _ in seeds]
    for j, own in enumerate(given):
        for point, label in zip(points[:, j], labels[:, j], strict=True):
            own.setdefault(int(point), set()).add(int(label))
    return given


POOL = numbered(600, 5, forget=torch.arange(100, 500))


@pytest.mark.parametrize(("kind", "shift"), [("true", 0), ("shift", 1)])
def test_targets_are_the_true_class_or_the_one_after_it(kind: str, shift: int) -> None:
    for given in targets(kind, [0, 1], POOL):
        assert given == {point: {(point + shift) % 5} for point in range(100, 500)}


@pytest.mark.parametrize("kind", ["random_excluding", "random_including"])
def test_random_targets_are_spread_over_the_classes(kind: str) -> None:
    for given in targets(kind, [0, 1, 2], POOL):
        distances = np.bincount(
            [(min(own) - point) % 5 for point, own in given.items()], minlength=5
        )
        if kind == "random_excluding":
            assert distances[0] == 0
            assert np.abs(distances[1:] - 100).max() < 40
        else:
            assert np.abs(distances - 80).max() < 40


@pytest.mark.parametrize("kind", ["random_excluding", "random_including"])
def test_random_targets_depend_on_point_and_seed_alone(kind: str) -> None:
    together = targets(kind, [4, 5, 6], POOL, epochs=2)
    assert all(len(labels) == 1 for given in together for labels in given.values())
    assert together[0] != together[1] != together[2] != together[0]
    assert targets(kind, [6, 4], POOL) == [together[2], together[0]]
    assert targets(kind, [5], POOL, batch=9, place=1, epochs=2) == [together[1]]
    few = numbered(600, 5, forget=torch.arange(300, 320))
    (given,) = targets(kind, [5], few)
    assert given == {point: together[1][point] for point in range(300, 320)}


def test_the_teachers_targets_are_its_predictions_model_by_model() -> None:
    teacher = torch.randn(600, 2, 5, generator=torch.Generator().manual_seed(0))
    data = TrainingData(POOL.inputs, POOL.labels, POOL.splits, 5, teacher)
    predicted = teacher.argmax(2)
    for j, given in enumerate(targets("teacher", [0, 1], data)):
        assert given == {point: {int(predicted[point, j])} for point in range(100, 500)}
    assert not torch.equal(predicted[:, 0], predicted[:, 1])
    with pytest.raises(ValueError, match="this plan needs a teacher, but no teacher was given"):
        targets("teacher", [0], POOL)


def test_a_loss_that_needs_a_teacher_is_refused_without_one() -> None:
    phase = Phase((Term("forget", 4, Distillation(1.0, 0.0, 4.0)),), 0.0)
    with pytest.raises(ValueError, match="this plan needs a teacher, but no teacher was given"):
        spied([(phase,)], POOL, [0])


# ------------------------------------------------------------------------------- the features
@dataclass(frozen=True)
class Quiet:
    """The mean square of what the first convolution and the first block give."""

    layers: tuple[str, ...] = ("0.0",)
    seen: list[Tensor] = field(default_factory=list, compare=False)
    needs: ClassVar[frozenset[str]] = frozenset({"features"})

    def __call__(self, batch: Batch) -> Tensor:
        assert set(batch.features) == set(self.layers)
        self.seen.append(batch.features["0.0"].detach().clone())
        squares = [own.square().flatten(2).mean(2) for own in batch.features.values()]
        return torch.stack(squares).sum(0).mean(0)


@pytest.mark.parametrize("forward", ["separate", "joint"])
@pytest.mark.parametrize("layers", [("0.0",), ("0.0", "2")])
def test_features_are_the_same_in_a_stack_as_alone(layers: tuple[str, ...], forward: Any) -> None:
    def epoch(loss: Quiet) -> tuple[Phase, ...]:
        terms = (Term("forget", 4, loss, weight=0.7), Term("retain", 8), Term("retain", 5, loss))
        return (Phase(terms, 0.05, forward=forward),)

    data, spy = toy_data(), Quiet(layers)
    stack = Stack(models(1)[0], [model.state_dict() for model in models(3)])
    run(stack, Plan(epochs=(epoch(spy),) * 2), data, [7, 8, 9])
    assert [own.shape for own in spy.seen] == [(points, 3, 2, 8, 8) for points in [4, 5, 2, 5] * 2]
    for j, model in enumerate(models(3)):
        own, alone = Quiet(layers), Stack(model, [model.state_dict()])
        run(alone, Plan(epochs=(epoch(own),) * 2), data, [7 + j])
        for stacked, single in zip(spy.seen, own.seen, strict=True):
            assert single.shape == (len(stacked), 1, 2, 8, 8)
            assert torch.allclose(stacked[:, j], single[:, 0], rtol=1e-9, atol=1e-11)
        assert_equal_states(stack.state_dicts()[j], alone.state_dicts()[0])


def test_a_loss_of_features_pulls_on_the_layer_it_names_and_leaves_no_hook() -> None:
    data, (model,) = toy_data(), models(1)
    stack = Stack(model, [model.state_dict()])
    phase = Phase((Term("forget", 6, Quiet()),), 0.05)
    run(stack, Plan(epochs=((phase,),), batch_norm="frozen"), data, [0])
    value = model[0][0](data.inputs[FORGET]).square().mean()
    (gradient,) = torch.autograd.grad(value, [model[0][0].weight])
    (state,) = stack.state_dicts()
    expected = model.state_dict() | {"0.0.weight": model[0][0].weight.detach() - 0.05 * gradient}
    assert_equal_states(state, expected)
    assert not stack.network.get_submodule("0.0")._forward_hooks


# --------------------------------------------------------------------- batches of both sets
def test_a_batch_of_both_sets_has_so_many_forgotten_points() -> None:
    forget, retain = torch.arange(7), torch.arange(7, 24)
    data = numbered(24, 5, forget=forget, retain=retain, train=torch.arange(24))
    phase = Phase((Term("train", 8, forget_per_batch=3),), 0.0)
    seen = spied([(phase,), (phase,)], data, [5, 6])
    assert [len(points) for points in seen] == [8, 8, 8, 5] * 2  # the rest of the retain set is 2
    assert sum(map(len, seen[:4])) == phase.passes(data.sizes()) == 17 + 4 * 3
    orders = set()
    for model in range(2):
        for start in (0, 4):
            batches = [points[:, model] for points in seen[start : start + 4]]
            assert all((batch[-3:] < 7).all() and (batch[:-3] >= 7).all() for batch in batches)
            kept = np.concatenate([batch[:-3] for batch in batches])
            assert sorted(kept) == list(range(7, 24))  # each retained point once
            beside = np.concatenate([batch[-3:] for batch in batches])
            assert sorted(beside[:7]) == list(range(7))  # and forgotten ones turn by turn
            orders |= {tuple(kept), tuple(beside)}
    assert len(orders) == 2 * 2 * 2


def test_a_part_of_the_retain_set_is_drawn_once_for_a_model() -> None:
    forget, retain = torch.arange(6), torch.arange(6, 26)
    data = numbered(26, 5, forget=forget, retain=retain, train=torch.arange(26))
    phase = Phase((Term("train", 5, retain_share=0.5),), 0.0)
    seen = spied([(phase,), (phase,)], data, [5, 6])
    assert [len(points) for points in seen] == [5, 5, 5, 1] * 2
    chosen = []
    for model in range(2):
        first, second = (
            np.concatenate([points[:, model] for points in seen[start : start + 4]])
            for start in (0, 4)
        )
        assert set(first) == set(second) and len(set(first)) == 16 and list(first) != list(second)
        assert set(range(6)) < set(first)
        chosen.append(frozenset(first))
    assert chosen[0] != chosen[1]
