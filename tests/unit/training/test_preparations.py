"""Preparations: the random mask, and a toy that trains some parameters and finishes the network."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.files import InputError
from palimpsest.models.resnet9 import build
from palimpsest.plans.optimisers import AdamW, Sgd
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.preparations._saliency import live, saliencies
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.populations import train_population
from palimpsest.training.preparing import Prepared
from palimpsest.training.sweep import Outcome, run_sweep

FACTS = Facts(1797, None, 10, (1, 8, 8))
DESCENT = (Phase((Term("retain", 7),), 0.05),)
DECAYING = Sgd(momentum=0.9, weight_decay=0.1)


def states(count: int) -> list[StateDict]:
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        made.append(build(FACTS, width=2).state_dict())
    return made


def stack_of(chosen: Sequence[int]) -> Stack:
    return Stack(build(FACTS, width=2), [states(5)[seed] for seed in chosen])


def toy_data() -> TrainingData:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(30, 1, 8, 8, generator=generator)
    labels = torch.randint(0, 10, (30,), generator=generator)
    splits = {"forget": torch.arange(6), "retain": torch.arange(6, 30)}
    return TrainingData(inputs, labels, splits, classes=10)


def run(
    plans: dict[Any, Plan], seeds: Sequence[int], read: Callable[[Outcome], Any]
) -> dict[Any, Any]:
    outcomes = run_sweep(stack_of(seeds), plans, data=toy_data(), seeds=seeds, device=Device())
    return {outcome.name: read(outcome) for outcome in outcomes}


def end_states(outcome: Outcome) -> list[StateDict]:
    return outcome.stack.state_dicts()


def random_mask(share: float, mask_seed: int = 0) -> Prepare:
    return Prepare("random_mask", (("share", share), ("mask_seed", mask_seed)))


def masks(seeds: Sequence[int], share: float, mask_seed: int = 0) -> list[dict[str, Tensor]]:
    """The mask of each model, its weights in one row, named as in an ordinary network."""
    stack = stack_of(seeds)
    settings = {"share": share, "mask_seed": mask_seed}
    prepared: Prepared = registry.make(
        "preparations", "random_mask", stack, toy_data(), seeds, settings=settings
    )
    assert set(prepared.movable) == dict(stack.network.named_parameters()).keys()
    return [
        {
            name.replace(".conv.", "."): stack.parts(where)[j].flatten()
            for name, where in prepared.movable.items()
        }
        for j in range(len(seeds))
    ]


@pytest.mark.parametrize("optimiser", [DECAYING, AdamW(weight_decay=0.5)], ids=str)
@pytest.mark.parametrize("seeds", [[3], [3, 4, 2]], ids=str)
def test_masked_weights_keep_their_bits_and_the_others_move(
    seeds: list[int], optimiser: Sgd | AdamW
) -> None:
    plans = {
        mask: Plan((DESCENT,) * 3, optimiser, random_mask(0.4) if mask else None)
        for mask in (True, False)
    }
    found = run(plans, seeds, end_states)
    for j, mask in enumerate(masks(seeds, 0.4)):
        start = states(5)[seeds[j]]
        for name, movable in mask.items():
            free = (found[False][j][name] != start[name]).flatten()
            moved = (found[True][j][name] != start[name]).flatten()
            assert not moved[~movable].any(), name
            assert free[~movable].any() or movable.all(), name  # without the mask they move
            assert moved[movable].float().mean() > 0.95 or not movable.any(), name


def test_the_mask_lets_exactly_the_share_of_live_weights_move_that_was_asked_for() -> None:
    alive = live(saliencies(stack_of([0, 1]), toy_data(), "summed"))
    for share in (0.1, 0.5, 0.9):
        for mask, own in zip(masks([0, 1], share), alive, strict=True):
            chosen = torch.cat(list(mask.values()))
            assert int(chosen.sum()) == round(share * int(own.sum()))
            assert not chosen[~own].any()


def test_masks_depend_on_the_seeds_and_not_on_the_stack() -> None:
    together = masks([0, 1, 2], 0.5)
    for seeds in ([1], [2, 1], [1, 0, 2, 3]):
        own = masks(seeds, 0.5)[seeds.index(1)]
        assert all(torch.equal(own[name], together[1][name]) for name in own)
    flat = [torch.cat(list(mask.values())) for mask in (*together, masks([0], 0.5, mask_seed=1)[0])]
    for first in range(4):
        for second in range(first):
            assert 0.4 < float((flat[first] == flat[second]).double().mean()) < 0.6
    first, second = (together[0][f"2.module.{number}.0.weight"] for number in (0, 1))
    assert len(first) == len(second) and not torch.equal(first, second)


def test_settings_of_a_preparation_are_checked_and_an_unknown_one_is_named() -> None:
    settings = registry.settings_of("preparations", "random_mask")
    assert settings(share=0.5).mask_seed == 0
    for wrong in ({"share": 0.0}, {"share": 1.0}, {}, {"share": 0.5, "other": 1}):
        with pytest.raises(ValueError, match=r"share|other"):
            settings(**wrong)
    with pytest.raises(
        InputError, match=r"preparations: there is no 'masc'; allowed: .*random_mask"
    ):
        run({0: Plan((DESCENT,), prepare=Prepare("masc"))}, [0], end_states)


def last(name: str) -> bool:
    """Whether a parameter, of an ordinary network or of a stack, is the last layer's."""
    return name in ("9.weight", "9.conv.weight")


