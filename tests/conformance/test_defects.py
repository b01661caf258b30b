"""Each defect of public unlearning code, planted in a copy of our code: the suite must see it."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from palimpsest import methods
from palimpsest.conformance import Implementation, Toy, examine
from palimpsest.losses import CrossEntropy
from palimpsest.phases import Schedule
from palimpsest.training.evaluate import logits, margins
from palimpsest.training.loop import run_epoch
from palimpsest.training.sweep import Outcome, run_sweep


def found(method: str, toy: Toy, **broken: Any) -> str:
    """All sentences about a broken implementation, as one text; the intact one has none."""
    return "\n".join(examine(method, Implementation(**broken), toy))


def with_data(change: Any) -> Any:
    """The sweep, on data that `change` has altered."""

    def sweep(stack: Any, schedules: Any, *, data: Any, **rest: Any) -> Iterator[Outcome]:
        yield from run_sweep(stack, schedules, data=change(data), **rest)

    return sweep


def test_a_optimiser_built_on_the_teacher(toy: Toy) -> None:
    def sweep(stack: Any, schedules: Any, **rest: Any) -> Iterator[Outcome]:
        for outcome in run_sweep(copy.deepcopy(stack), schedules, **rest):
            yield dataclasses.replace(outcome, stack=stack)  # another copy was trained

    assert "do not change" in found("scrub", toy, sweep=sweep)


def test_b_teacher_is_the_student(toy: Toy) -> None:
    def epoch(stack: Any, optimiser: Any, phases: Any, *, data: Any, **rest: Any) -> None:
        own = dataclasses.replace(data, teacher=logits(stack, data.inputs, rest["device"]))
        run_epoch(stack, optimiser, phases, data=own, **rest)

    def sweep(stack: Any, schedules: Any, *, seeds: Any, device: Any, data: Any) -> Any:
        start = copy.deepcopy(stack.state_dict())
        for name, schedule in schedules.items():
            stack.load_state_dict(start)
            from palimpsest.training.loop import set_mode, sgd

            set_mode(stack, schedule.batch_norm)
            optimiser = sgd(stack, schedule)
            for number, phases in enumerate(schedule.epochs):
                epoch(
                    stack,
                    optimiser,
                    phases,
                    data=data,
                    seeds=seeds,
                    number=number,
                    purpose="unlearn",
                    device=device,
                )
            yield Outcome(name, stack, 0.0)

    assert "frozen teacher" in found("scrub", toy, sweep=sweep)


@dataclasses.dataclass(frozen=True)
class ClampedCrossEntropy(CrossEntropy):
    """No gradient once the loss is above 1."""

    def __call__(self, logits: Tensor, labels: Tensor, teacher: Tensor | None = None) -> Tensor:
        return super().__call__(logits, labels, teacher).clamp(max=1.0)


def test_c_forget_loss_without_gradient(toy: Toy) -> None:
    def schedule(method: str, settings: dict[str, Any]) -> Schedule:
        intact = methods.schedule(method, settings)
        epochs = tuple(
            tuple(
                dataclasses.replace(phase, loss=ClampedCrossEntropy()) if phase.ascend else phase
                for phase in epoch
            )
            for epoch in intact.epochs
        )
        return dataclasses.replace(intact, epochs=epochs)

    assert "ascending ClampedCrossEntropy" in found("ga", toy, schedule=schedule)


def test_d_masked_weights_drift(toy: Toy) -> None:
    def epoch(stack: Any, optimiser: Any, phases: Any, *, data: Any, **rest: Any) -> None:
        hooks = [
            dict(stack.network.named_parameters())[name].register_hook(
                lambda gradient, mask=mask: gradient * mask  # zeroes gradients, restores nothing
            )
            for name, mask in data.movable.items()
        ]
        bare = dataclasses.replace(data, movable={})
        run_epoch(stack, optimiser, phases, data=bare, **rest)
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
    def sweep(stack: Any, schedules: Any, **rest: Any) -> Iterator[Outcome]:
        stored: dict[Any, Any] = {}
        for number, schedule in schedules.items():
            unnamed = [
                [dataclasses.replace(p, batch_size=0) if p.split == "forget" else p for p in epoch]
                for epoch in schedule.epochs
            ]
            key = (str(unnamed), schedule.batch_norm)  # all but the forget batch size
            if key not in stored:
                for outcome in run_sweep(copy.deepcopy(stack), {number: schedule}, **rest):
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
    def sweep(stack: Any, schedules: Any, *, data: Any, **rest: Any) -> Iterator[Outcome]:
        def whole_batches(schedule: Schedule) -> Schedule:  # drop_last
            epochs = tuple(
                tuple(p for p in epoch if p.batch_size <= len(data.splits[p.split]))
                for epoch in schedule.epochs
            )
            return dataclasses.replace(schedule, epochs=epochs)

        cut = {name: whole_batches(schedule) for name, schedule in schedules.items()}
        yield from run_sweep(stack, cut, data=data, **rest)

    assert "has no influence" in found("ga", toy, sweep=sweep)
