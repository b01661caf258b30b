"""Masks by saliency against a plain, slow definition: one ordinary model, one point at a time."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest import registry
from palimpsest.conformance import Toy
from palimpsest.conformance.toy import SEEDS
from palimpsest.files import InputError
from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.preparations._saliency import largest
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.device import Device
from palimpsest.training.preparing import Prepared
from palimpsest.training.sweep import run_sweep

SPLIT = {"salun_mask": "forget", "rbm_mask": "retain"}
"""mask -> the split that its weights are salient for"""


def by_definition(toy: Toy, seed: int, split: str, reduction: str) -> np.ndarray:
    """The saliency of all weights of one ordinary model, from one gradient for each point."""
    model = toy.template
    model.load_state_dict(toy.states[SEEDS.index(seed)])
    model.eval()
    gradients = []
    for point in getattr(toy.split, split):
        model.zero_grad()
        loss = F.cross_entropy(model(toy.inputs[point : point + 1]), toy.labels[point : point + 1])
        loss.backward()
        rows = [weight.grad.numpy().flatten() for weight in model.parameters()]
        gradients.append(np.concatenate(rows))
    if reduction == "summed":
        return np.abs(np.sum(gradients, axis=0))
    return np.sum(np.abs(gradients), axis=0)


def live_weights(toy: Toy, seed: int, reduction: str = "summed") -> np.ndarray:
    """The weights that some point has a gradient for, by definition."""
    found = [by_definition(toy, seed, split, reduction) for split in ("forget", "retain")]
    return (found[0] != 0) | (found[1] != 0)


def best(scores: np.ndarray, live: np.ndarray, share: float) -> np.ndarray:
    """The live weights of the highest scores, all parameters in one ranking, by definition."""
    order = sorted(np.flatnonzero(live), key=lambda place: (-scores[place], place))
    chosen = np.zeros(len(live), dtype=bool)
    chosen[order[: round(share * live.sum())]] = True
    return chosen


def stack_of(toy: Toy, seeds: list[int]) -> Stack:
    return Stack(toy.template, [toy.states[SEEDS.index(seed)] for seed in seeds])


def prepared(toy: Toy, stack: Stack, seeds: list[int], name: str, **settings: Any) -> Prepared:
    made: Prepared = registry.make(
        "preparations", name, stack, toy.data(), seeds, settings=settings
    )
    return made


def rows(stack: Stack, named: Any) -> list[np.ndarray]:
    """Tensors of all parameters of the network, by name, as one row for each model."""
    own = [
        [part.detach().numpy().flatten() for part in stack.parts(named[name])]
        for name, _ in stack.network.named_parameters()
    ]
    return [np.concatenate(parts) for parts in zip(*own, strict=True)]


def weights(stack: Stack) -> list[np.ndarray]:
    return rows(stack, dict(stack.network.named_parameters()))


@pytest.mark.parametrize("reduction", ["summed", "per_sample"])
@pytest.mark.parametrize("name", SPLIT)
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[1:2]], ids=str)
def test_masks_by_saliency_equal_the_definition(
    toy: Toy, name: str, reduction: str, seeds: list[int]
) -> None:
    shares = (0.5, 0.123)
    stacks = [stack_of(toy, seeds) for _ in shares]
    found = [
        rows(stack, prepared(toy, stack, seeds, name, share=share, reduction=reduction).movable)
        for share, stack in zip(shares, stacks, strict=True)
    ]
    for j, seed in enumerate(seeds):
        scores = by_definition(toy, seed, SPLIT[name], reduction)
        live = live_weights(toy, seed, reduction)
        assert 0.5 * len(live) < live.sum() < 0.95 * len(live)  # padding
        for share, masks in zip(shares, found, strict=True):
            assert masks[j].sum() == round(share * live.sum())
            assert np.array_equal(masks[j], best(scores, live, share))


def test_the_masks_of_the_two_splits_and_reductions_differ(toy: Toy) -> None:
    masks = [
        rows(stack, prepared(toy, stack, SEEDS, name, action="freeze", reduction=reduction).movable)
        if name == "rbm_mask"
        else rows(stack, prepared(toy, stack, SEEDS, name, reduction=reduction).movable)
        for name in SPLIT
        for reduction in ("summed", "per_sample")
        for stack in [toy.stack()]
    ]
    for first in range(4):
        for second in range(first):
            assert not np.array_equal(masks[first][0], masks[second][0])


def test_the_ranking_is_over_all_parameters_together(toy: Toy) -> None:
    stack = stack_of(toy, SEEDS[:1])
    movable = prepared(toy, stack, SEEDS[:1], "salun_mask").movable
    sizes = [where.numel() for where in movable.values()]
    live = np.split(live_weights(toy, SEEDS[0]), np.cumsum(sizes)[:-1])
    shares = [
        float(where.sum()) / own.sum()
        for where, own in zip(movable.values(), live, strict=True)
        if own.sum() >= 20
    ]
    assert min(shares) < 0.4 and max(shares) > 0.6


@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[2:]], ids=str)
def test_the_random_mask_lets_equally_many_live_weights_move(toy: Toy, seeds: list[int]) -> None:
    stack = stack_of(toy, seeds)
    masks = rows(stack, prepared(toy, stack, seeds, "random_mask", share=0.3, mask_seed=4).movable)
    for seed, mask in zip(seeds, masks, strict=True):
        live = live_weights(toy, seed)
        drawn = generator(seed, "random_mask", 4).random(len(live))
        assert mask.sum() == round(0.3 * live.sum())
        assert np.array_equal(mask, best(drawn, live, 0.3))


@pytest.mark.parametrize("name", ["rbm_mask", "random_mask"])
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]], ids=str)
def test_the_live_weights_outside_the_mask_are_set_to_zero_or_kept(
    toy: Toy, name: str, seeds: list[int]
) -> None:
    start, masks = weights(stack_of(toy, seeds)), {}
    for action in ("zero", "freeze"):
        stack = stack_of(toy, seeds)
        masks[action] = rows(
            stack, prepared(toy, stack, seeds, name, share=0.6, action=action).movable
        )
        for j, seed in enumerate(seeds):
            zeroed = live_weights(toy, seed) & ~masks[action][j] & (action == "zero")
            assert np.array_equal(weights(stack)[j], np.where(zeroed, 0.0, start[j]))
    assert np.array_equal(masks["zero"], masks["freeze"])


@pytest.mark.parametrize("name", [*SPLIT, "random_mask"])
def test_nothing_else_is_touched(toy: Toy, name: str) -> None:
    stack = toy.stack()
    modules = list(stack.modules())
    for number, module in enumerate(modules):
        module.training = number % 2 == 0
    settings = {"share": 0.5} | ({} if name == "salun_mask" else {"action": "freeze"})
    prepared(toy, stack, SEEDS, name, **settings)
    assert [module.training for module in modules] == [n % 2 == 0 for n in range(len(modules))]
    assert all(parameter.grad is None for parameter in stack.parameters())
    for before, after in zip(toy.states, stack.state_dicts(), strict=True):
        assert all(torch.equal(before[key], after[key]) for key in before)  # BatchNorm's as well


@pytest.mark.parametrize("key", ["9.weight", "0.0.weight"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e300])
def test_a_diverged_model_gets_some_mask_and_its_neighbours_get_their_own(
    toy: Toy, key: str, value: float
) -> None:
    states = [{name: weight.clone() for name, weight in state.items()} for state in toy.states]
    states[1][key].fill_(value)
    broken = dataclasses.replace(toy, states=states)
    for name in [*SPLIT, "random_mask"]:
        masks = [
            rows(stack, prepared(broken, stack, SEEDS, name, share=0.5).movable)
            for stack in (broken.stack(), broken.stack())
        ]
        assert np.array_equal(*masks)
        stack = toy.stack()
        intact = rows(stack, prepared(toy, stack, SEEDS, name, share=0.5).movable)
        assert np.array_equal(masks[0][0], intact[0]) and np.array_equal(masks[0][2], intact[2])
        assert 0 < masks[0][1].sum() < len(masks[0][1])


def test_ties_go_to_the_first_and_nan_comes_last() -> None:
    scores = torch.tensor([[1.0, 2.0, 1.0, torch.nan, 1.0, torch.inf, 0.0, 9.0]])
    alive = torch.tensor([[True] * 7 + [False]])
    order = [5, 1, 0, 2, 4, 6, 3]
    for count in range(1, 7):
        (chosen,) = largest(scores, alive, count / 7)
        assert chosen.nonzero().flatten().tolist() == sorted(order[:count])
    tied = torch.ones(1, 1000), torch.ones(1, 1000, dtype=torch.bool)
    assert largest(*tied, 0.3)[0].nonzero().flatten().tolist() == list(range(300))


@pytest.mark.parametrize("name", [*SPLIT, "random_mask"])
def test_a_share_that_leaves_none_or_all_is_an_error(toy: Toy, name: str) -> None:
    live = int(live_weights(toy, SEEDS[0]).sum())
    for share, count in ((0.49 / live, 0), (1 - 0.49 / live, live)):
        with pytest.raises(InputError) as error:
            prepared(toy, toy.stack(), SEEDS, name, share=share)
        assert str(error.value) == (
            f"share is {share}, which makes {count} of a model's {live} live weights; "
            "allowed: a share that makes at least one of them, and not all"
        )


def ends(toy: Toy, seeds: list[int], plans: dict[Any, Plan]) -> dict[Any, list[StateDict]]:
    """The state dicts at the end of each plan of one sweep."""
    stack, data = stack_of(toy, seeds), toy.data()
    outcomes = run_sweep(stack, plans, data=data, seeds=seeds, device=Device())
    return {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}


MASKS = {
    "salun": Prepare("salun_mask", (("share", 0.5),)),
    "rbm": Prepare("rbm_mask", (("share", 0.5),)),
    "rbm frozen": Prepare("rbm_mask", (("share", 0.5), ("action", "freeze"))),
    "random": Prepare("random_mask", (("share", 0.5),)),
    "random zero": Prepare("random_mask", (("share", 0.5), ("action", "zero"))),
}
FINE_TUNING = Sgd(momentum=0.9, weight_decay=5e-4)


@pytest.mark.parametrize("random_labels", [False, True])
@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]], ids=str)
def test_masked_weights_keep_their_bits_through_fine_tuning(
    toy: Toy, seeds: list[int], random_labels: bool
) -> None:
    """And zeroed ones stay zero; settings of one sweep do not disturb each other."""
    terms = (Term("retain", 16), Term("forget", 4, targets="random_excluding"))
    epochs = ((Phase(terms if random_labels else terms[:1], 0.05),),) * 3
    plans = {name: Plan(epochs, FINE_TUNING, mask) for name, mask in MASKS.items()}
    plans["free"] = Plan(epochs, FINE_TUNING)
    plans["shorter"] = Plan(epochs[:2], FINE_TUNING, MASKS["rbm"])
    together = ends(toy, seeds, plans)
    for name, plan in plans.items():
        alone = ends(toy, seeds, {name: plan})[name]
        for one, other in zip(together[name], alone, strict=True):
            assert all(torch.equal(one[key], other[key]) for key in one)
        if plan.prepare is None:
            continue
        stack = stack_of(toy, seeds)
        made = prepared(toy, stack, seeds, plan.prepare.name, **dict(plan.prepare.settings))
        masks, before = rows(stack, made.movable), weights(stack)
        zeroes = "zero" in name or name in ("rbm", "shorter")
        for j, (seed, mask) in enumerate(zip(seeds, masks, strict=True)):
            after = weights(Stack(toy.template, [together[name][j]]))[0]
            assert after[~mask].tobytes() == before[j][~mask].tobytes()
            assert (after[mask] != before[j][mask]).mean() > 0.99
            if zeroes:
                assert not after[live_weights(toy, seed) & ~mask].any()
            free = weights(Stack(toy.template, [together["free"][j]]))[0]
            assert (free != weights(stack_of(toy, [seed]))[0]).mean() > 0.99


# The zeroed row


def linear(outputs: list[int], bias: bool) -> torch.nn.Module:
    """A network that ends in linear layers with so many outputs."""
    layers: list[torch.nn.Module] = [
        torch.nn.Conv2d(1, 5, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
    ]  # fmt: skip
    for before, after in zip([5, *outputs], outputs, strict=False):
        layers.append(torch.nn.Linear(before, after, bias=bias))
    return torch.nn.Sequential(*layers).double()


def zeroed(toy: Toy, template: torch.nn.Module, k: int, **settings: Any) -> tuple[Stack, Prepared]:
    stack = Stack(template, [template.state_dict()] * k)
    given = (stack, toy.data(), SEEDS[:k])
    return stack, registry.make("preparations", "zero_row", *given, settings=settings)


def is_zero(weight: Tensor) -> list[int]:
    """The rows of a weight or bias that are zero."""
    return (weight.reshape(len(weight), -1) == 0).all(dim=1).nonzero().flatten().tolist()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_the_forgotten_rows_of_the_last_layer_are_zero_and_nothing_else(
    toy: Toy, k: int, bias: bool
) -> None:
    gone, layers = toy.forgetting_a_class(), {"4.weight", "4.bias"} if bias else {"4.weight"}
    template = linear([10, 10], bias)
    stack, made = zeroed(gone, template, k)
    assert made.movable == {}
    start = template.state_dict()
    for state in stack.state_dicts():
        changed = {key for key in state if not torch.equal(state[key], start[key])}
        assert changed == layers
        for key in layers:
            assert is_zero(state[key]) == [0]
            assert torch.equal(state[key][1:], start[key][1:])


def test_several_classes_are_forgotten_and_one_in_part_is_not(toy: Toy) -> None:
    own = toy.labels[: len(toy.split.train)].numpy()
    forget = np.concatenate([np.flatnonzero((own == 2) | (own == 7)), np.flatnonzero(own == 5)[:3]])
    split = dataclasses.replace(toy.split, forget=np.sort(forget))
    stack, _ = zeroed(dataclasses.replace(toy, split=split), linear([10], True), 3)
    for state in stack.state_dicts():
        assert is_zero(state["3.weight"]) == is_zero(state["3.bias"]) == [2, 7]


@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:1]], ids=str)
def test_frozen_rows_stay_zero_and_others_are_trained(toy: Toy, seeds: list[int]) -> None:
    toy = toy.forgetting_a_class()
    epochs = ((Phase((Term("retain", 16),), 0.05),),) * 3
    plans = {
        frozen: Plan(epochs, FINE_TUNING, Prepare("zero_row", (("frozen", frozen),)))
        for frozen in (True, False)
    }
    found = ends(toy, seeds, plans)
    for j, seed in enumerate(seeds):
        start = toy.states[SEEDS.index(seed)]
        assert is_zero(found[True][j]["9.weight"]) == [0]
        assert is_zero(found[False][j]["9.weight"]) == []
        assert all((found[True][j][key] != start[key]).any() for key in start)


def test_the_method_is_the_zeroed_row_alone(toy: Toy) -> None:
    toy = toy.forgetting_a_class()
    plan = registry.make("methods", "zero_row", settings={})
    nothing = registry.make("methods", "nothing", settings={})
    found = ends(toy, SEEDS, {"zero_row": plan, "nothing": nothing})
    for j, start in enumerate(toy.states):
        assert all(torch.equal(found["nothing"][j][key], start[key]) for key in start)
        expected = start["9.weight"].clone()
        expected[0] = 0.0
        own = start | {"9.weight": expected}
        assert all(torch.equal(found["zero_row"][j][key], own[key]) for key in own)


def test_what_the_zeroed_row_needs_is_told(toy: Toy) -> None:
    with pytest.raises(InputError) as error:
        zeroed(toy, linear([10], True), 1)
    assert str(error.value) == (
        "zero_row: every class of the forget set has points in the retain set; needed: a forget "
        "set that holds all points of a class"
    )
    for k in (1, 3):
        with pytest.raises(InputError) as error:
            zeroed(toy.forgetting_a_class(), linear([7], True), k)
        assert str(error.value) == (
            "zero_row: the network has no linear layer of 10 outputs; needed: one, with a row for "
            "each class"
        )


@pytest.mark.parametrize("name", registry.names("preparations"))
def test_a_preparation_says_what_forget_set_it_needs(name: str) -> None:
    needs = registry.module("preparations", name).NEEDS
    assert needs == (("whole_class",) if name == "zero_row" else ())