def parameters(stack: Stack) -> list[tuple[str, Tensor]]:
    return list(stack.network.named_parameters())


def register(monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Prepared]) -> Prepare:
    """Make `prepare` the preparation named toy."""
    make = registry.make

    def with_toy(folder: str, name: str, *given: Any, settings: Any) -> Any:
        if (folder, name) == ("preparations", "toy"):
            return prepare(*given, **settings)
        return make(folder, name, *given, settings=settings)

    monkeypatch.setattr(registry, "make", with_toy)
    return Prepare("toy")


@pytest.mark.parametrize("seeds", [[3], [3, 4, 2]], ids=str)
def test_only_the_trained_parameters_change(
    seeds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(stack: Stack, data: TrainingData, given: Sequence[int]) -> Prepared:
        assert list(given) == seeds and data.sizes() == {"forget": 6, "retain": 24}
        names = dict(stack.network.named_parameters())
        return Prepared(trained=frozenset(filter(last, names)))

    toy, stack = register(monkeypatch, prepare), stack_of(seeds)
    plan = Plan((DESCENT,) * 2, DECAYING, toy, batch_norm="frozen")
    outcomes = run_sweep(stack, {0: plan}, data=toy_data(), seeds=seeds, device=Device())
    (found,) = [outcome.stack.state_dicts() for outcome in outcomes]
    for seed, state in zip(seeds, found, strict=True):
        changed = {name for name in state if not torch.equal(state[name], states(5)[seed][name])}
        assert changed == {"9.weight"}
    assert all(parameter.requires_grad for parameter in stack.parameters())


@pytest.mark.parametrize("seeds", [[3], [3, 4, 2]], ids=str)
def test_the_outcome_is_the_finished_copy_and_the_sweep_goes_on_unfinished(
    seeds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = []

    def finish(stack: Stack) -> Stack:
        finished.append(stack)
        with torch.no_grad():
            for name, parameter in stack.network.named_parameters():
                if last(name):
                    parameter.mul_(2.0)
        return stack

    toy = register(monkeypatch, lambda *given: Prepared(finish=finish))
    ascent = (Phase((Term("forget", 4, weight=-1.0),), 0.01),)
    epochs = {1: (DESCENT,), 2: (DESCENT, DESCENT), 3: (DESCENT, ascent), 0: ()}
    plans = {name: Plan(own, DECAYING, toy) for name, own in epochs.items()}
    found = run(plans, seeds, end_states)
    assert len({id(stack) for stack in finished}) == len(plans)
    plain = {name: Plan(own, DECAYING) for name, own in epochs.items()}
    for name, unfinished in run(plain, seeds, end_states).items():
        for own, expected in zip(found[name], unfinished, strict=True):
            doubled = expected | {"9.weight": 2 * expected["9.weight"]}
            assert all(torch.equal(own[key], doubled[key]) for key in doubled), name


def test_a_preparation_may_change_the_network_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prepare(stack: Stack, data: TrainingData, seeds: Sequence[int]) -> Prepared:
        with torch.no_grad():
            next(stack.network.parameters()).zero_()
        return Prepared()

    found = run({0: Plan((), prepare=register(monkeypatch, prepare)), 1: Plan(())}, [3], end_states)
    assert not found[0][0]["0.0.weight"].any()
    assert torch.equal(found[1][0]["0.0.weight"], states(5)[3]["0.0.weight"])


@pytest.mark.parametrize("size", [1, 3])
def test_training_from_scratch_heeds_its_preparation(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = [0, 1, 2]

    def finish(stack: Stack) -> Stack:
        with torch.no_grad():
            stack.network.get_submodule("0.0").weight.add_(1.0)
        return stack

    def prepare(stack: Stack, *given: Any) -> Prepared:
        where = {
            name: torch.zeros_like(value).bool() for name, value in parameters(stack) if last(name)
        }
        return Prepared(movable=where, finish=finish)

    def population(plan: Plan) -> dict[int, StateDict]:
        data, found = toy_data(), {}
        for trained in train_population(
            lambda: build(FACTS, width=2),
            seeds,
            inputs=data.inputs,
            labels=data.labels,
            subset=lambda _: torch.arange(30),
            classes=10,
            plan=plan,
            stack_size=size,
            device=Device(),
            report=lambda line: None,
        ):
            found.update(zip(trained.seeds, trained.stack.state_dicts(), strict=False))
        return found

    plain, starts = population(Plan((DESCENT,), DECAYING)), states(3)
    toy = register(monkeypatch, prepare)
    found, untrained = (population(Plan(own, DECAYING, toy)) for own in ((DESCENT,), ()))
    for seed in seeds:
        assert torch.equal(found[seed]["9.weight"], starts[seed]["9.weight"])
        assert not torch.equal(plain[seed]["9.weight"], starts[seed]["9.weight"])
        assert torch.equal(untrained[seed]["0.0.weight"], starts[seed]["0.0.weight"] + 1.0)


def test_the_time_of_a_preparation_is_counted_for_each_setting_of_its_tree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prepare(*given: Any) -> Prepared:
        time.sleep(0.6)
        return Prepared()

    toy = register(monkeypatch, prepare)
    plans = {"none": Plan(()), "start": Plan((), prepare=toy), "end": Plan((DESCENT,), prepare=toy)}
    seconds = run(plans, [3, 4], lambda outcome: outcome.seconds)  # of one of two models
    assert seconds["none"] < 0.3 <= seconds["start"] < seconds["end"]
