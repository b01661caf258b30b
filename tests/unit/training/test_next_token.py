"""Models that predict the next token: their targets, losses, training, teachers and statistics."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from synthetic_texts import CLASSES, LENGTH, PADDING, VOCABULARY, texts
from torch import Tensor, nn

from palimpsest import registry
from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED, Batch, CrossEntropy, Distillation, LabelDivergence
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.records import COMPARED, OF_CLASSES, STATISTICS, left_by
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training import evaluate
from palimpsest.training.data import TrainingData, next_tokens
from palimpsest.training.device import Device
from palimpsest.training.evaluate import Frozen, logits, measured, statistics, teacher
from palimpsest.training.populations import builder, tensors, train_population
from palimpsest.training.sweep import run_sweep

DEVICE = Device()
MODEL = {"name": "distilgpt2", "dim": 16, "layers": 1, "heads": 2, "dropout": 0.1}
DATA = texts()
TRAINING = Plan(
    epochs=((Phase((Term("retain", 16),), 0.02),),) * 6,
    optimiser=AdamW(weight_decay=0.0, warmup_steps=5),
)
FORGET, RETAIN = torch.arange(10), torch.arange(10, 80)


pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def pool() -> tuple[Tensor, Tensor]:
    return tensors(DATA, DEVICE, "next_token")


def population(seeds: list[int], **model: Any) -> dict[int, StateDict]:
    inputs, labels = pool()
    found = {}
    for trained in train_population(
        builder({**MODEL, **model}, DATA),
        seeds,
        inputs=inputs,
        labels=labels,
        subset=lambda _: torch.arange(80),
        classes=CLASSES,
        plan=TRAINING,
        stack_size=1,
        device=DEVICE,
        report=lambda line: None,
    ):
        found.update(zip(trained.seeds, trained.stack.state_dicts(), strict=True))
    return found


@pytest.fixture(scope="module")
def originals() -> dict[int, StateDict]:
    return population([3, 4])


def stack_of(state: StateDict, **model: Any) -> Stack:
    return Stack(builder({**MODEL, **model}, DATA)(), [state])


# ---------------------------------------------------------------------------------- the targets
def test_the_targets_are_the_tokens_after_and_padding_is_ignored() -> None:
    inputs, labels = pool()
    assert labels.shape == (120, LENGTH - 1)
    for text, after in zip(inputs.tolist(), labels.tolist(), strict=True):
        length = sum(token != PADDING for token in text)
        assert after == text[1:length] + [IGNORED] * (LENGTH - length)


def test_a_text_without_a_next_token_is_refused() -> None:
    inputs = torch.tensor([[3, 4, 0], [5, 0, 0]])
    assert next_tokens(inputs[:1], 0).tolist() == [[4, IGNORED]]
    with pytest.raises(InputError, match="text of pool index 1 has no token after its first"):
        next_tokens(inputs, 0)


# ----------------------------------------------------------------------------------- the losses
def drawn() -> tuple[Tensor, Tensor, Tensor]:
    """Logits (b, k, tokens, vocabulary) of students and teachers, labels; a text of one token."""
    generator = torch.Generator().manual_seed(1)
    student, frozen = (3 * torch.randn(4, 2, 5, 7, generator=generator) for _ in range(2))
    labels = torch.randint(0, 7, (4, 2, 5), generator=generator)
    labels[1, :, 1:] = labels[2, 0, 3:] = IGNORED
    return student.requires_grad_(), labels, frozen


def flat(model: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, labels and the teacher's logits of the tokens of one model that are not padding."""
    student, labels, frozen = drawn()
    asked = labels[:, model] != IGNORED
    return student[:, model][asked], labels[:, model][asked], frozen[:, model][asked]


