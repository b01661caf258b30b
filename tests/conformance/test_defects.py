"""Each defect of public unlearning code, planted in a copy of our code: the suite must see it."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from palimpsest import registry
from palimpsest.conformance import Implementation, Toy, examine
from palimpsest.plans.losses import Batch, CrossEntropy
from palimpsest.plans.plan import Phase, Plan
from palimpsest.training.evaluate import logits, margins
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import prepare
from palimpsest.training.sweep import Outcome, run_sweep


def found(method: str, toy: Toy, **broken: Any) -> str:
    """All sentences about a broken implementation, as one text; the intact one has none."""
    return "\n".join(examine(method, Implementation(**broken), toy))


def with_data(change: Any) -> Any:
    """The sweep, on data that `change` has altered."""

    def sweep(stack: Any, plans: Any, *, data: Any, **rest: Any) -> Iterator[Outcome]:
        yield from run_sweep(stack, plans, data=change(data), **rest)

    return sweep


def test_a_optimiser_built_on_the_teacher(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, **rest: Any) -> Iterator[Outcome]:
        for outcome in run_sweep(copy.deepcopy(stack), plans, **rest):
            yield dataclasses.replace(outcome, stack=stack)  # another copy was trained

    assert "do not change" in found("scrub", toy, sweep=sweep)


def test_a_preparation_that_is_left_out(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, **rest: Any) -> Iterator[Outcome]:
        plain = {name: dataclasses.replace(plan, prepare=None) for name, plan in plans.items()}
        yield from run_sweep(stack, plain, **rest)

    assert "do not change" in found("zero_row", toy, sweep=sweep)


def test_b_teacher_is_the_student(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, *, seeds: Any, device: Any, data: Any) -> Any:
        for name, plan in plans.items():
            student = copy.deepcopy(stack)
            _, optimiser = prepare(student, plan, data, seeds)
            for number, epoch in enumerate(plan.epochs):
                moving = dataclasses.replace(data, teacher=logits(student, data.inputs, device))
                run_epoch(
                    student,
                    optimiser,
                    plan,
                    epoch,
                    data=moving,
                    seeds=seeds,
                    number=number,
                    purpose="unlearn",
                    device=device,
                )
            yield Outcome(name, student, 0.0)

    assert "frozen teacher" in found("scrub", toy, sweep=sweep)


@dataclasses.dataclass(frozen=True)
class ClampedCrossEntropy(CrossEntropy):
    """No gradient once the loss is above 1."""

    def __call__(self, batch: Batch) -> Tensor:
        return super().__call__(batch).clamp(max=1.0)


def test_c_forget_loss_without_gradient(toy: Toy) -> None:
    def clamped(phase: Phase) -> Phase:
        terms = tuple(
            dataclasses.replace(term, loss=ClampedCrossEntropy()) if term.weight < 0 else term
            for term in phase.terms
        )
        return dataclasses.replace(phase, terms=terms)

    def plan(method: str, settings: dict[str, Any]) -> Plan:
        intact = registry.make("methods", method, settings=settings)
        epochs = tuple(tuple(map(clamped, epoch)) for epoch in intact.epochs)
        return dataclasses.replace(intact, epochs=epochs)

    assert "ascending ClampedCrossEntropy" in found("ga", toy, plan=plan)


def test_d_masked_weights_drift(toy: Toy) -> None:
    def epoch(stack: Any, optimiser: Any, plan: Any, epoch: Any, **rest: Any) -> None:
        hooks = [
            dict(stack.network.named_parameters())[name].register_hook(
                lambda gradient, mask=mask: gradient * mask  # zeroes gradients, restores nothing
            )
            for name, mask in rest.pop("prepared").movable.items()
        ]
        run_epoch(stack, optimiser, plan, epoch, **rest)
        for hook in hooks:
            hook.remove()

    assert "outside the mask have moved" in found("ga", toy, epoch=epoch)


def test_e_forget_list_cut_to_the_number_of_models(toy: Toy) -> None:
    def cut(data: Any) -> Any:
        splits = dict(data.splits)
        splits["forget"] = splits["forget"][:3]
        return dataclasses.replace(data, splits=splits)

    assert "has no influence" in found("ga", toy, sweep=with_data(cut))


def test_f_a_setting_missing_from_the_name_of_a_result(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, **rest: Any) -> Iterator[Outcome]:
        stored: dict[Any, Any] = {}
        for number, plan in plans.items():
            unnamed = [
                [
                    (phase.lr, [(t.split, t.batch * (t.split != "forget")) for t in phase.terms])
                    for phase in epoch
                ]
                for epoch in plan.epochs
            ]
            key = (str(unnamed), plan.batch_norm)  # all but the forget batch size
            if key not in stored:
                for outcome in run_sweep(copy.deepcopy(stack), {number: plan}, **rest):
                    stored[key] = copy.deepcopy(outcome.stack)
            yield Outcome(number, stored[key], 0.0)

    assert "than a run of this setting alone" in found("gda", toy, sweep=sweep)


def test_g_original_of_another_split(toy: Toy) -> None:
    assert "another split are accepted" in found("ga", toy, check_originals=lambda *_: None)


def test_h_metric_depends_on_batch_mates(toy: Toy) -> None:
    def shared(output: Tensor, labels: Tensor) -> Tensor:
        return margins(output, labels) - margins(output, labels).mean(dim=1, keepdim=True)

    def by_rank(output: Tensor, labels: Tensor) -> Tensor:
        place = torch.arange(len(labels), dtype=output.dtype)
        return margins(output, labels) + place

    assert "other points of the batch" in found("ga", toy, margins=shared)
    assert "order of the points" in found("ga", toy, margins=by_rank)


def test_i_small_forget_set_without_a_batch(toy: Toy) -> None:
    def sweep(stack: Any, plans: Any, *, data: Any, **rest: Any) -> Iterator[Outcome]:
        def whole_batches(plan: Plan) -> Plan:  # drop_last
            def whole(phase: Phase) -> bool:
                return all(term.batch <= len(data.splits[term.split]) for term in phase.terms)

            epochs = tuple(tuple(filter(whole, epoch)) for epoch in plan.epochs)
            return dataclasses.replace(plan, epochs=epochs)

        cut = {name: whole_batches(plan) for name, plan in plans.items()}
        yield from run_sweep(stack, cut, data=data, **rest)

    assert "has no influence" in found("ga", toy, sweep=sweep)
