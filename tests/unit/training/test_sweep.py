"""A sweep shares common beginnings and gives every setting the bits of a run of its own."""

import itertools
from dataclasses import replace

import pytest
import torch

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.plans.optimisers import AdamW, Sgd
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.sweep import run_sweep, together, tree

PAPER_GA = [
    {"lr": lr, "epochs": epochs}
    for lr, epochs in itertools.product(
        [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 1e-2, 5e-2], [1, 3, 5, 7, 10]
    )
]
PAPER_GDA = [
    {"lr": lr, "epochs": epochs, "ascent_epochs": ascent, "forget_batch": batch}
    for lr, epochs, ascent, batch in itertools.product(
        [5e-5, 5e-4, 1e-3, 5e-3], [5, 7, 10], [3, 5], [32, 64]
    )
]


def plans_of(method: str, settings: list[dict]) -> dict[int, Plan]:
    made = (registry.make("methods", method, settings=setting) for setting in settings)
    return dict(enumerate(made))


@pytest.mark.parametrize(
    ("method", "settings", "forget", "separate", "shared"),
    [
        ("ga", PAPER_GA, 100, 182, 70),
        ("gda", PAPER_GDA, 100, 352, 136),
        ("gda", PAPER_GDA, 32, 352, 68),
        ("scrub", PAPER_GDA, 100, 352, 136),
        ("scrub", PAPER_GDA, 32, 352, 68),
    ],
)
def test_epochs_run_for_the_paper_grids(
    method: str, settings: list[dict], forget: int, separate: int, shared: int
) -> None:
    planned = plans_of(method, settings)
    assert sum(len(plan.epochs) for plan in planned.values()) == separate
    roots = tree(planned, {"forget": forget, "retain": 1000})
    assert sum(root.epochs() for root in roots.values()) == shared


@pytest.fixture(scope="module")
def problem() -> tuple[Stack, TrainingData]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    facts = Facts(1797, None, 10, (1, 8, 8))
    template = build(facts, width=2)
    stack = Stack(template, [build(facts, width=2).state_dict() for _ in range(3)])
    inputs, labels = torch.randn(60, 1, 8, 8), torch.randint(0, 10, (60,))
    splits = {"forget": torch.arange(12), "retain": torch.arange(12, 60)}
    return stack, TrainingData(inputs, labels, splits, 10, logits(stack, inputs, Device()))


def run(
    problem: tuple[Stack, TrainingData], plans: dict[int, Plan], seeds: list[int]
) -> dict[int, list]:
    """State dicts of each setting; the starting stack has to stay as it is."""
    stack, data = problem
    start = {name: value.clone() for name, value in stack.state_dict().items()}
    outcomes = run_sweep(stack, plans, data=data, seeds=seeds, device=Device())
    found = {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}
    assert all(torch.equal(value, start[name]) for name, value in stack.state_dict().items())
    return found


def assert_shared_equals_separate(
    problem: tuple[Stack, TrainingData], plans: dict[int, Plan], seeds: list[int]
) -> None:
    shared_runs = run(problem, plans, seeds)
    assert set(shared_runs) == set(plans)
    for number, plan in plans.items():
        alone = run(problem, {number: plan}, seeds)[number]
        for own, shared in zip(alone, shared_runs[number], strict=True):
            assert all(torch.equal(own[name], shared[name]) for name in own), plan


@pytest.mark.parametrize("method", ["ga", "gda", "scrub"])
def test_shared_runs_equal_separate_runs_bit_for_bit(
    method: str, problem: tuple[Stack, TrainingData]
) -> None:
    grid = [
        {"lr": lr, "epochs": epochs, "batch_norm": mode}
        for lr, epochs, mode in itertools.product([0.05, 0.01], [2, 3], ["train", "frozen"])
    ]
    if method != "ga":
        grid = [setting | {"ascent_epochs": a} for setting in grid for a in (1, 2)]
    assert_shared_equals_separate(problem, plans_of(method, grid), [4, 5, 6])


