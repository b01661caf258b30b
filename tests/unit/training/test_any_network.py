"""A stack of one takes any network: a small transformer on texts, trained and unlearned."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palimpsest.data.datasets import Dataset, Tokens
from palimpsest.plans.losses import Distillation
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import correct, logits, margins, statistics
from palimpsest.training.populations import tensors, train_population
from palimpsest.training.sweep import run_sweep

DEVICE = Device()
TRAINING = Plan(
    epochs=((Phase((Term("retain", 16),), 0.01),),) * 8,
    optimiser=AdamW(weight_decay=0.0, warmup_steps=5),
)


class Reader(nn.Module):
    """Texts as token ids (batch, length) to logits; what fills a text up is not attended to."""

    def __init__(self, vocabulary: int, classes: int, padding: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.padding = padding
        self.embed = nn.Embedding(vocabulary, 16, padding_idx=padding)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=dropout, batch_first=True)
        self.out = nn.Linear(16, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        absent = tokens == self.padding
        hidden = self.block(self.embed(tokens), src_key_padding_mask=absent)
        present = (~absent).unsqueeze(-1).to(hidden.dtype)
        return self.out((hidden * present).sum(1) / present.sum(1))


@pytest.fixture(scope="module")
def texts() -> Dataset:
    """Texts whose class is the kind of token that they are full of."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 120)
    pool = np.where(
        random.random((120, 9)) < 0.6, labels[:, None] + 1, random.integers(4, 20, (120, 9))
    ).astype(np.int32)
    for row, length in enumerate(random.integers(5, 10, 120)):
        pool[row, length:] = 0
    return Dataset("texts", pool, labels, None, Tokens(vocabulary=20, padding=0))


def build(texts: Dataset) -> Reader:
    return Reader(texts.facts.vocabulary, texts.facts.classes, texts.encoding.padding)


def population(texts: Dataset, seeds: Sequence[int]) -> dict[int, StateDict]:
    inputs, labels = tensors(texts, DEVICE)
    found = {}
    for trained in train_population(
        lambda: build(texts),
        seeds,
        inputs=inputs,
        labels=labels,
        subset=lambda _: torch.arange(80),
        classes=texts.classes,
        plan=TRAINING,
        stack_size=1,
        device=DEVICE,
        report=lambda line: None,
    ):
        found.update(zip(trained.seeds, trained.stack.state_dicts(), strict=True))
    return found


@pytest.fixture(scope="module")
def originals(texts: Dataset) -> dict[int, StateDict]:
    return population(texts, [3, 4])


def test_texts_are_learned(texts: Dataset, originals: dict[int, StateDict]) -> None:
    inputs, labels = tensors(texts, DEVICE)
    for state in originals.values():
        output = logits(Stack(build(texts), [state]), inputs, DEVICE)
        assert output.shape == (120, 1, 3)
        assert correct(output, labels)[0, 80:].float().mean() > 0.9
        assert statistics(output, labels, ["logits"])["logits"].shape == (1, 120, 3)


def test_a_model_depends_on_its_seed_alone(texts: Dataset, originals: dict[int, StateDict]) -> None:
    again = population(texts, [4])[4]
    assert all(torch.equal(again[name], value) for name, value in originals[4].items())
    assert not torch.equal(originals[3]["out.weight"], originals[4]["out.weight"])


def test_texts_are_unlearned_and_settings_share_their_beginning(
    texts: Dataset, originals: dict[int, StateDict]
) -> None:
    inputs, labels = tensors(texts, DEVICE)
    splits = {"forget": torch.arange(10), "retain": torch.arange(10, 80)}
    stack = Stack(build(texts), [originals[3]])
    data = TrainingData(inputs, labels, splits, 3, logits(stack, inputs, DEVICE))
    terms = (
        Term("forget", 2, targets="random_excluding"),
        Term("retain", 16, Distillation(1.0, 0.5, 2.0)),
        Term("forget", 4, weight=-0.1),
    )
    mask = Prepare("random_mask", (("share", 0.5), ("mask_seed", 0)))
    first, second = (Phase(terms, lr, forward="joint") for lr in (0.01, 0.02))
    plans = {
        n: Plan(((first,), *rest), AdamW(warmup_steps=2), mask)
        for n, rest in enumerate([(), ((first,),) * 3, ((second,),)])
    }

    def run(chosen: dict[int, Plan]) -> dict[int, StateDict]:
        outcomes = run_sweep(stack, chosen, data=data, seeds=[3], device=DEVICE)
        return {outcome.name: outcome.stack.state_dicts()[0] for outcome in outcomes}

    together = run(plans)
    for number, plan in plans.items():
        alone = run({number: plan})[number]
        assert all(torch.equal(alone[name], together[number][name]) for name in alone)
    end = logits(Stack(build(texts), [together[1]]), inputs, DEVICE)
    start = logits(stack, inputs, DEVICE)
    fallen = (margins(start, labels) - margins(end, labels))[0]
    assert fallen[:10].mean() > 2.0 and fallen[:10].mean() > fallen[80:].mean()
    for name, value in originals[3].items():
        kept = (together[1][name] == value).double().mean()
        assert 0.2 < kept < 0.8 or value.numel() < 50, name


def test_dropout_draws_from_the_seed_and_the_epoch_alone(texts: Dataset) -> None:
    inputs, labels = tensors(texts, DEVICE)
    torch.manual_seed(0)
    template = Reader(20, 3, 0, dropout=0.3)
    stack = Stack(template, [template.state_dict()])
    data = TrainingData(inputs, labels, {"retain": torch.arange(40)}, 3)
    first, second = (Phase((Term("retain", 8),), lr) for lr in (0.01, 0.02))
    plans = {n: Plan(((first,), *rest)) for n, rest in enumerate([(), ((first,),), ((second,),)])}

    def run(chosen: dict[int, Plan], seed: int) -> dict[int, StateDict]:
        outcomes = run_sweep(stack, chosen, data=data, seeds=[seed], device=DEVICE)
        return {outcome.name: outcome.stack.state_dicts()[0] for outcome in outcomes}

    together = run(plans, 3)
    for number, plan in plans.items():
        torch.rand(number)  # whatever was drawn before
        alone = run({number: plan}, 3)[number]
        assert all(torch.equal(alone[name], together[number][name]) for name in alone)

    still = Stack(Reader(20, 3, 0), [template.state_dict()])
    (quiet,) = run_sweep(still, {0: plans[0]}, data=data, seeds=[3], device=DEVICE)
    assert not torch.equal(quiet.stack.state_dicts()[0]["out.weight"], together[0]["out.weight"])