def test_losses_are_means_over_the_tokens_of_the_batch() -> None:
    student, labels, frozen = drawn()
    batch, t = Batch(student, labels, frozen), 3.0
    for model in range(2):
        own, true, its = flat(model)
        ce = F.cross_entropy(own, true)
        kl = F.kl_div((own / t).log_softmax(-1), (its / t).softmax(-1), reduction="batchmean")
        assert torch.allclose(CrossEntropy()(batch)[model], ce, rtol=1e-5)
        found = Distillation(0.3, 0.7, t)(batch)[model]
        assert torch.allclose(found, 0.3 * t**2 * kl + 0.7 * ce, rtol=1e-4)
        smooth = 0.8 * F.one_hot(true, 7).float() + 0.2 / 7
        for reduction in ("batchmean", "mean"):
            forth = F.kl_div(own.log_softmax(-1), smooth, reduction=reduction)
            found = LabelDivergence("labels||model", reduction, 0.2)(batch)[model]
            assert torch.allclose(found, forth, rtol=1e-4)
            back = F.kl_div(smooth.log(), own.softmax(-1), reduction=reduction)
            found = LabelDivergence("model||labels", reduction, 0.2)(batch)[model]
            assert torch.allclose(found, back, rtol=1e-4)


@pytest.mark.parametrize(
    "loss", [CrossEntropy(), Distillation(0.5, 0.5, 2.0), LabelDivergence()], ids=str
)
def test_what_is_padding_has_no_gradient_and_models_do_not_touch_each_other(loss: Any) -> None:
    student, labels, frozen = drawn()
    value = loss(Batch(student, labels, frozen))
    assert value.shape == (2,)
    (gradient,) = torch.autograd.grad(value[0], student)
    assert not gradient[:, 1].any()
    moved = gradient[:, 0].abs().sum(-1) > 0
    assert torch.equal(moved, labels[:, 0] != IGNORED)


# --------------------------------------------------------------------------- training, unlearning
def loss_of(stack: Stack, points: Tensor) -> float:
    """Mean cross entropy of the next tokens of some texts."""
    inputs, labels = pool()
    found = measured(stack, inputs[points], labels[points], ["token_loss", "tokens"], DEVICE)
    return float(found["token_loss"].sum() / found["tokens"].sum())


def test_next_tokens_are_learned(originals: dict[int, StateDict]) -> None:
    held_out = torch.arange(80, 120)
    untrained = Stack(builder(MODEL, DATA)(), [builder(MODEL, DATA)().state_dict()])
    assert loss_of(untrained, held_out) > 2.9  # ln 20 = 3.0
    for state in originals.values():
        assert loss_of(stack_of(state), held_out) < 2.5


def test_a_model_depends_on_its_seed_alone(originals: dict[int, StateDict]) -> None:
    torch.rand(5)  # whatever was drawn before
    again = population([4])[4]
    assert all(torch.equal(again[name], value) for name, value in originals[4].items())
    name = "transformer.wte.weight"
    assert not torch.equal(originals[3][name], originals[4][name])
    still = population([4], dropout=0.0)[4]
    assert not torch.equal(still[name], originals[4][name])


def test_a_step_is_that_of_plain_torch(originals: dict[int, StateDict]) -> None:
    inputs, labels = pool()
    stack = stack_of(originals[3], dropout=0.0)
    data = TrainingData(inputs, labels, {"forget": FORGET}, CLASSES)
    plan = Plan(((Phase((Term("forget", 10, weight=-1.0),), 0.1),),))
    (outcome,) = run_sweep(stack, {0: plan}, data=data, seeds=[3], device=DEVICE)
    alone: nn.Module = stack_of(originals[3], dropout=0.0).network
    output = alone(inputs[FORGET])
    loss = F.cross_entropy(output.flatten(0, 1), labels[FORGET].flatten(), ignore_index=IGNORED)
    (-loss).backward()  # type: ignore[no-untyped-call]
    for name, weight in alone.named_parameters():
        expected = weight - 0.1 * weight.grad
        found = outcome.stack.state_dicts()[0][name]
        assert torch.allclose(found, expected, atol=1e-6), name


def sweep(
    state: StateDict, plans: dict[int, Plan], given: Any = None, **model: Any
) -> dict[int, StateDict]:
    inputs, labels = pool()
    stack = stack_of(state, **model)
    if given is None:
        given = teacher(stack, inputs, labels, DEVICE)
    splits = {"forget": FORGET, "retain": RETAIN, "train": torch.arange(80)}
    data = TrainingData(inputs, labels, splits, CLASSES, given)
    outcomes = run_sweep(stack, plans, data=data, seeds=[3], device=DEVICE)
    found = {outcome.name: outcome.stack.state_dicts()[0] for outcome in outcomes}
    unmoved = stack.state_dicts()[0]
    assert all(torch.equal(unmoved[name], value) for name, value in state.items())
    return found


