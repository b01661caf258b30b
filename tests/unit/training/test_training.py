"""The statistics and the randomness of training; what does not depend on the stacks."""

import numpy as np
import pytest
import torch

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.plans.recipe import recipe
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import correct, logits, margins, statistics
from palimpsest.training.loop import run_epoch
from palimpsest.training.populations import stacks_of, train_population
from palimpsest.training.preparing import prepare, set_mode

SMALL = Facts(1797, None, 10, (1, 8, 8))
CIFAR = Facts(60_000, 50_000, 10, (3, 32, 32))
RECIPE = {"batch_size": 16, "peak_lr": 0.4, "momentum": 0.9, "weight_decay": 5e-4}


def test_margin_is_the_log_odds_of_the_true_class() -> None:
    values = torch.randn(7, 3, 5, dtype=torch.float64)
    labels = torch.randint(0, 5, (7,))
    p = values.softmax(-1).gather(2, labels[:, None, None].expand(-1, 3, 1)).squeeze(2)
    assert torch.allclose(margins(values, labels), torch.log(p / (1 - p)).T)


def test_a_model_with_nan_logits_is_never_right() -> None:
    values = torch.zeros(4, 2, 3)
    values[:, 0, 0] = 1.0
    values[:, 1] = float("nan")
    labels = torch.zeros(4, dtype=torch.long)
    assert correct(values, labels)[0].all()
    assert not correct(values, labels)[1].any()
    assert margins(values, labels)[1].isnan().all()


def test_statistics_are_kept_by_model_then_by_point() -> None:
    values, labels = torch.randn(7, 3, 5), torch.randint(0, 5, (7,))
    found = statistics(values, labels, ["margin", "correct", "logits"])
    assert {name: (v.shape, v.dtype) for name, v in found.items()} == {
        "margin": ((3, 7), np.float32),
        "correct": ((3, 7), bool),
        "logits": ((3, 7, 5), np.float16),
    }
    assert np.array_equal(found["margin"], margins(values, labels).numpy())
    assert np.array_equal(found["logits"], values.numpy().swapaxes(0, 1).astype(np.float16))
    assert np.array_equal(found["correct"], (values.argmax(2) == labels[:, None]).T.numpy())


def test_random_numbers_depend_on_purpose_and_position_alone() -> None:
    first = generator(3, "train", 1, 0).permutation(50)
    generator(3, "train", 0, 0).permutation(50)
    assert np.array_equal(first, generator(3, "train", 1, 0).permutation(50))
    others = [(3, "train", 0, 0), (3, "train", 1, 1), (3, "unlearn", 1, 0), (4, "train", 1, 0)]
    for seed, purpose, *position in others:
        assert not np.array_equal(first, generator(seed, purpose, *position).permutation(50))


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize(("width", "multiple"), [(2, 8), (4, 4), (8, 2), (64, 1)])
def test_chunking_fills_up_with_twins_and_keeps_every_seed(
    size: int, width: int, multiple: int
) -> None:
    seeds = list(range(7))
    chunks = list(stacks_of(seeds, size, build(CIFAR, width=width)))
    assert [seed for keep, _ in chunks for seed in keep] == seeds
    for keep, run in chunks:
        assert run[: len(keep)] == keep and set(run) == set(keep)
        assert len(run) >= 2 and len(run) % multiple == 0
    assert list(stacks_of([5], 1, build(CIFAR, width=width))) == [([5], [5])]


@pytest.mark.parametrize("width", [2, 4, 8])
def test_population_does_not_depend_on_the_chunking(width: int) -> None:
    torch.set_num_threads(1)
    inputs, labels = torch.randn(40, 1, 8, 8), torch.randint(0, 10, (40,))

    def population(size: int, seeds: tuple[int, ...] = (0, 1, 2, 3, 4)) -> dict[int, dict]:
        result = {}
        for trained in train_population(
            lambda: build(SMALL, width=width),
            seeds,
            inputs=inputs,
            labels=labels,
            subset=lambda _: torch.arange(40),
            classes=10,
            plan=recipe(epochs=2, peak_epoch=1, **RECIPE),
            stack_size=size,
            device=Device(),
            report=lambda line: None,
        ):
            states = trained.stack.state_dicts()[: len(trained.seeds)]
            result.update(zip(trained.seeds, states, strict=True))
        return result

    whole, parts = population(5), population(2)  # the second has a lone last model
    assert list(whole) == list(parts) == [0, 1, 2, 3, 4]
    for seed in whole:
        assert all(torch.equal(whole[seed][n], parts[seed][n]) for n in whole[seed])
    one_by_one, lone = population(1), population(1, seeds=(3,))  # not stacked at all
    assert all(torch.equal(one_by_one[3][n], lone[3][n]) for n in lone[3])
    assert not torch.equal(one_by_one[3]["0.0.weight"], one_by_one[2]["0.0.weight"])


def one_epoch(mode: str, lr: float) -> tuple[dict, dict]:
    torch.manual_seed(0)
    stack = Stack(
        build(SMALL, width=2),
        [build(SMALL, width=2).state_dict() for _ in range(2)],
    )
    before = stack.state_dicts()[0]
    plan = registry.make("methods", "ga", settings={"lr": lr, "epochs": 1, "batch_norm": mode})
    inputs, labels = torch.randn(12, 1, 8, 8), torch.randint(0, 10, (12,))
    data = TrainingData(inputs, labels, {"forget": torch.arange(12)}, classes=10)
    _, optimiser = prepare(stack, plan, data, [0, 1])
    run_epoch(
        stack,
        optimiser,
        plan,
        plan.epochs[0],
        data=data,
        seeds=[0, 1],
        number=0,
        purpose="unlearn",
        device=Device(),
    )
    return before, stack.state_dicts()[0]


def test_batch_norm_frozen_keeps_statistics_and_the_control_moves_only_them() -> None:
    before, after = one_epoch("frozen", 0.1)
    assert all(torch.equal(before[n], after[n]) for n in before if "running" in n)
    assert not torch.equal(before["0.0.weight"], after["0.0.weight"])
    before, after = one_epoch("train", 0.0)
    assert all(torch.equal(before[n], after[n]) for n in before if n.endswith("weight"))
    assert not torch.equal(before["0.1.running_mean"], after["0.1.running_mean"])


def test_evaluation_restores_the_mode() -> None:
    facts = Facts(9, 5, 10, (1, 32, 32))
    stack = Stack(build(facts, width=2), [build(facts, width=2).state_dict()] * 2)
    set_mode(stack, "frozen")
    modes = [module.training for module in stack.modules()]
    logits(stack, torch.randn(3, 1, 32, 32), Device())
    assert [module.training for module in stack.modules()] == modes
