"""A plan by its definition: one ordinary model, plain torch, neither stack nor sweep."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from palimpsest.conformance.low_rank import LowRank, Residuals
from palimpsest.conformance.toy import SEEDS, Toy
from palimpsest.plans.losses import Batch
from palimpsest.plans.plan import Phase, Plan, Term, cap_batches
from palimpsest.randomness import generator
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.preparing import prepare


def targets(
    term: Term, data: TrainingData, seeds: Sequence[int], pass_: tuple[int, ...] = (0, 0, 0)
) -> Tensor:
    """The labels that a term's loss is to be given, by definition: (pool, k).

    `pass_`: epoch, phase and place of the term, which only labels that are drawn anew depend on.
    """
    true = data.labels[:, None].expand(-1, len(seeds))
    if term.targets == "teacher":
        assert isinstance(data.teacher, Tensor)
        return data.teacher.argmax(dim=2)
    if term.targets == "true":
        return true
    if term.targets == "shift":
        return (true + 1) % data.classes
    low = 1 if term.targets == "random_excluding" else 0
    purpose, position = ("unlearn targets", pass_) if term.redraw else ("targets", ())
    draws = [generator(seed, purpose, *position) for seed in seeds]
    steps = [draw.integers(low, data.classes, len(true)) for draw in draws]
    return (true + torch.from_numpy(np.stack(steps, axis=1))) % data.classes


def _batches(
    phase: Phase, place: int, data: TrainingData, steps: int, position: tuple[int, ...], seed: int
) -> list[np.ndarray]:
    """The batches of one term of a phase for one model, by definition."""
    term = phase.terms[place]
    forget, retain = (data.splits[split].numpy() for split in ("forget", "retain"))
    indices = data.splits[term.split].numpy()
    if term.retain_share < 1.0:
        count = round(term.retain_share * len(retain))
        retain = generator(seed, "retain share").permutation(retain)[:count]
        indices = np.concatenate([forget, retain])

    def cycled(indices: np.ndarray, size: int, purpose: str) -> list[np.ndarray]:
        drawn: list[np.ndarray] = []
        while sum(map(len, drawn)) < steps * size:
            cycle = generator(seed, purpose, *position, place, len(drawn))
            drawn.append(cycle.permutation(indices))
        order = np.concatenate(drawn)
        return [order[start : start + size] for start in range(0, steps * size, size)]

    size = term.batch
    if term.forget_per_batch is not None:
        indices, size = retain, size - term.forget_per_batch
    if place == 0:
        order = generator(seed, "unlearn", *position).permutation(indices)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
    else:
        batches = cycled(indices, size, "unlearn")
    if term.forget_per_batch is None:
        return batches
    beside = cycled(forget, term.forget_per_batch, "unlearn forget")
    return [np.concatenate(pair) for pair in zip(batches, beside, strict=True)]


def by_definition(toy: Toy, state: StateDict, plan: Plan, seed: int) -> StateDict:
    """One ordinary model through the plan, as the definitions say and nothing else.

    Without stack and sweep: plain torch, frozen copies as teachers, masks put back by hand,
    adapters multiplied out.
    """
    student = copy.deepcopy(toy.template)
    single = Stack(toy.template, [state])
    teacher = logits(single, toy.inputs, Device())
    incompetent = toy.incompetent[:, [SEEDS.index(seed)]]
    data = toy.data(teacher=teacher, incompetent=incompetent)
    plan = cap_batches(plan, data.sizes())
    prepared = prepare(single, plan, data, [seed])[0]
    adapted, movable = dict(single.network.named_parameters()), prepared.movable
    finished = single if prepared.finish is None else prepared.finish(copy.deepcopy(single))
    student.load_state_dict(finished.state_dicts()[0])  # a preparation may have changed weights
    start = {name: weight.detach().clone() for name, weight in student.named_parameters()}
    low_rank, means = None, None
    if plan.prepare is not None and prepared.forward is not None:
        low_rank = LowRank(student, adapted, dict(plan.prepare.settings))
        retain = data.splits["retain"]
        means = low_rank.means(toy.inputs[retain], toy.labels[retain], data.classes)
    parameters = student.parameters() if low_rank is None else low_rank.parameters()
    optimiser = plan.optimiser.make(parameters)
    student.train()
    if plan.batch_norm == "frozen":
        for module in student.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    features: dict[str, Tensor] = {}
    for name in {name for term in plan.terms() for name in getattr(term.loss, "layers", ())}:
        student.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: features.update({name: output[:, None]})
        )
    forget = torch.isin(torch.arange(len(toy.labels)), data.splits["forget"])[:, None]

    def passed(points: Tensor) -> tuple[Tensor, dict[str, Tensor], Residuals]:
        """Logits, features and residuals of these points."""
        output, residuals = (
            (student(toy.inputs[points]), {}) if low_rank is None else low_rank(toy.inputs[points])
        )
        return output, dict(features), residuals

    taken = 0
    for number, epoch in enumerate(plan.epochs):
        for position, phase in enumerate(epoch):
            steps = phase.steps(data.sizes())
            drawn = [
                _batches(phase, place, data, steps, (number, position), seed)
                for place in range(len(phase.terms))
            ]
            for step in range(steps):
                batches = [torch.from_numpy(own[step]) for own in drawn]
                objective = torch.zeros((), dtype=torch.float64)
                joint = passed(torch.cat(batches)) if phase.forward == "joint" else None
                done, apart = 0, {}
                if phase.forward == "reversed":
                    for place in reversed(range(len(batches))):
                        apart[place] = passed(batches[place])
                for place, (term, batch) in enumerate(zip(phase.terms, batches, strict=True)):
                    if place in apart:
                        output, seen, residuals = apart[place]
                    elif joint is None:
                        output, seen, residuals = passed(batch)
                    else:
                        rows = slice(done, done + len(batch))
                        output, done = joint[0][rows], done + len(batch)
                        seen = {name: values[rows] for name, values in joint[1].items()}
                        residuals = {n: (x[rows], dx[rows]) for n, (x, dx) in joint[2].items()}
                    labels = targets(term, data, [seed], (number, position, place))[batch]
                    parts = Batch(
                        output[:, None],
                        labels,
                        teacher[batch],
                        seen,
                        incompetent[batch],
                        forget[batch],
                        residuals,
                        means,
                    )
                    objective = objective + term.weight * term.loss(parts)[0]
                if phase.l1:
                    for weight in student.parameters():
                        objective = objective + phase.l1 * weight.abs().sum()
                lr = phase.lr
                if phase.lr_end is not None:
                    lr += (phase.lr_end - phase.lr) * step / steps
                if plan.optimiser.warmup_steps:
                    lr *= min(1.0, taken / plan.optimiser.warmup_steps)
                optimiser.param_groups[0]["lr"] = lr
                optimiser.zero_grad()
                objective.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                taken += 1
                with torch.no_grad():
                    for name, weight in student.named_parameters():
                        if name in movable:
                            weight.copy_(torch.where(movable[name], weight, start[name]))
    return student.state_dict() if low_rank is None else low_rank.merged()
