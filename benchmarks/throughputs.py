"""What a point costs in training and in evaluation, network by network: lines for throughputs.yaml.

    python benchmarks/throughputs.py

Processor time of one thread, so that other work on the machine counts little. `src/plan.py` reckons
with what stands in benchmarks/throughputs.yaml.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.forecast.network import network_of
from palimpsest.plans.optimisers import Sgd
from palimpsest.stacks.stack import Stack
from palimpsest.training.device import open_device

CASES = [  # model, width, item, models in a stack, points in a batch
    ("resnet9", 8, (3, 32, 32), 1, 64),
    ("resnet9", 4, (1, 8, 8), 52, 64),
    ("resnet9", 8, (1, 8, 8), 26, 64),
    ("resnet9", 4, (1, 14, 14), 20, 64),
    ("resnet9", 4, (3, 32, 32), 20, 64),
    ("resnet9", 8, (3, 32, 32), 10, 64),
    ("resnet9", 16, (3, 32, 32), 1, 64),
    ("resnet9", 4, (3, 32, 32), 1, 64),
    ("resnet9", 8, (1, 8, 8), 26, 10),
    ("resnet9", 8, (1, 8, 8), 1, 64),
    ("resnet9", 32, (3, 32, 32), 1, 64),
    ("resnet18", 16, (3, 32, 32), 1, 64),
]


def seconds(run: Callable[[], object], least: float) -> float:
    """Processor seconds of one call, the mean of as many as take `least` seconds, after a first."""
    run()
    started = time.process_time()
    for calls in itertools.count(1):
        run()
        spent = time.process_time() - started
        if spent > least:
            return spent / calls
    raise AssertionError


def measure(
    name: str, width: int, item: tuple[int, ...], k: int, batch: int, least: float
) -> dict[str, Any]:
    """One line: microseconds of a model and a point, trained and evaluated."""
    facts = Facts(1000, None, classes=10, item=item)
    device = open_device("cpu", "float32")
    made = [registry.make("models", name, facts, settings={"width": width}) for _ in range(k)]
    stack = Stack(made[0], [one.state_dict() for one in made]).train()
    optimiser = Sgd(momentum=0.9, weight_decay=5e-4).make(stack.parameters())
    inputs, labels = torch.randn(batch, k, *item), torch.randint(0, 10, (batch, k))
    shared = torch.randn(128, 1, *item)

    def step() -> None:
        logits = device.logits(stack, inputs)
        losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), reduction="sum"
        )
        optimiser.zero_grad(set_to_none=True)
        (losses / batch).backward()
        optimiser.step()

    @torch.no_grad()
    def evaluate() -> None:
        with stack.evaluating():
            device.logits(stack, shared)

    network = network_of({"name": name, "width": width}, facts)
    train, asked = seconds(step, least), seconds(evaluate, least / 2)
    return {
        "model": f"'{name}, width {width}, {' x '.join(map(str, item))}'",
        "stack": k, "batch": batch,
        "flops": round(network.flops), "activations": round(network.activations),
        "weights": network.weights,
        "train_us": round(1e6 * train / batch / k, 2),
        "evaluate_us": round(1e6 * asked / len(shared) / k, 2),
    }  # fmt: skip


def fitted(points: list[dict[str, Any]], gflops: float | None = None) -> dict[str, float]:
    """The rates behind some points (see `forecast.devices.Rates`), by least squares of the relative
    errors; `gflops` if they are known."""
    terms = np.array(
        [
            [
                1 / point["batch"] / point["stack"],
                1e-3 * point["activations"],
                1e-3 * point["flops"],
            ]
            for point in points
        ]
    )
    seconds = np.array([point["train_us"] for point in points])
    if gflops is None:
        step, activation, flop = nnls(terms / seconds[:, None], np.ones(len(points)))[0]
        gflops = 1 / flop
    else:
        left = 1 - terms[:, 2] / gflops / seconds
        step, activation = nnls(terms[:, :2] / seconds[:, None], left)[0]
    point_us = activation * terms[:, 1] + terms[:, 2] / gflops
    asked = np.array([point["evaluate_us"] for point in points])
    found = {"step_us": step, "activation_ns": activation, "gflops": gflops}
    found["evaluation"] = float(np.median(asked / point_us))
    return {name: round(float(value), 3) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, nargs="+", default=range(len(CASES)))
    parser.add_argument("--least", type=float, default=0.5, help="seconds of each")
    args = parser.parse_args()
    points = []
    for case in args.cases:
        found = measure(*CASES[case], args.least)
        points.append(found)
        print(
            "    - {" + ", ".join(f"{key}: {one}" for key, one in found.items()) + "}", flush=True
        )

    alone = fitted([point for point in points if point["stack"] == 1])
    print("  alone:", alone)
    stacks = [point for point in points if point["stack"] > 1]
    print("  stacked:", fitted(stacks, alone["gflops"]))


if __name__ == "__main__":
    main()
