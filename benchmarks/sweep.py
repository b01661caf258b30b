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

from palimpsest import methods
from palimpsest.models.resnet9 import ResNet9
from palimpsest.models.stacks import Stack
from palimpsest.training.device import open_device
from palimpsest.training.evaluate import logits
from palimpsest.training.loop import TrainingData
from palimpsest.training.sweep import run_sweep, tree

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
    template = ResNet9(1, 10, width=4, image_size=8)
    states = [ResNet9(1, 10, width=4, image_size=8).state_dict() for _ in range(args.models)]
    inputs, labels = torch.randn(args.points, 1, 8, 8), torch.randint(0, 10, (args.points,))
    seeds = list(range(args.models))
    rows = []
    for forget, (method, grid) in itertools.product(
        args.forget, [("ga", GA), ("gda", DESCENT), ("scrub", DESCENT)]
    ):
        splits = {"forget": torch.arange(forget), "retain": torch.arange(forget, args.points)}
        stack = Stack(template, states)
        data = TrainingData(inputs, labels, splits, logits(stack, inputs, device))
        schedules = {n: methods.schedule(method, setting) for n, setting in enumerate(grid)}
        for _ in run_sweep(  # warm up
            Stack(template, states), {0: schedules[0]}, data=data, seeds=seeds, device=device
        ):
            pass
        seconds = {}
        for name, parts in (
            ("tree", [schedules]),
            ("separate", [{n: schedule} for n, schedule in schedules.items()]),
        ):
            started = time.perf_counter()
            for part in parts:
                for _ in run_sweep(
                    Stack(template, states), part, data=data, seeds=seeds, device=device
                ):
                    pass
            seconds[name] = time.perf_counter() - started
        roots = tree(schedules, data.sizes())
        rows.append(
            {
                "method": method,
                "forget_points": forget,
                "epochs_separate": sum(len(s.epochs) for s in schedules.values()),
                "epochs_shared": sum(root.epochs() for root in roots.values()),
                "seconds_separate": round(seconds["separate"], 2),
                "seconds_shared": round(seconds["tree"], 2),
                "ratio": round(seconds["separate"] / seconds["tree"], 2),
            }
        )
    report({"benchmark": "sweep tree against separate runs", "rows": rows}, args.out)


if __name__ == "__main__":
    main()