OPTIMISERS = [
    Sgd(momentum=0.9, weight_decay=1e-3),
    Sgd(momentum=0.9, weight_decay=1e-3, warmup_steps=7),
    AdamW(weight_decay=0.1),
    AdamW(weight_decay=0.1, warmup_steps=7),
]


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=str)
def test_the_optimisers_state_and_its_warm_up_are_part_of_a_branch(
    optimiser: Sgd | AdamW, problem: tuple[Stack, TrainingData]
) -> None:
    grid = [{"lr": 0.01, "epochs": 4, "ascent_epochs": a, "retain_batch": 16} for a in (1, 3, 2)]
    plans = {n: replace(p, optimiser=optimiser) for n, p in plans_of("gda", grid).items()}
    (root,) = tree(plans, problem[1].sizes()).values()
    assert root.epochs() == 9  # all three share the first epoch, two the second: 1 + 3 + 1 + 2 + 2
    assert_shared_equals_separate(problem, plans, [1, 2, 3])


@pytest.mark.parametrize("forward", ["separate", "joint"])
def test_plans_of_several_terms_and_a_mask_share_beginnings_bit_for_bit(
    forward: str, problem: tuple[Stack, TrainingData]
) -> None:
    def phase(lr: float) -> Phase:
        terms = (
            Term("forget", 5, weight=-0.5),
            Term("retain", 32, targets="random_excluding"),
            Term("retain", 7, weight=0.3, targets="teacher"),
        )
        return Phase(terms, lr, forward=forward)

    shared, mask = (phase(0.01),), Prepare("random_mask", (("share", 0.5), ("mask_seed", 1)))
    plans = {
        n: Plan((shared, shared, *rest), AdamW(warmup_steps=4), mask)
        for n, rest in enumerate([(), ((phase(0.02),),), ((phase(0.001),), shared)])
    }
    (root,) = tree(plans, problem[1].sizes()).values()
    assert root.epochs() == 5
    assert_shared_equals_separate(problem, plans, [1, 2, 3])


def test_plans_that_differ_in_preparation_optimiser_or_batch_norm_have_their_own_trees() -> None:
    sizes = {"forget": 12, "retain": 48}
    (plan,) = plans_of("ga", [{"lr": 0.1, "epochs": 3}]).values()
    others = [
        replace(plan, prepare=Prepare("random_mask", (("share", 0.5),))),
        replace(plan, prepare=Prepare("random_mask", (("share", 0.6),))),
        replace(plan, optimiser=Sgd(momentum=0.9)),
        replace(plan, optimiser=AdamW()),
        replace(plan, optimiser=Sgd(warmup_steps=2)),
        replace(plan, batch_norm="frozen"),
    ]
    roots = tree(dict(enumerate([plan, *others, plan])), sizes)
    assert len(roots) == 7
    assert [root.epochs() for root in roots.values()] == [3] * 7
    larger = replace(plan, epochs=((Phase((Term("forget", 999, weight=-1.0),), 0.1),),) * 3)
    assert len(tree({0: plan, 1: larger}, sizes)) == 1
    assert sum(root.epochs() for root in tree({0: plan, 1: larger}, sizes).values()) == 3


def test_outcomes_that_are_kept_together_are_what_each_was(
    problem: tuple[Stack, TrainingData],
) -> None:
    stack, data = problem
    plans = plans_of("ga", [{"lr": lr, "epochs": 1} for lr in (0.01, 0.02, 0.03, 0.04, 0.05)])
    size = sum(values.numel() for values in stack.parameters())
    alone = run(problem, plans, [1, 2, 3])
    for weights, lengths in ((0, [1] * 5), (2 * size, [2, 2, 1]), (9 * size, [5])):
        outcomes = run_sweep(stack, plans, data=data, seeds=[1, 2, 3], device=Device())
        lists: list[list[int]] = []
        for several in together(outcomes, weights):
            lists.append([one.name for one in several])
            for one in several:
                states = one.stack.state_dicts()
                for found, expected in zip(states, alone[one.name], strict=True):
                    assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert list(map(len, lists)) == lengths
        assert sorted(itertools.chain(*lists)) == list(range(5))
