"""What any unlearning method must pass before its numbers mean anything.

The checks run a method on a toy and catch defects that public unlearning code has had: weights that
never change, a teacher that is the student, a forget loss without gradient, masked weights that
drift, a forget set that is cut, settings that share a result, an original of another split, metrics
that depend on batch mates, small forget sets without a batch.

    from palimpsest.conformance import examine
    examine("ga")            # -> [] or one sentence per defect
"""

import copy
import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from palimpsest import methods
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.losses import CrossEntropy, Loss
from palimpsest.models.resnet9 import ResNet9
from palimpsest.models.stacks import Stack, StateDict
from palimpsest.models.weights import check_originals
from palimpsest.phases import Phase, Schedule, training_schedule
from palimpsest.randomness import generator
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits, margins
from palimpsest.training.loop import TrainingData, run_epoch, set_mode, sgd
from palimpsest.training.sweep import Outcome, run_sweep

SEEDS = [11, 12, 13]
TRAIN, VAL, FORGET = 120, 40, 10  # points; the forget set is larger than the number of models
KNOWN_SETTINGS: dict[str, list[Any]] = {
    "lr": [0.05, 0.02],
    "epochs": [2, 3],
    "ascent_epochs": [1, 2],
    "forget_batch": [4, 64],
    "retain_batch": [32, 64],
}


@dataclass(frozen=True)
class Implementation:
    """What is examined; the tests replace one part by a broken copy and expect to be told."""

    schedule: Callable[[str, dict[str, Any]], Schedule] = methods.schedule
    sweep: Callable[..., Iterator[Outcome]] = run_sweep
    epoch: Callable[..., None] = run_epoch
    margins: Callable[[Tensor, Tensor], Tensor] = margins
    check_originals: Callable[[Mapping[str, str], Split, str], None] = check_originals


