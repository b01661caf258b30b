"""The checks, each a defect that public unlearning code has had."""

import dataclasses
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from palimpsest import registry
from palimpsest.conformance import adapters
from palimpsest.conformance.reference import by_definition, targets
from palimpsest.conformance.toy import SEEDS, Toy, untrained
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.plans.losses import Batch
from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits, margins
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import Prepared, by_stack_size, prepare
from palimpsest.training.sweep import Outcome, run_sweep
from palimpsest.weights import check_originals, trained_on

KNOWN_SETTINGS: dict[str, list[Any]] = {
    "lr": [0.05, 0.02],
    "epochs": [2, 3],
    "ascent_epochs": [1, 2],
    "forget_batch": [6, 64],  # a pass of joint steps draws at least the whole forget set
    "retain_batch": [32, 64],
    "target_smoothing": [0.1, 0.0],
    "share": [0.5, 0.3],
    "mask_seed": [0, 1],
    "weight_decay": [5e-4, 0.1],
    "batch": [32, 48],
    "retain_share": [0.5, 0.3],
    "forget_per_batch": [4, None],
    "mu": [None, 1.0],
    "rank": [2, 1],
    "layers": [None, "2.* 6.0"],
    "whole": [None, "9"],
}


def plan_of(method: str, settings: dict[str, Any]) -> Plan:
    """The plan of a setting of a method."""
    made: Plan = registry.make("methods", method, settings=settings)
    return made


@dataclass(frozen=True)
class Implementation:
    """What is examined; the tests replace one part by a broken copy and expect to be told."""

    plan: Callable[[str, dict[str, Any]], Plan] = plan_of
    sweep: Callable[..., Iterator[Outcome]] = run_sweep
    epoch: Callable[..., None] = run_epoch
    margins: Callable[[Tensor, Tensor], Tensor] = margins
    check_originals: Callable[[Mapping[str, str], Split, str], None] = check_originals


def settings_to_try(name: str, folder: str = "methods") -> list[dict[str, Any]]:
    """A first setting, and one more for each setting of the method with only that one changed.

    The same for the settings of a preparation, with its folder.

    Values come from KNOWN_SETTINGS, from a Literal annotation (all its words, the default first),
    or from the default (and 1.5 times it); ValueError for a setting that has none of these.
    """
    values: dict[str, list[Any]] = {}
    for key, setting in registry.settings_of(folder, name).model_fields.items():
        if key in KNOWN_SETTINGS:
            values[key] = KNOWN_SETTINGS[key]
        elif typing.get_origin(setting.annotation) is typing.Literal:
            words = list(typing.get_args(setting.annotation))
            own = [word for word in words if word == setting.default]
            values[key] = own + [word for word in words if word not in own]
        elif setting.annotation is bool:
            values[key] = [True, False]
        elif not setting.is_required():
            values[key] = [setting.default, type(setting.default)(setting.default * 1.5)]
        else:
            raise ValueError(f"{folder}/{name}: give the setting {key} a default to be tried with")
    first = {key: options[0] for key, options in values.items()}
    return [first] + [
        first | {key: option} for key, options in values.items() for option in options[1:]
    ]


def toy_for(preparations: Iterable[str], toy: Toy) -> Toy:
    """The toy, or one that forgets a class where a preparation needs that."""
    needs = [getattr(registry.module("preparations", name), "NEEDS", ()) for name in preparations]
    return toy.forgetting_a_class() if any("whole_class" in need for need in needs) else toy


def examine(
    method: str, implementation: Implementation | None = None, toy: Toy | None = None
) -> list[str]:
    """Run every check on `method`; one sentence for each that fails, none if all pass."""
    examination = _Examination(method, implementation or Implementation(), toy or Toy.make())
    preparations = {plan.prepare.name for plan in examination.plans.values() if plan.prepare}
    examination.toy = toy_for(preparations, examination.toy)
    checks = [name for name in dir(examination) if name.startswith("check_")]
    return [sentence for name in checks for sentence in getattr(examination, name)()]