PHASE = Phase(
    (
        Term("forget", 4, weight=-0.2),
        Term("retain", 16, Distillation(1.0, 0.5, 2.0)),
        Term("train", 8, targets="teacher", weight=0.1),
    ),
    0.01,
)


def test_texts_are_unlearned_and_settings_share_their_beginning(
    originals: dict[int, StateDict],
) -> None:
    mask = Prepare("random_mask", (("share", 0.9), ("mask_seed", 0)))
    plans = {
        n: Plan(((PHASE,), *rest), AdamW(warmup_steps=2), mask)
        for n, rest in enumerate([(), ((PHASE,),) * 3])
    }
    together = sweep(originals[3], plans)
    for number, plan in plans.items():
        alone = sweep(originals[3], {number: plan})[number]
        assert all(torch.equal(alone[name], together[number][name]) for name in alone)
    before, after = stack_of(originals[3]), stack_of(together[1])
    risen = [loss_of(after, points) - loss_of(before, points) for points in (FORGET, RETAIN)]
    assert risen[0] > 0.1 and risen[0] > risen[1]


@pytest.mark.parametrize("joint", [False, True])
def test_a_teacher_that_is_run_gives_what_its_table_would(
    originals: dict[int, StateDict], joint: bool
) -> None:
    inputs, labels = pool()
    table = logits(stack_of(originals[3]), inputs, DEVICE)
    assert isinstance(teacher(stack_of(originals[3]), inputs, labels, DEVICE), Frozen)
    phase = Phase(PHASE.terms, PHASE.lr, forward="joint") if joint else PHASE
    plan = {0: Plan(((phase,),))}
    run, tabled = (sweep(originals[3], plan, given)[0] for given in (None, table))
    assert all(torch.allclose(run[name], value, atol=1e-6) for name, value in tabled.items())
    moving = stack_of(originals[4])  # another teacher teaches something else
    other = sweep(originals[3], plan, Frozen(moving, inputs, DEVICE))[0]
    assert not all(torch.allclose(run[name], value, atol=1e-4) for name, value in other.items())


def test_the_teacher_has_no_dropout_and_draws_nothing(originals: dict[int, StateDict]) -> None:
    inputs, _ = pool()
    stack = stack_of(originals[3], dropout=0.5)
    stack.train()
    frozen, batch = Frozen(stack, inputs, DEVICE), torch.tensor([[4], [7]])
    state = torch.get_rng_state()
    first = frozen(batch)
    assert first.shape == (2, 1, LENGTH - 1, VOCABULARY) and not first.requires_grad
    assert torch.equal(first, frozen(batch)) and torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in stack.modules())


@pytest.mark.parametrize("kind", ["shift", "random_excluding", "random_including"])
def test_wrong_classes_are_refused(originals: dict[int, StateDict], kind: Any) -> None:
    plan = Plan(((Phase((Term("forget", 4, targets=kind),), 0.1),),))
    assert plan.wrong_classes() == {kind}
    with pytest.raises(
        InputError, match=f"wrong classes .{kind}., and the model predicts the next"
    ):
        sweep(originals[3], {0: plan})


def test_a_mask_finds_what_matters_to_next_tokens(originals: dict[int, StateDict]) -> None:
    fields = registry.settings_of("preparations", "salun_mask").model_fields
    settings = {name: field.default for name, field in fields.items()} | {"share": 0.5}
    mask = Prepare("salun_mask", tuple(settings.items()))
    plan = Plan(((Phase((Term("forget", 4, weight=-1.0),), 0.05),),), prepare=mask)
    moved = sweep(originals[3], {0: plan}, dropout=0.0)[0]
    kept = sum(int((moved[name] == value).sum()) for name, value in originals[3].items())
    assert 0.4 < kept / sum(value.numel() for value in moved.values()) < 0.7


# ------------------------------------------------------------------------------- the statistics
def by_definition(output: np.ndarray, labels: np.ndarray) -> Iterator[dict[str, float]]:
    """The statistics of each text, one token after the other, in float64."""
    for text, after in zip(output.astype(float), labels, strict=True):
        odds, losses, hits, raw, renormalised = [], [], [], [], []
        for scores, token in zip(text, after, strict=True):
            if token == IGNORED:
                continue
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            odds.append(np.log(chances[token] / (chances.sum() - chances[token])))
            losses.append(-np.log(chances[token]))
            hits.append(scores.argmax() == token)
            largest = np.sort(chances)[-10:]
            raw.append(-(largest * np.log(largest)).sum())
            largest /= largest.sum()
            renormalised.append(-(largest * np.log(largest)).sum())
        yield {
            "margin": np.mean(odds),
            "correct": np.mean(hits) >= 0.5,
            "token_loss": np.sum(losses),
            "tokens": len(losses),
            "entropy": np.mean(raw),
            "entropy_renormalised": np.mean(renormalised),
        }