@dataclass
class Toy:
    """A small problem on real digits, in float64: three trained models and a forget set."""

    inputs: Tensor
    labels: Tensor
    split: Split
    states: list[StateDict] = field(default_factory=list)

    @classmethod
    def make(cls) -> "Toy":
        """Train the three originals (a second or two)."""
        digits = load_digits()
        chosen = generator(0, "toy").permutation(len(digits.target))[: TRAIN + VAL]
        images = torch.tensor(digits.images[chosen] / 8.0 - 1.0, dtype=torch.float64)[:, None]
        split = Split(
            np.arange(TRAIN), np.arange(TRAIN, TRAIN + VAL), np.arange(0, TRAIN, TRAIN // FORGET)
        )
        toy = cls(images, torch.tensor(digits.target[chosen]), split)
        for seed in SEEDS:
            torch.manual_seed(seed)
            toy.states.append(ResNet9(1, 10, width=2, image_size=8).double().state_dict())
        recipe = training_schedule(
            epochs=4, batch_size=32, peak_lr=0.2, peak_epoch=2, momentum=0.9, weight_decay=5e-4
        )
        train = {"retain": torch.from_numpy(split.train)}
        data = TrainingData(toy.inputs, toy.labels, train)
        for outcome in run_sweep(toy.stack(), {0: recipe}, data=data, seeds=SEEDS, device=Device()):
            toy.states = outcome.stack.state_dicts()
        return toy

    @cached_property
    def template(self) -> nn.Module:
        """One ordinary model of the toy's architecture."""
        return ResNet9(1, 10, width=2, image_size=8).double()

    def stack(self) -> Stack:
        """The originals."""
        return Stack(self.template, self.states)

    def data(self, **changes: Any) -> TrainingData:
        """The toy as the loop reads it, with the originals as teachers."""
        splits = {
            "forget": torch.from_numpy(self.split.forget),
            "retain": torch.from_numpy(self.split.retain),
        }
        data = TrainingData(self.inputs, self.labels, splits, self.teacher)
        return dataclasses.replace(data, **changes)

    @cached_property
    def teacher(self) -> Tensor:
        """Logits of the originals on all points (points, models, classes)."""
        return logits(self.stack(), self.inputs, Device())


def settings_to_try(method: str) -> list[dict[str, Any]]:
    """A first setting, and one more for each setting of the method with only that one changed.

    Values come from KNOWN_SETTINGS, from a Literal annotation, or from the default (and 1.5 times
    it); ValueError for a setting that has none of these.
    """
    function = methods.function(method)
    hints = typing.get_type_hints(function)
    values: dict[str, list[Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in KNOWN_SETTINGS:
            values[name] = KNOWN_SETTINGS[name]
        elif typing.get_origin(hints.get(name)) is typing.Literal:
            values[name] = list(typing.get_args(hints[name]))
        elif parameter.default is not inspect.Parameter.empty:
            values[name] = [parameter.default, type(parameter.default)(parameter.default * 1.5)]
        else:
            raise ValueError(f"method {method}: give the setting {name} a default to be tried with")
    first = {name: options[0] for name, options in values.items()}
    return [first] + [first | {name: options[1]} for name, options in values.items()]


def examine(
    method: str, implementation: Implementation | None = None, toy: Toy | None = None
) -> list[str]:
    """Run every check on `method`; one sentence for each that fails, none if all pass."""
    examination = _Examination(method, implementation or Implementation(), toy or Toy.make())
    checks = [name for name in dir(examination) if name.startswith("check_")]
    return [sentence for name in checks for sentence in getattr(examination, name)()]


@dataclass
class _Examination:
    method: str
    use: Implementation
    toy: Toy

    @cached_property
    def schedules(self) -> dict[int, Schedule]:
        tried = settings_to_try(self.method)
        return {n: self.use.schedule(self.method, setting) for n, setting in enumerate(tried)}

    def run(self, schedules: dict[int, Schedule], **changes: Any) -> dict[int, list[StateDict]]:
        """State dicts at the end of each schedule, by the sweep under examination."""
        outcomes = self.use.sweep(
            self.toy.stack(),
            schedules,
            data=self.toy.data(**changes),
            seeds=SEEDS,
            device=Device(),
        )
        return {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}

    @cached_property
    def together(self) -> dict[int, list[StateDict]]:
        return self.run(self.schedules)

    def check_every_model_changes(self) -> Iterator[str]:
        """Defect a: the weights of the original are returned as they were."""
        parameters = [name for name, _ in self.toy.template.named_parameters()]
        for number, schedule in self.schedules.items():
            steps = any(phase.lr > 0 for epoch in schedule.epochs for phase in epoch)
            for seed, before, after in zip(
                SEEDS, self.toy.states, self.together[number], strict=True
            ):
                changed = any(not torch.equal(before[name], after[name]) for name in parameters)
                if changed != steps:
                    yield f"setting {number}: the weights of model {seed} " + (
                        "do not change" if steps else "change although no step is taken"
                    )

    def check_equals_the_definition(self) -> Iterator[str]:
        """Defects a, b, e, i: a plain, slow run of the same phases gives other weights."""
        for number, schedule in self.schedules.items():
            for j, seed in enumerate(SEEDS):
                expected = _reference(self.toy, self.toy.states[j], schedule, seed)
                found = self.together[number][j]
                worst = max(
                    float((expected[name].double() - found[name].double()).abs().max())
                    for name in expected
                )
                if not worst < 1e-7:
                    yield (
                        f"setting {number}: the weights of model {seed} differ by {worst:.2g} from "
                        "those of a run by definition with a frozen teacher and all points"
                    )

    def check_loss_moves_as_it_should(self) -> Iterator[str]:
        """Defect c: a phase takes no step, or one in the wrong direction, where the loss is large.

        The student starts as an untrained model, whose loss no clamp may silence; a small step
        must then raise a loss that is ascended and lower one that is descended.
        """
        torch.manual_seed(99)
        fresh = ResNet9(1, 10, width=2, image_size=8).double().state_dict()
        phases = {
            (phase.split, phase.loss, phase.ascend)
            for schedule in self.schedules.values()
            for epoch in schedule.epochs
            for phase in epoch
            if phase.lr > 0
        }
        data = self.toy.data()
        for split, loss, ascend in phases:
            points = data.splits[split]
            stack = Stack(self.toy.template, [fresh] * len(SEEDS))
            before = self._loss(loss, stack, points)
            phase = Phase(split, len(points), 1e-4, loss, ascend)
            self._one_epoch(stack, Schedule(((phase,),), batch_norm="frozen"), data)
            change = self._loss(loss, stack, points) - before
            if not bool(((change > 0) if ascend else (change < 0)).all()):
                yield (
                    f"{'ascending' if ascend else 'descending'} {loss} on the {split} set changes "
                    f"it by {change.tolist()}"
                )

    def _loss(self, loss: Loss, stack: Stack, points: Tensor) -> Tensor:
        """The loss of each model on these points."""
        labels = self.toy.labels[points, None].expand(-1, stack.k)
        output = logits(stack, self.toy.inputs[points], Device())
        return loss(output, labels, self.toy.teacher[points])

    def _one_epoch(self, stack: Stack, schedule: Schedule, data: TrainingData) -> None:
        """The first epoch of a schedule, by the loop under examination."""
        set_mode(stack, schedule.batch_norm)
        self.use.epoch(
            stack,
            sgd(stack, schedule),
            schedule.epochs[0],
            data=data,
            seeds=SEEDS,
            number=0,
            purpose="unlearn",
            device=Device(),
        )

    def check_every_forget_point_counts(self) -> Iterator[str]:
        """Defects e and i: the forget set is cut, or has no batch, so some points do nothing."""
        for number, schedule in self.schedules.items():
            if not any(p.split == "forget" for epoch in schedule.epochs for p in epoch):
                continue
            for point in (self.toy.split.forget[-1], self.toy.split.forget[0]):
                inputs = self.toy.inputs.clone()
                inputs[point] += 0.5
                changed = self.run({number: schedule}, inputs=inputs)[number]
                for j, seed in enumerate(SEEDS):
                    if _equal(changed[j], self.together[number][j]):
                        yield (
                            f"setting {number}: forget point {point} has no influence on model "
                            f"{seed}"
                        )

    def check_settings_have_results_of_their_own(self) -> Iterator[str]:
        """Defect f: in a sweep a setting gets the result of another one."""
        for number, schedule in self.schedules.items():
            alone = self.run({number: schedule})[number]
            for j, seed in enumerate(SEEDS):
                if not _equal(alone[j], self.together[number][j]):
                    yield (
                        f"setting {number}: the sweep gives model {seed} other weights than a run "
                        "of this setting alone"
                    )

    def check_masked_weights_keep_their_bits(self) -> Iterator[str]:
        """Defect d: weights outside a mask drift by momentum or weight decay."""
        stack = self.toy.stack()
        name, weight = next(iter(stack.network.named_parameters()))
        movable = torch.zeros_like(weight, dtype=torch.bool)
        movable[: len(weight) // 2] = True
        before = weight.detach().clone()
        schedule = Schedule(
            epochs=((Phase("retain", 16, 0.05, CrossEntropy()),),), momentum=0.9, weight_decay=0.1
        )
        self._one_epoch(stack, schedule, self.toy.data(movable={name: movable}))
        if not torch.equal(weight[~movable], before[~movable]):
            yield "weights outside the mask have moved"
        if torch.equal(weight[movable], before[movable]):
            yield "weights inside the mask have not moved"

    def check_originals_of_another_split_are_refused(self) -> Iterator[str]:
        """Defect g: the original was trained on other data than the forget set is taken from."""
        split = self.toy.split
        other = Split(split.train[1:], split.val, split.forget[1:])
        own, foreign = ({"train_checksum": s.train_checksum} for s in (split, other))
        try:
            self.use.check_originals(own, split, "own.safetensors")
        except InputError:
            yield "originals of the same split are refused"
        try:
            self.use.check_originals(foreign, split, "foreign.safetensors")
        except InputError:
            return
        yield "originals that were trained on another split are accepted"

    def check_margins_are_per_point(self) -> Iterator[str]:
        """Defect h: the measure of a point depends on its batch mates or on the order."""
        output, labels = logits(self.toy.stack(), self.toy.inputs, Device()), self.toy.labels
        whole = self.use.margins(output, labels)
        order = torch.from_numpy(generator(1, "order").permutation(len(labels)))
        if not torch.allclose(self.use.margins(output[order], labels[order]), whole[:, order]):
            yield "margins depend on the order of the points"
        alone = [self.use.margins(output[n : n + 1], labels[n : n + 1]) for n in range(len(labels))]
        if not torch.allclose(torch.cat(alone, dim=1), whole):
            yield "margins depend on the other points of the batch"


def _equal(a: StateDict, b: StateDict) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def _reference(toy: Toy, state: StateDict, schedule: Schedule, seed: int) -> StateDict:
    """One ordinary model through the schedule, as the definitions say and nothing else."""
    student = copy.deepcopy(toy.template)
    student.load_state_dict(state)
    teacher = copy.deepcopy(student).eval()
    indices = {"forget": toy.split.forget, "retain": toy.split.retain}
    velocity = [torch.zeros_like(weight) for weight in student.parameters()]
    student.train()
    if schedule.batch_norm == "frozen":
        for module in student.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    for number, epoch in enumerate(schedule.epochs):
        for position, phase in enumerate(epoch):
            order = generator(seed, "unlearn", number, position).permutation(indices[phase.split])
            for start in range(0, len(order), phase.batch_size):
                batch = torch.from_numpy(order[start : start + phase.batch_size])
                x, y = toy.inputs[batch], toy.labels[batch, None]
                with torch.no_grad():
                    target = teacher(x)[:, None]
                loss = phase.loss(student(x)[:, None], y, target)[0]
                gradients = torch.autograd.grad(loss, list(student.parameters()))
                sign = -1.0 if phase.ascend else 1.0
                with torch.no_grad():
                    for weight, speed, gradient in zip(
                        student.parameters(), velocity, gradients, strict=True
                    ):
                        speed.mul_(schedule.momentum).add_(sign * gradient)
                        speed.add_(weight, alpha=schedule.weight_decay)
                        weight.sub_(speed, alpha=phase.lr)
    return student.state_dict()
