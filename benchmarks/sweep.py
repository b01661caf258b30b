"""The sweep tree against separate runs of the same settings: epochs run, seconds, the ratio.

The claim: the paper's grids take at most 70 epochs in place of 182 (GA) and 136 in place of 352
(GDA and SCRUB; 68 where the forget set is no larger than the smaller forget batch).
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import report

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import open_device
from palimpsest.training.evaluate import logits
from palimpsest.training.sweep import run_sweep, tree

DIGITS = Facts(1797, None, classes=10, item=(1, 8, 8))
GA = [
    {"lr": lr, "epochs": epochs}
    for lr, epochs in itertools.product(
        [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 1e-2, 5e-2], [1, 3, 5, 7, 10]
    )
]
DESCENT = [
    {"lr": lr, "epochs": epochs, "ascent_epochs": ascent, "forget_batch": batch}
    for lr, epochs, ascent, batch in itertools.product(
        [5e-5, 5e-4, 1e-3, 5e-3], [5, 7, 10], [3, 5], [32, 64]
    )
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=4, help="models in the stack")
    parser.add_argument("--points", type=int, default=300, help="training points")
    parser.add_argument("--forget", type=int, nargs="+", default=[30, 100], help="sizes of F")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    device = open_device("cpu", "float32")
    torch.manual_seed(0)
    states = [build(DIGITS, width=4).state_dict() for _ in range(args.models)]
    stack = Stack(build(DIGITS, width=4), states)
    inputs, labels = torch.randn(args.points, 1, 8, 8), torch.randint(0, 10, (args.points,))
    seeds = list(range(args.models))
    rows = []
    for forget, (method, grid) in itertools.product(
        args.forget, [("ga", GA), ("gda", DESCENT), ("scrub", DESCENT)]
    ):
        splits = {"forget": torch.arange(forget), "retain": torch.arange(forget, args.points)}
        data = TrainingData(inputs, labels, splits, DIGITS.classes, logits(stack, inputs, device))
        plans = {n: registry.make("methods", method, settings=own) for n, own in enumerate(grid)}
        for _ in run_sweep(stack, {0: plans[0]}, data=data, seeds=seeds, device=device):
            pass  # warm up
        seconds = {}
        for name, parts in (
            ("tree", [plans]),
            ("separate", [{n: plan} for n, plan in plans.items()]),
        ):
            started = time.perf_counter()
            for part in parts:
                for _ in run_sweep(stack, part, data=data, seeds=seeds, device=device):
                    pass
            seconds[name] = time.perf_counter() - started
        roots = tree(plans, data.sizes())
        rows.append(
            {
                "method": method,
                "forget_points": forget,
                "epochs_separate": sum(len(plan.epochs) for plan in plans.values()),
                "epochs_shared": sum(root.epochs() for root in roots.values()),
                "seconds_separate": round(seconds["separate"], 2),
                "seconds_shared": round(seconds["tree"], 2),
                "ratio": round(seconds["separate"] / seconds["tree"], 2),
            }
        )
    report({"benchmark": "sweep tree against separate runs", "rows": rows}, args.out)


if __name__ == "__main__":
    main()