def test_the_statistics_of_a_text_are_those_of_its_tokens(originals: dict[int, StateDict]) -> None:
    inputs, labels = pool()
    stack = stack_of(originals[3])
    assert set(left_by("next_token")) == set(STATISTICS) - set(OF_CLASSES)
    names = [name for name in left_by("next_token") if name not in COMPARED]
    found = measured(stack, inputs, labels, names, DEVICE)
    output = logits(stack, inputs, DEVICE)[:, 0].numpy()
    for column, expected in enumerate(by_definition(output, labels.numpy())):
        for name, value in expected.items():
            assert found[name][0, column] == pytest.approx(value, rel=2e-4, abs=2e-5), name
    assert {name: values.dtype for name, values in found.items()} == {
        name: STATISTICS[name] for name in names
    }
    assert all(values.shape == (1, 120) for values in found.values())
    assert found["correct"].any() and not found["correct"].all()
    assert (found["entropy"] < found["entropy_renormalised"]).all()  # ten of twenty tokens


def test_the_margin_is_a_mean_that_does_not_grow_with_the_length() -> None:
    one = torch.tensor([[[[2.0, 0.0, 0.0]]]])
    labels = torch.tensor([[0]])
    many, asked = one.expand(1, 1, 60, 3), labels.expand(1, 60)
    short, long = (
        statistics(*given, ["margin", "token_loss"]) for given in ((one, labels), (many, asked))
    )
    assert short["margin"].item() == pytest.approx(2 - np.log(2))
    assert long["margin"].item() == pytest.approx(short["margin"].item())
    assert long["token_loss"].item() == pytest.approx(60 * short["token_loss"].item())


def test_half_of_the_tokens_right_is_a_right_text() -> None:
    output = torch.zeros(3, 1, 4, 3)
    output[..., 1] = 1.0  # 1 is predicted throughout
    labels = torch.tensor([[1, 1, 0, 0], [1, 0, 0, IGNORED], [1, IGNORED, IGNORED, IGNORED]])
    assert statistics(output, labels, ["correct"])["correct"].tolist() == [[True, False, True]]
    output[2, 0, 3] = torch.nan  # at a token that is not asked for
    assert statistics(output, labels, ["correct"])["correct"].tolist() == [[True, False, True]]
    output[2, 0, 0, 2] = torch.nan
    assert statistics(output, labels, ["correct"])["correct"].tolist() == [[True, False, False]]


def test_a_margin_that_is_no_number_stays_one_in_the_mean() -> None:
    output, labels = torch.zeros(3, 1, 2, 3), torch.tensor([[0, 1], [1, IGNORED], [2, 2]])
    output[0, 0, 1] = torch.nan
    output[1, 0, 1] = torch.nan  # padding
    output[2, 0, 0, 2] = torch.inf
    found = statistics(output, labels, ["margin", "token_loss"])
    assert np.isnan(found["margin"][0]).tolist() == [True, False, False]
    assert found["margin"][0, 2] == np.inf
    assert np.isfinite(found["token_loss"][0]).tolist() == [False, True, False]


def test_the_logits_of_a_batch_are_gone_before_the_next(
    originals: dict[int, StateDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, labels = pool()
    seen: list[int] = []

    class Watched(Device):
        def logits(self, stack: Stack, inputs: Tensor) -> Tensor:
            seen.append(len(inputs))
            return super().logits(stack, inputs)

    found = measured(stack_of(originals[3]), inputs, labels, ["margin"], Watched())
    assert max(seen) == evaluate.TEXTS and sum(seen) == 120
    monkeypatch.setattr(evaluate, "TEXTS", 120)
    whole = measured(stack_of(originals[3]), inputs, labels, ["margin"], DEVICE)
    assert np.allclose(found["margin"], whole["margin"], atol=1e-5)
