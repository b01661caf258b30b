"""The recipe, the record and the randomness of training."""

import numpy as np
import pytest
import torch
from palimpsest.losses import CrossEntropy, Distillation
from palimpsest.models.stacks import Stack
from palimpsest.phases import training_schedule

from palimpsest import methods
from palimpsest.models.resnet9 import ResNet9
from palimpsest.randomness import generator
from palimpsest.training.device import Device
from palimpsest.training.evaluate import correct, logits, margins
from palimpsest.training.loop import TrainingData, run_epoch, set_mode, sgd
from palimpsest.training.populations import stacks_of, train_population

RECIPE = {"batch_size": 16, "peak_lr": 0.4, "momentum": 0.9, "weight_decay": 5e-4}


def test_learning_rate_is_the_papers_triangle() -> None:
    schedule = training_schedule(epochs=24, peak_epoch=5, **RECIPE)
    steps = 10  # per epoch
    found = [
        epoch[0].lr + (epoch[0].lr_end - epoch[0].lr) * step / steps
        for epoch in schedule.epochs
        for step in range(steps)
    ]
    expected = 0.4 * np.interp(np.arange(24 * steps) / steps, [0, 5, 24], [0, 1, 0])
    assert np.allclose(found, expected, atol=1e-12)


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
    chunks = list(stacks_of(seeds, size, ResNet9(width=width)))
    assert [seed for keep, _ in chunks for seed in keep] == seeds
    for keep, run in chunks:
        assert run[: len(keep)] == keep and set(run) == set(keep)
        assert len(run) >= 2 and len(run) % multiple == 0
    assert list(stacks_of([5], 1, ResNet9(width=width))) == [([5], [5])]


@pytest.mark.parametrize("width", [2, 4, 8])
def test_population_does_not_depend_on_the_chunking(width: int) -> None:
    torch.set_num_threads(1)
    inputs, labels = torch.randn(40, 1, 8, 8), torch.randint(0, 10, (40,))

    def population(size: int) -> dict[int, dict]:
        result = {}
        for trained in train_population(
            lambda: ResNet9(1, 10, width=width, image_size=8),
            [0, 1, 2, 3, 4],
            inputs=inputs,
            labels=labels,
            subset=lambda _: torch.arange(40),
            schedule=training_schedule(epochs=2, peak_epoch=1, **RECIPE),
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


def one_epoch(mode: str, lr: float) -> tuple[dict, dict]:
    torch.manual_seed(0)
    stack = Stack(
        ResNet9(1, 10, width=2, image_size=8),
        [ResNet9(1, 10, width=2, image_size=8).state_dict() for _ in range(2)],
    )
    before = stack.state_dicts()[0]
    schedule = methods.schedule("ga", {"lr": lr, "epochs": 1, "batch_norm": mode})
    data = TrainingData(
        torch.randn(12, 1, 8, 8), torch.randint(0, 10, (12,)), {"forget": torch.arange(12)}
    )
    set_mode(stack, schedule.batch_norm)
    run_epoch(
        stack,
        sgd(stack, schedule),
        schedule.epochs[0],
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
    stack = Stack(ResNet9(1, 10, width=2), [ResNet9(1, 10, width=2).state_dict()] * 2)
    set_mode(stack, "frozen")
    modes = [module.training for module in stack.modules()]
    logits(stack, torch.randn(3, 1, 32, 32), Device())
    assert [module.training for module in stack.modules()] == modes


def test_losses_by_hand() -> None:
    student, teacher = torch.randn(6, 2, 4), torch.randn(6, 2, 4)
    labels = torch.randint(0, 4, (6, 2))
    t = 4.0
    p, q = (teacher / t).softmax(-1), (student / t).softmax(-1)
    kl = t**2 * (p * (p / q).log()).sum(-1).mean(0)
    ce = -student.log_softmax(-1).gather(2, labels[..., None]).squeeze(2).mean(0)
    assert torch.allclose(CrossEntropy()(student, labels), ce)
    assert torch.allclose(Distillation(1.0, 0.0, t)(student, labels, teacher), kl, atol=1e-6)
    both = Distillation(0.1, 0.99, t)(student, labels, teacher)
    assert torch.allclose(both, 0.99 * ce + 0.1 * kl, atol=1e-6)
    with pytest.raises(ValueError, match="needs the teacher"):
        Distillation(1.0, 0.0, t)(student, labels, None)


def test_scrub_follows_its_paper() -> None:
    schedule = methods.schedule("scrub", {"lr": 1.0, "epochs": 10, "ascent_epochs": 3})
    assert [len(epoch) for epoch in schedule.epochs] == [2, 2, 2] + [1] * 7
    rates = [epoch[-1].lr for epoch in schedule.epochs]
    assert np.allclose(rates, [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001])
    ascent, descent = schedule.epochs[0]
    assert ascent.ascend and ascent.split == "forget" and ascent.loss.gamma == 0
    assert not descent.ascend and descent.split == "retain" and descent.loss.gamma == 0.99


def test_unknown_methods_and_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"unknown method 'gaa'.*ga, gda, nothing, scrub"):
        methods.schedule("gaa", {})
    with pytest.raises(ValueError, match="unknown setting rate; allowed are lr, epochs"):
        methods.schedule("ga", {"rate": 1.0})
