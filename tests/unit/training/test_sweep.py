"""A sweep shares common beginnings and gives every setting the bits of a run of its own."""

import itertools

import pytest
import torch
from palimpsest.models.stacks import Stack
from palimpsest.phases import Schedule

from palimpsest import methods
from palimpsest.models.resnet9 import ResNet9
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.loop import TrainingData
from palimpsest.training.sweep import run_sweep, tree

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


def schedules(method: str, settings: list[dict]) -> dict[int, Schedule]:
    return {n: methods.schedule(method, setting) for n, setting in enumerate(settings)}


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
    planned = schedules(method, settings)
    assert sum(len(schedule.epochs) for schedule in planned.values()) == separate
    roots = tree(planned, {"forget": forget, "retain": 1000})
    assert sum(root.epochs() for root in roots.values()) == shared


@pytest.fixture(scope="module")
def problem() -> tuple[Stack, TrainingData]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    template = ResNet9(1, 10, width=2, image_size=8)
    states = [ResNet9(1, 10, width=2, image_size=8).state_dict() for _ in range(3)]
    stack = Stack(template, states)
    inputs, labels = torch.randn(60, 1, 8, 8), torch.randint(0, 10, (60,))
    splits = {"forget": torch.arange(12), "retain": torch.arange(12, 60)}
    return stack, TrainingData(inputs, labels, splits, logits(stack, inputs, Device()))


@pytest.mark.parametrize("method", ["ga", "gda", "scrub"])
def test_shared_runs_equal_separate_runs_bit_for_bit(
    method: str, problem: tuple[Stack, TrainingData]
) -> None:
    stack, data = problem
    start = {name: value.clone() for name, value in stack.state_dict().items()}
    grid = [
        {"lr": lr, "epochs": epochs, "batch_norm": mode}
        for lr, epochs, mode in itertools.product([0.05, 0.01], [2, 3], ["train", "frozen"])
    ]
    if method != "ga":
        grid = [setting | {"ascent_epochs": a} for setting in grid for a in (1, 2)]
    planned = schedules(method, grid)

    def run(chosen: dict[int, Schedule]) -> dict[int, list]:
        stack.load_state_dict(start)
        outcomes = run_sweep(stack, chosen, data=data, seeds=[4, 5, 6], device=Device())
        return {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}

    together = run(planned)
    assert set(together) == set(planned)
    for number, schedule in planned.items():
        alone = run({number: schedule})[number]
        for own, shared in zip(alone, together[number], strict=True):
            assert all(torch.equal(own[name], shared[name]) for name in own), grid[number]


def test_momentum_is_part_of_the_state_at_a_branch(problem: tuple[Stack, TrainingData]) -> None:
    stack, data = problem
    start = {name: value.clone() for name, value in stack.state_dict().items()}
    short, long = (
        methods.schedule("gda", {"lr": 0.01, "epochs": 4, "ascent_epochs": a}) for a in (1, 3)
    )
    planned = {
        n: Schedule(s.epochs, momentum=0.9, weight_decay=1e-3) for n, s in enumerate((short, long))
    }

    def run(chosen: dict) -> dict[int, list]:
        stack.load_state_dict(start)
        outcomes = run_sweep(stack, chosen, data=data, seeds=[1, 2, 3], device=Device())
        return {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}

    together = run(planned)
    for number in planned:
        alone = run({number: planned[number]})[number]
        assert all(torch.equal(alone[0][n], together[number][0][n]) for n in alone[0])
