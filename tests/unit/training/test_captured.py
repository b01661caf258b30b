"""Captured training: at fixed addresses, for one stack after the other, the bits of the plain loop.

CUDA graphs are emulated operation by operation: what the host knew while a step was captured stays
frozen, and every result is written where it was. A step that needs the host goes wrong here.
"""

import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.files import InputError
from palimpsest.models.resnet9 import build
from palimpsest.plans.losses import Distillation
from palimpsest.plans.optimisers import AdamW, Sgd
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.plans.recipe import recipe
from palimpsest.stacks.stack import Stack, StateDict
from palimpsest.training.captured import Trainer
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.evaluate import logits
from palimpsest.training.loop import run_epoch
from palimpsest.training.populations import Stacks, train_population
from palimpsest.training.preparing import prepare
from palimpsest.training.sweep import run_sweep

FACTS = Facts(44, None, 10, (1, 8, 8))
SPLITS = {"forget": torch.arange(7), "retain": torch.arange(7, 44)}


class EmulatedGraph(TorchDispatchMode):
    """Records operations with their tensors; a replay writes each result into the same tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, ...]] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        self.operations.append((operation, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        for operation, args, kwargs, result in self.operations:
            again = operation(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


@dataclass(frozen=True)
class Emulating(Device):
    """The CPU in the place of a GPU: steps are run to warm up, captured, and replayed."""

    captures: bool = True

    def capturer(self) -> Callable[[Callable[[], None]], Callable[[], None]]:
        def capture(step: Callable[[], None]) -> Callable[[], None]:
            step()
            with EmulatedGraph() as graph:
                step()
            return graph.replay

        return capture


FIXED = Device(captures=True)


def states(seeds: Sequence[int], kind: torch.dtype = torch.float32) -> list[StateDict]:
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        found.append(build(FACTS, width=2).to(kind).state_dict())
    return found


def stack_of(seeds: Sequence[int], kind: torch.dtype = torch.float32) -> Stack:
    return Stack(build(FACTS, width=2).to(kind), states(seeds, kind))


def data_of(stack: Stack, device: Device, kind: torch.dtype = torch.float32) -> TrainingData:
    generator = torch.Generator().manual_seed(7)
    inputs = POOLS.setdefault(kind, torch.randn(44, 1, 8, 8, generator=generator, dtype=kind))
    labels = torch.arange(44) % 10
    return TrainingData(inputs, labels, SPLITS, 10, logits(stack, inputs, device))


POOLS: dict[torch.dtype, Tensor] = {}


def plainly(
    stack: Stack, plan: Plan, data: TrainingData, seeds: Sequence[int], purpose: str
) -> list[StateDict]:
    """The plain loop with the fused optimiser, that of captured steps, which rounds otherwise."""
    prepared, optimiser = prepare(stack, plan, data, seeds, torch.zeros(()))
    for number, epoch in enumerate(plan.epochs):
        run_epoch(
            stack, optimiser, plan, epoch, data=data, seeds=seeds, number=number,
            purpose=purpose, device=Device(), prepared=prepared,
        )  # fmt: skip
    return stack.state_dicts()


def assert_same_bits(found: list[StateDict], expected: list[StateDict]) -> None:
    for own, other in zip(found, expected, strict=True):
        for name, value in other.items():
            assert torch.equal(own[name], value), name


def phases(forward: Any) -> tuple[Phase, ...]:
    """Of two terms, with short last batches (37 points in eights, 7 in fives), teachers, and rates
    that differ from step to step."""
    terms = (
        Term("retain", 8, Distillation(0.6, 0.8, 2.0)),
        Term("forget", 5, weight=-0.1, targets="random_excluding", redraw=True),
    )
    ascent = Phase((Term("forget", 5, weight=-1.0),), 1e-3)
    return ascent, Phase(terms, 0.01, lr_end=0.05, forward=forward)


def plan_of(optimiser: Sgd | AdamW, forward: Any, batch_norm: Any) -> Plan:
    both = phases(forward)
    return Plan((both, both, both[1:]), optimiser, batch_norm=batch_norm)


PLANS = {
    "sgd, joint": plan_of(Sgd(0.9, 5e-4), "joint", "train"),
    "sgd, separate, frozen": plan_of(Sgd(0.9, 5e-4), "separate", "frozen"),
    "no momentum, reversed": plan_of(Sgd(), "reversed", "train"),
    "adamw": plan_of(AdamW(0.1), "joint", "train"),
    "adamw, warm-up": plan_of(AdamW(0.1, warmup_steps=8), "separate", "frozen"),
    "weight decay, l1": Plan(
        ((replace(phases("joint")[1], l1=1e-3),), (replace(phases("joint")[1], l1=1e-4),)),
        Sgd(0.5, 5e-3, warmup_steps=3),
    ),
    "recipe": recipe(
        epochs=3, batch_size=16, peak_lr=0.4, peak_epoch=1, momentum=0.9, weight_decay=5e-4
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("seeds", "device"),
    [([[3], [4]], Emulating()), ([[3, 4, 5], [6, 7, 8]], FIXED)],
    ids=["one, emulated", "stack, fixed"],
)
@pytest.mark.parametrize("name", PLANS)
def test_captured_steps_give_two_runs_of_seeds_the_bits_of_the_plain_loop(
    name: str, seeds: list[list[int]], device: Device
) -> None:
    torch.set_num_threads(1)
    kind = torch.float32 if name in ("recipe", "adamw", "sgd, joint") else torch.float64
    plan, trainer = PLANS[name], Trainer(device)
    for own in seeds:  # the second in the memory of the first
        data = data_of(stack_of(own, kind), Device(), kind)
        run = trainer.ready(stack_of(own, kind), plan, data, own)
        assert run.captured is not None
        for number, epoch in enumerate(plan.epochs):
            run.epoch(epoch, number, "unlearn")
        expected = plainly(stack_of(own, kind), plan, data, own, "unlearn")
        assert_same_bits(run.stack.state_dicts(), expected)
        assert not torch.equal(expected[0]["0.0.weight"], states(own, kind)[0]["0.0.weight"])


def test_float64_training_is_that_of_torchs_plain_optimisers() -> None:
    for name in ("sgd, joint", "adamw, warm-up"):
        data = data_of(stack_of([3], torch.float64), Device(), torch.float64)
        found = []
        for device in (FIXED, Device()):
            run = Trainer(device).ready(stack_of([3], torch.float64), PLANS[name], data, [3])
            for number, epoch in enumerate(PLANS[name].epochs):
                run.epoch(epoch, number, "unlearn")
            found.append(run.stack.state_dicts()[0])
        for key, value in found[1].items():
            assert torch.allclose(found[0][key], value, rtol=1e-9, atol=1e-11), key


def test_a_step_asks_the_device_for_no_value() -> None:
    plan, stack = PLANS["adamw"], stack_of([3])
    run = Trainer(FIXED).ready(stack, plan, data_of(stack, Device()), [3])
    run.epoch(plan.epochs[0], 0, "unlearn")
    assert run.captured is not None and run.captured.passes
    for own in run.captured.passes.values():
        with EmulatedGraph() as step:
            own.step()
        names = " ".join(str(operation) for operation, *_ in step.operations)
        assert "_fused_adamw_" in names
        assert "_local_scalar_dense" not in names and "nonzero" not in names
        assert "_to_copy" not in names


@pytest.mark.parametrize("method", ["ga", "gda", "scrub"])
def test_a_sweep_branches_in_place(method: str) -> None:
    """Its settings end with the bits of runs of their own, for two stacks in turn."""
    grid = [
        {"lr": lr, "epochs": epochs, "batch_norm": mode} | extra
        for lr, epochs, mode in [(0.05, 2, "train"), (0.01, 2, "train"), (0.05, 1, "frozen")]
        for extra in ([{}] if method == "ga" else [{"ascent_epochs": a} for a in (1, 2)])
    ]
    grid = [own for own in grid if own.get("ascent_epochs", 1) <= own["epochs"]]
    made = [registry.make("methods", method, settings=own) for own in grid]
    plans = {n: replace(plan, optimiser=Sgd(0.9, 1e-3)) for n, plan in enumerate(made)}
    device = Emulating()
    trainer = Trainer(device)
    for seeds in ([3, 4], [5, 6]):
        start = stack_of(seeds)
        data = data_of(start, Device())
        outcomes = run_sweep(start, plans, data=data, seeds=seeds, device=device, trainer=trainer)
        found = {outcome.name: outcome.stack.state_dicts() for outcome in outcomes}
        assert set(found) == set(plans)
        for number, plan in plans.items():
            expected = plainly(stack_of(seeds), plan, data, seeds, "unlearn")
            assert_same_bits(found[number], expected)
        assert_same_bits(start.state_dicts(), states(seeds))


def test_what_cannot_be_captured_runs_step_by_step_and_one_line_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    stack = stack_of([3])
    data, plan = data_of(stack, Device()), PLANS["recipe"]
    masked = replace(plan, prepare=Prepare("random_mask", (("share", 0.5),)))
    lines = {}
    for name, network, own in [
        ("fine", build(FACTS, width=2), plan),
        ("dropout", nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)), plan),
        ("attention", nn.Sequential(nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 10)), plan),
        ("mask", build(FACTS, width=2), masked),
    ]:
        caplog.clear()
        trainer = Trainer(FIXED)
        for _ in range(2):
            own_stack = Stack(network, [network.state_dict()])
            run = trainer.ready(own_stack, own, data, [3])
        assert (run.captured is not None) == (name == "fine")
        (lines[name],) = [record.getMessage() for record in caplog.records]
    assert lines == {
        "fine": "steps are captured once and replayed",
        "dropout": "steps are run one by one: the network has a layer of type Dropout",
        "attention": "steps are run one by one: the network has a layer of type LayerNorm",
        "mask": "steps are run one by one: random_mask changes the network",
    }


def test_images_in_half_precision_change_no_bit_of_training_in_it() -> None:
    """The first convolution rounds them to it anyway."""
    found = []
    for half in (True, False):
        device = Device("cpu", "bfloat16", captures=True)
        stack = stack_of([3])
        data = data_of(stack, device)
        if half:
            data = replace(data, inputs=device.keep_images(data.inputs))
            assert data.inputs.dtype == torch.bfloat16
            assert data.inputs[torch.arange(5)[:, None]][:, 0].is_contiguous(
                memory_format=torch.channels_last
            )
        run = Trainer(device).ready(stack, PLANS["recipe"], data, [3])
        for number, epoch in enumerate(PLANS["recipe"].epochs):
            run.epoch(epoch, number, "train")
        found.append(run.stack.state_dicts())
        kept = [*run.stack.parameters(), *run.stack.buffers(), run.optimiser.param_groups[0]["lr"]]
        kept += [s["momentum_buffer"] for s in run.optimiser.state.values()]
        assert not any(value.dtype == torch.bfloat16 for value in kept)
    assert_same_bits(*found)


# ------------------------------------------------------------------------------------ too little
@dataclass(frozen=True)
class Small(Device):
    """A device whose memory holds the steps of so many models."""

    most: int = 99

    def logits(self, stack: Stack, inputs: Tensor) -> Tensor:
        if stack.k > self.most:
            try:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            finally:
                if self.captures:
                    raise RuntimeError("the capture could not be ended")
        return super().logits(stack, inputs)


def population(device: Device, size: int, width: int = 8) -> dict[int, StateDict]:
    facts, found = Facts(40, None, 10, (1, 8, 8)), {}
    generator = torch.Generator().manual_seed(1)
    for trained in train_population(
        lambda: build(facts, width=width),
        range(6),
        inputs=torch.randn(40, 1, 8, 8, generator=generator),
        labels=torch.arange(40) % 10,
        subset=lambda _: torch.arange(40),
        classes=10,
        plan=replace(PLANS["recipe"], epochs=PLANS["recipe"].epochs[:1]),
        stack_size=size,
        device=device,
        report=lambda line: None,
    ):
        kept = trained.stack.state_dicts()[: len(trained.seeds)]
        found.update(zip(trained.seeds, kept, strict=True))
    return found


@pytest.mark.parametrize("captures", [False, True])
def test_a_full_gpu_takes_half_as_many_models_and_says_so(
    captures: bool, caplog: pytest.LogCaptureFixture
) -> None:
    torch.set_num_threads(1)
    expected = population(Device(captures=captures), 6)
    found = population(Small(captures=captures, most=4), 6)
    assert list(found) == list(expected) == [0, 1, 2, 3, 4, 5]
    assert_same_bits(list(found.values()), list(expected.values()))
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert told == [
        "the GPU's memory is too small for 6 models at once (CUDA out of memory. Tried to allocate "
        "20.00 GiB): from here on 3"
    ]


@pytest.mark.parametrize(
    "told",
    [
        "CUDA error: out of memory\nCUDA kernel errors might be reported elsewhere",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_a_library_that_gets_no_memory_is_a_full_gpu_too(told: str) -> None:
    stacks = Stacks(range(4), 4, build(FACTS, width=16), Trainer(Device()))
    found = []
    for keep, _ in stacks:
        with stacks.tried():
            if len(keep) > 2:
                raise RuntimeError(told)
            found.append(keep)
    assert found == [[0, 1], [2, 3]]


def test_a_stack_that_copies_fill_is_made_smaller_until_it_is_smaller() -> None:
    stacks = Stacks(range(6), 6, build(FACTS, width=2), Trainer(Device()))
    tried = []
    for keep, run in stacks:
        with stacks.tried():
            tried.append((len(keep), len(run)))
            if len(run) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
    assert tried == [(6, 8), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1)]


def test_another_error_is_not_a_full_gpu() -> None:
    stacks = Stacks(range(4), 4, build(FACTS, width=16), Trainer(Device()))
    for _ in stacks:
        with pytest.raises(RuntimeError, match="illegal"), stacks.tried():
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        break


def test_a_cleared_trainer_frees_the_steps_of_a_run_that_is_still_held() -> None:
    stack, graphs = stack_of([3]), []

    class Graph:
        def __init__(self, step: Callable[[], None]) -> None:
            self.step = step
            graphs.append(weakref.ref(self))

        def replay(self) -> None:
            self.step()

    class Graphs(Device):
        def capturer(self) -> Callable[[Callable[[], None]], Callable[[], None]]:
            return lambda step: Graph(step).replay

    device = Graphs(captures=True)
    trainer = Trainer(device)
    outcomes = run_sweep(
        stack, {0: PLANS["recipe"]}, data=data_of(stack, device), seeds=[3], device=device,
        trainer=trainer,
    )  # fmt: skip
    next(outcomes)  # as where the measurement of an outcome finds no memory
    assert graphs and all(graph() is not None for graph in graphs)
    trainer.clear()
    assert not any(graph() for graph in graphs)
    outcomes.close()


def test_one_model_that_does_not_fit_is_a_sentence() -> None:
    with pytest.raises(InputError, match="one model does not fit into the GPU's memory"):
        population(Small(most=0), 2, width=2)