@dataclass
class _Examination:
    method: str
    use: Implementation
    toy: Toy

    @cached_property
    def plans(self) -> dict[int, Plan]:
        tried = settings_to_try(self.method)
        return {n: self.use.plan(self.method, setting) for n, setting in enumerate(tried)}

    def run(self, plans: dict[int, Plan], **changes: Any) -> dict[int, list[StateDict]]:
        """State dicts at the end of each plan, by the sweep under examination."""
        return self._run(plans, _runs, **changes)

    def alone(self, plan: Plan, **changes: Any) -> list[StateDict]:
        """Those of one plan run by itself; of its first model where models run one by one, so that
        the others would say the same."""
        return self._run({0: plan}, lambda size: [next(_runs(size))], **changes)[0]

    def _run(
        self,
        plans: dict[int, Plan],
        runs: Callable[[int], Iterable[slice]],
        **changes: Any,
    ) -> dict[int, list[StateDict]]:
        found: dict[int, list[StateDict]] = {}
        for size, together in by_stack_size(plans, len(SEEDS)).items():
            for run in runs(size):
                outcomes = self.use.sweep(
                    self.toy.stack(run),
                    together,
                    data=self.toy.data(run, **changes),
                    seeds=SEEDS[run],
                    device=Device(),
                )
                for outcome in outcomes:
                    found.setdefault(outcome.name, []).extend(outcome.stack.state_dicts())
        return found

    @cached_property
    def together(self) -> dict[int, list[StateDict]]:
        return self.run(self.plans)

    def check_every_model_changes(self) -> Iterator[str]:
        """Defect a: the weights of the original are returned as they were.

        They change where a step is taken or a preparation changes them; a plan of a preparation
        alone has to change them.
        """
        parameters = [name for name, _ in self.toy.template.named_parameters()]

        def differ(before: StateDict, after: StateDict) -> bool:
            return any(not torch.equal(before[name], after[name]) for name in parameters)

        for number, plan in self.plans.items():
            steps = any(phase.lr > 0 for epoch in plan.epochs for phase in epoch)
            alone = plan.prepare is not None and not plan.epochs
            for seed, before, ready, after in zip(
                SEEDS, self.toy.states, self._ready(plan), self.together[number], strict=True
            ):
                expected = steps or alone or differ(before, ready)
                if differ(before, after) != expected:
                    yield f"setting {number}: the weights of model {seed} " + (
                        "do not change" if expected else "change although no step is taken"
                    )

    def _ready(self, plan: Plan) -> list[StateDict]:
        """What a plan of no epochs leaves: the preparation and the finish alone."""
        found: list[StateDict] = []
        for size in by_stack_size({0: plan}, len(SEEDS)):
            for run in _runs(size):
                stack = self.toy.stack(run)
                prepared, _ = prepare(stack, plan, self.toy.data(run), SEEDS[run])
                finished = stack if prepared.finish is None else prepared.finish(stack)
                found += finished.state_dicts()
        return found

    def check_equals_the_definition(self) -> Iterator[str]:
        """Defects a, b, e, i: a plain, slow run of the same plan gives other weights."""
        for number, plan in self.plans.items():
            for j, seed in enumerate(SEEDS):
                expected = by_definition(self.toy, self.toy.states[j], plan, seed)
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
        must then raise a loss that is ascended and lower one that is descended. Adapters start
        anywhere, since at zero the norm of a residual has no gradient.
        """
        torch.manual_seed(99)
        fresh = untrained().state_dict()
        terms = {
            (term, plan.prepare if "residuals" in term.loss.needs else None)
            for plan in self.plans.values()
            for epoch in plan.epochs
            for phase in epoch
            for term in phase.terms
            if phase.lr > 0
        }
        for term, own in terms:
            whole = dataclasses.replace(term, batch=len(self.toy.data().splits[term.split]))
            plan = Plan(((Phase((whole,), 1e-4),),), prepare=own, batch_norm="frozen")
            run = next(_runs(*by_stack_size({0: plan}, len(SEEDS))))
            data, seeds = self.toy.data(run), SEEDS[run]
            stack = Stack(self.toy.template, [fresh] * len(seeds))
            prepared, optimiser = prepare(stack, plan, data, seeds)
            with torch.no_grad():
                for name in prepared.trained or ():
                    stack.network.get_parameter(name).normal_(std=0.1)
            before = self._loss(term, stack, data, prepared)
            self._epoch(stack, optimiser, plan, data, seeds, prepared)
            change = self._loss(term, stack, data, prepared) - before
            ascends = term.weight < 0
            if not bool(((change > 0) if ascends else (change < 0)).all()):
                yield (
                    f"{'ascending' if ascends else 'descending'} {term.loss} on the {term.split} "
                    f"set changes it by {change.tolist()}"
                )

    def _loss(self, term: Term, stack: Stack, data: TrainingData, prepared: Prepared) -> Tensor:
        """The loss of each model on the points of a term's split, (k,)."""
        points = data.splits[term.split]
        residuals: Mapping[str, tuple[Tensor, Tensor]] = {}
        features: dict[str, Tensor] = {}
        handles = [
            stack.network.get_submodule(name).register_forward_hook(
                lambda _m, _i, output, name=name: features.update({name: stack.apart(output)})
            )
            for name in getattr(term.loss, "layers", ())
        ]
        inputs = data.inputs[points][:, None]
        with torch.no_grad(), stack.evaluating():
            if prepared.forward is None:
                output = stack(inputs)
            else:
                output, residuals = prepared.forward(stack, inputs)
        for handle in handles:
            handle.remove()
        labels = targets(term, data, SEEDS[: stack.k])[points]
        batch = points[:, None].expand(-1, stack.k)
        forget = torch.isin(points, data.splits["forget"])[:, None].expand(-1, stack.k)
        return term.loss(
            Batch(
                output,
                labels,
                data.taught("teacher", batch),
                features,
                data.taught("incompetent", batch),
                forget,
                residuals,
                prepared.means,
            )
        )

    def _epoch(
        self,
        stack: Stack,
        optimiser: torch.optim.Optimizer,
        plan: Plan,
        data: TrainingData,
        seeds: list[int],
        prepared: Prepared,
    ) -> None:
        """The first epoch of a plan, by the loop under examination."""
        self.use.epoch(
            stack,
            optimiser,
            plan,
            plan.epochs[0],
            data=data,
            seeds=seeds,
            number=0,
            purpose="unlearn",
            device=Device(),
            prepared=prepared,
        )

    def check_every_forget_point_counts(self) -> Iterator[str]:
        """Defects e and i: the forget set is cut, or has no batch, so some points do nothing."""
        for number, plan in self.plans.items():
            if all(term.split == "retain" for term in plan.terms()):
                continue
            for point in (self.toy.split.forget[-1], self.toy.split.forget[0]):
                inputs = self.toy.inputs.clone()
                inputs[point] += 0.5
                changed = self.alone(plan, inputs=inputs)
                for seed, one, other in zip(SEEDS, changed, self.together[number], strict=False):
                    if _equal(one, other):
                        yield (
                            f"setting {number}: forget point {point} has no influence on model "
                            f"{seed}"
                        )

    def check_settings_have_results_of_their_own(self) -> Iterator[str]:
        """Defect f: in a sweep a setting gets the result of another one."""
        for number, plan in self.plans.items():
            alone = self.alone(plan)
            for seed, one, other in zip(SEEDS, alone, self.together[number], strict=False):
                if not _equal(one, other):
                    yield (
                        f"setting {number}: the sweep gives model {seed} other weights than a run "
                        "of this setting alone"
                    )

    def check_masked_weights_keep_their_bits(self) -> Iterator[str]:
        """Defect d: weights outside a mask drift by momentum or weight decay."""
        plan = Plan(
            epochs=((Phase((Term("retain", 16),), 0.05),),),
            optimiser=Sgd(momentum=0.9, weight_decay=0.1),
        )
        for name in registry.names("preparations"):
            toy = toy_for([name], self.toy)
            if getattr(registry.module("preparations", name), "SINGLE", False):
                continue  # adapters, which have no masks
            for setting in settings_to_try(name, "preparations"):
                masked = dataclasses.replace(plan, prepare=Prepare(name, tuple(setting.items())))
                stack, data = toy.stack(), toy.data()
                prepared, optimiser = prepare(stack, masked, data, SEEDS)
                parameters = stack.network.named_parameters()
                before = {n: weight.detach().clone() for n, weight in parameters}
                self._epoch(stack, optimiser, masked, data, SEEDS, prepared)
                after, masks = dict(stack.network.named_parameters()), prepared.movable.items()
                if any(not torch.equal(after[n][~where], before[n][~where]) for n, where in masks):
                    yield f"{name} {setting}: weights outside the mask have moved"
                if masks and all(torch.equal(after[n], before[n]) for n, _ in masks):
                    yield f"{name} {setting}: weights inside the mask have not moved"

    def check_adapters(self) -> Iterator[str]:
        """Adapters: they alone train, from zero, against a frozen teacher; features move as they
        should; the network is an ordinary one again in the end."""
        for number, plan in self.plans.items():
            if plan.prepare is not None:
                for sentence in adapters.sentences(self.toy, plan, self.use.epoch, self.use.sweep):
                    yield f"setting {number}: {sentence}"

    def check_originals_of_another_split_are_refused(self) -> Iterator[str]:
        """Defect g: the original was trained on other data than the forget set is taken from, or
        is an oracle."""
        split = self.toy.split
        other = Split(split.train[1:], split.val, split.forget[1:])
        bases = [dataclasses.replace(s, forget=s.forget[:0]) for s in (split, other)]
        own, foreign = map(trained_on, bases)
        try:
            self.use.check_originals(own, split, "own.safetensors")
        except InputError:
            yield "originals of the same split are refused"
        others = ((foreign, "originals of another split"), (trained_on(split), "oracles"))
        for models, what in others:
            try:
                self.use.check_originals(models, split, "foreign.safetensors")
            except InputError:
                continue
            yield f"{what} are accepted"

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


def _runs(size: int) -> Iterator[slice]:
    """The models that run side by side."""
    return (slice(start, start + size) for start in range(0, len(SEEDS), size))


def _equal(a: StateDict, b: StateDict) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)
