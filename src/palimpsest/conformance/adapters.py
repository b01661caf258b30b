"""What a method with adapters has to keep to, beside what any method has to."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from palimpsest.conformance.low_rank import alignment_by_definition
from palimpsest.conformance.toy import SEEDS, Toy
from palimpsest.plans.alignment import ResidualAlignment
from palimpsest.plans.losses import Batch
from palimpsest.plans.plan import Plan, cap_batches
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.preparing import Prepared, prepare
from palimpsest.training.sweep import Outcome

FIRST = slice(0, 1)
RATE, EPOCHS = 0.02, 8
Features = dict[str, Tensor]


def sentences(
    toy: Toy, plan: Plan, epoch: Callable[..., None], sweep: Callable[..., Iterator[Outcome]]
) -> Iterator[str]:
    """One for each thing that is wrong with the adapters of a plan, on the toy's first model.

    `epoch` and `sweep` run it, as `training.loop.run_epoch` and `training.sweep.run_sweep`.
    """
    stack, data = toy.stack(FIRST), toy.data(FIRST)
    plan = cap_batches(plan, data.sizes())
    own = [*stack.network.named_parameters()]
    original = [weights.detach().clone() for _, weights in own]
    statistics = [buffer.clone() for buffer in stack.network.buffers()]
    prepared, optimiser = prepare(stack, plan, data, SEEDS[FIRST])
    if prepared.forward is None or not plan.epochs:
        return
    points = torch.cat([data.splits["forget"], data.splits["retain"]])
    _, residuals = _passed(stack, prepared, data, points)
    if any(bool((dx != 0).any()) for _, dx in residuals.values()):
        yield "the residuals are not zero at the start"
    epoch(
        stack, optimiser, plan, plan.epochs[0], data=data, seeds=SEEDS[FIRST], number=0,
        purpose="unlearn", device=Device(), prepared=prepared,
    )  # fmt: skip
    for (name, weights), before in zip(own, original, strict=True):
        if not torch.equal(weights, before):
            yield f"the weights {name} of the original have moved, not the adapters alone"
    buffers = zip(stack.network.buffers(), statistics, strict=True)
    if plan.batch_norm == "frozen" and not all(torch.equal(*pair) for pair in buffers):
        yield "the statistics of BatchNorm have moved, though they are to be frozen"
    output, residuals = _passed(stack, prepared, data, points)
    given = _features(toy, toy.states[0], list(residuals), points)
    settings = dict(plan.prepare.settings) if plan.prepare else {}
    if settings["teacher"] != "layerwise" and any(
        not torch.equal(x, given[name]) for name, (x, _) in residuals.items()
    ):
        yield "the teacher's features are not those of the original"
    yield from _finished(toy, stack, prepared, output, points)
    yield from _loss(plan, data, prepared, output, residuals, points)
    yield from _moves(toy, plan, sweep, given, points)


def _passed(stack: Stack, prepared: Prepared, data: TrainingData, points: Tensor) -> Any:
    """Logits and residuals in evaluation mode."""
    assert prepared.forward is not None
    with torch.no_grad(), stack.evaluating():
        return prepared.forward(stack, data.inputs[points][:, None])


def _features(toy: Toy, state: StateDict, layers: list[str], points: Tensor) -> Features:
    """What these layers of an ordinary network give, in evaluation mode."""
    stack, found = Stack(toy.template, [state]).eval(), {}
    for name in layers:
        stack.network.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: found.update({name: output[:, None]})
        )
    with torch.no_grad():
        stack(toy.inputs[points][:, None])
    return found


def _finished(
    toy: Toy, stack: Stack, prepared: Prepared, output: Tensor, points: Tensor
) -> Iterator[str]:
    """The finished network is an ordinary one, and gives what the adapted one gave."""
    if prepared.finish is None:
        yield "nothing takes the adapters out of the network at the end"
        return
    network = prepared.finish(copy.deepcopy(stack)).network.eval()
    if [*map(type, network.modules())] != [*map(type, toy.template.modules())]:
        yield "the finished network has other layers than the original"
    elif list(network.state_dict()) != list(toy.template.state_dict()):
        yield "the weights of the finished network have other names than the original's"
    with torch.no_grad():
        worst = float((network(toy.inputs[points]) - output[:, 0]).abs().max())
    if not worst < 1e-9:
        yield f"the finished network's logits differ by {worst:.2g} from the adapted one's"


def _loss(
    plan: Plan,
    data: TrainingData,
    prepared: Prepared,
    output: Tensor,
    residuals: Any,
    points: Tensor,
) -> Iterator[str]:
    """Eq. 6 is its definition, with forgotten points and without."""
    forget = torch.isin(points, data.splits["forget"])[:, None]
    labels = data.labels[points][:, None]
    for loss in {term.loss for term in plan.terms()}:
        if not isinstance(loss, ResidualAlignment):
            continue
        for rows in (slice(7, 13), slice(10, 12)):
            batch = Batch(
                output[rows],
                labels[rows],
                forget=forget[rows],
                residuals={name: (x[rows], dx[rows]) for name, (x, dx) in residuals.items()},
                means=prepared.means,
            )
            (found,), (expected,) = loss(batch).tolist(), alignment_by_definition(loss, batch)
            if not abs(found - expected) < 1e-9 * max(1.0, abs(expected)):
                yield f"{loss} gives {found:.9g}, and eq. 6 by definition {expected:.9g}"


def _moves(
    toy: Toy,
    plan: Plan,
    sweep: Callable[..., Iterator[Outcome]],
    before: Features,
    points: Tensor,
) -> Iterator[str]:
    """Forgotten features go towards the retained mean, and retained ones not as far: by more and
    smaller steps than the plan's, which may go too far. Statistics that move shift all features."""
    if plan.batch_norm != "frozen" or not all(
        isinstance(loss, ResidualAlignment) and loss.alpha > 0 and loss.beta > 0 and loss.gamma > 0
        for loss in {term.loss for term in plan.terms()}
    ):
        return
    slow = tuple(dataclasses.replace(phase, lr=RATE) for phase in plan.epochs[0])
    plan = dataclasses.replace(plan, epochs=(slow,) * EPOCHS)
    run = {"data": toy.data(FIRST), "seeds": SEEDS[FIRST], "device": Device()}
    (outcome,) = sweep(toy.stack(FIRST), {0: plan}, **run)
    after = _features(toy, outcome.stack.state_dicts()[0], list(before), points)
    forgotten, start, stop, far, near = len(toy.split.forget), 0.0, 0.0, 0.0, 0.0
    for name, x in before.items():
        mean = x[forgotten:].mean(0)
        start += _distance(x[:forgotten], mean)
        stop += _distance(after[name][:forgotten], mean)
        far += _distance(after[name][:forgotten], x[:forgotten])
        near += _distance(after[name][forgotten:], x[forgotten:])
    if not stop < start:
        yield (
            f"the forgotten points' features are {stop:.3g} from the retained mean at the end, and "
            f"{start:.3g} before"
        )
    if not near < far:
        yield f"the retained points' features move by {near:.3g}, the forgotten ones' by {far:.3g}"


def _distance(a: Tensor, b: Tensor) -> float:
    """Mean over the points of the l2 distance."""
    return float((a - b).flatten(1).norm(dim=1).mean())
