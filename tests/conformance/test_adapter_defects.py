"""What goes wrong with adapters in silence, planted in a copy of ours: the suite must see it."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from palimpsest import registry
from palimpsest.conformance import Toy, adapters
from palimpsest.plans.alignment import ResidualAlignment
from palimpsest.plans.losses import Batch
from palimpsest.plans.plan import Phase, Plan
from palimpsest.preparations import lora
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import Prepared
from palimpsest.training.sweep import Outcome, run_sweep


def rfa(**settings: Any) -> Plan:
    chosen = {"lr": 0.02, "epochs": 2, "batch": 32, "forget_per_batch": 4, "rank": 2}
    plan: Plan = registry.make("methods", "rfa", settings=chosen | settings)
    return plan


def told(toy: Toy, plan: Plan | None = None, epoch: Any = run_epoch, sweep: Any = run_sweep) -> str:
    """All sentences, as one text."""
    return "\n".join(adapters.sentences(toy, plan or rfa(), epoch, sweep))


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Call it with a function of stack and what `lora.prepare` gave, which gives another."""
    intact = lora.prepare

    def plant(change: Callable[[Any, Prepared], Prepared]) -> None:
        def broken(stack: Any, data: Any, seeds: Any, *, rank: int, **settings: Any) -> Prepared:
            return change(stack, intact(stack, data, seeds, rank=rank, **settings))

        monkeypatch.setattr(lora, "prepare", broken)

    return plant


@pytest.mark.parametrize("teacher", ["disabled", "network", "layerwise"])
@pytest.mark.parametrize("batch_norm", ["train", "frozen"])
def test_intact_adapters_have_no_sentence(toy: Toy, teacher: str, batch_norm: str) -> None:
    assert told(toy, rfa(teacher=teacher, batch_norm=batch_norm)) == ""


def test_weights_of_the_original_that_train(toy: Toy, prepared: Any) -> None:
    def change(stack: Any, intact: Prepared) -> Prepared:
        stack.network.requires_grad_(True)
        return dataclasses.replace(intact, trained=None)

    prepared(change)
    assert "of the original have moved, not the adapters alone" in told(toy)


def test_adapters_that_do_not_start_at_zero(toy: Toy, prepared: Any) -> None:
    def change(stack: Any, intact: Prepared) -> Prepared:
        for name in intact.trained or ():
            torch.nn.init.normal_(stack.network.get_parameter(name), std=0.1)
        return intact

    prepared(change)
    assert "the residuals are not zero at the start" in told(toy)


def test_a_teacher_that_drifts_with_batch_norm(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    intact = lora.two_passes

    def drifting(stack: Any, inputs: Tensor, kept: Any, frozen: Any = None) -> Any:
        return intact(stack, inputs, {}, frozen)  # its statistics are the student's

    monkeypatch.setattr(lora, "two_passes", drifting)
    assert "features are not those of the original" in told(toy, rfa(batch_norm="train"))


def test_a_teacher_whose_adapters_are_on(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    monkeypatch.setattr(lora, "_disabled", lambda _: contextlib.nullcontext())
    assert "features are not those of the original" in told(toy)


def test_statistics_that_move_though_they_are_frozen(toy: Toy) -> None:
    def epoch(stack: Any, *args: Any, **rest: Any) -> None:
        stack.train()
        run_epoch(stack, *args, **rest)

    assert "the statistics of BatchNorm have moved" in told(toy, epoch=epoch)


def test_adapters_that_are_left_in_or_merged_wrongly(toy: Toy) -> None:
    def merged_twice(stack: Any) -> Any:
        for adapter in lora._adapters(stack).values():
            adapter.scaling["default"] *= 2.0
        return lora.merge(stack)

    ends: list[tuple[Any, str]] = [
        (None, "nothing takes the adapters out of the network at the end"),
        (lambda stack: stack, "the finished network has other layers than the original"),
        (merged_twice, "the finished network's logits differ by"),
    ]
    for finish, sentence in ends:
        with pytest.MonkeyPatch.context() as patch:
            intact = lora.prepare
            patch.setattr(
                lora,
                "prepare",
                lambda stack, data, seeds, *, rank, finish=finish, intact=intact, **settings: (
                    dataclasses.replace(
                        intact(stack, data, seeds, rank=rank, **settings), finish=finish
                    )
                ),
            )
            found = list(_until_the_end(toy))
        assert any(sentence in one for one in found), (sentence, found)


def _until_the_end(toy: Toy) -> Iterator[str]:
    """The sentences, as far as the broken network can be run."""
    try:
        yield from adapters.sentences(toy, rfa(), run_epoch, run_sweep)
    except (AttributeError, KeyError, RuntimeError):
        return


@dataclasses.dataclass(frozen=True)
class AwayFromTheMean(ResidualAlignment):
    """The sign of line 13 of Algorithm 1, for forgotten points alone."""

    def __call__(self, batch: Batch) -> Tensor:
        forward = dataclasses.replace(self, beta=0.0)
        kept = ResidualAlignment.__call__(forward, batch)
        return kept - (ResidualAlignment.__call__(self, batch) - kept)


def test_a_loss_with_another_sign_moves_features_the_wrong_way(toy: Toy) -> None:
    def with_loss(loss: Any) -> Plan:
        def changed(phase: Phase) -> Phase:
            terms = tuple(dataclasses.replace(term, loss=loss) for term in phase.terms)
            return dataclasses.replace(phase, terms=terms)

        plan = rfa()
        epochs = tuple(tuple(map(changed, epoch)) for epoch in plan.epochs)
        return dataclasses.replace(plan, epochs=epochs)

    found = told(toy, with_loss(AwayFromTheMean()))
    assert "and eq. 6 by definition" in found
    assert "from the retained mean at the end, and" in found


def test_sets_that_are_taken_for_each_other(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, *, data: Any, **rest: Any) -> Iterator[Outcome]:
        few = data.splits["retain"][: len(data.splits["forget"])]
        splits = {**data.splits, "forget": few, "retain": data.splits["forget"]}
        yield from run_sweep(stack, plans, data=dataclasses.replace(data, splits=splits), **rest)

    assert "the retained points' features move by" in told(toy, sweep=sweep)
