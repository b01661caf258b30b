"""Stacked training against one model after another: ms per model-step, and the ratio.

The rival is the same training step, with the same optimiser, on one ordinary model at a time. The
claim: at least 4 times as fast at width 4, and 2.5 times at width 8 (8 x 8 images, batch 64, one
thread). `special` is the ratio of plain grouped convolutions to what `stacks/convolution.py` does
instead on small images, which it keeps only while that is above 1.
"""

import argparse
import functools
import itertools
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import medians, report

from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.stacks.convolution import StackedConv2d
from palimpsest.stacks.stack import Stack
from palimpsest.training.device import open_device


def stepper(width: int, size: int, k: int, steps: int, batch: int, plain: bool = False):
    """A function that runs `steps` training steps of a stack of k models on images of a size.

    `plain` takes the grouped convolution of PyTorch whatever the image's size.
    """
    torch.manual_seed(0)
    data = Facts(1000, None, classes=10, item=(1, size, size))
    template = build(data, width=width)
    states = [build(data, width=width).state_dict() for _ in range(k)]
    stack = Stack(template, states).train()
    optimiser = torch.optim.SGD(stack.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    x, y = torch.randn(batch, k, 1, size, size), torch.randint(0, 10, (batch, k))

    if plain:
        for layer in stack.modules():
            if isinstance(layer, StackedConv2d):
                layer.forward = functools.partial(nn.Conv2d.forward, layer)

    def run() -> None:
        for _ in range(steps):
            logits = stack(x).flatten(0, 1)
            losses = nn.functional.cross_entropy(logits, y.flatten(), reduction="none")
            optimiser.zero_grad(set_to_none=True)
            losses.reshape(y.shape).mean(0).sum().backward()
            optimiser.step()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 14], help="of the images")
    parser.add_argument("--stacks", type=int, nargs="+", default=[12, 24, 52])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    open_device("cpu", "float32")
    rows = []
    for size, width in itertools.product(args.sizes, args.widths):
        steps = {k: max(2, 48 // k) for k in [1, *args.stacks]}
        variants = {str(k): stepper(width, size, k, steps[k], args.batch) for k in steps}
        first = args.stacks[0]
        variants["plain"] = stepper(width, size, first, steps[first], args.batch, plain=True)
        seconds = medians(variants, args.repeats)
        each = {k: 1e3 * seconds[str(k)] / steps[k] / k for k in steps}
        best = min(args.stacks, key=lambda k: each[k])
        rows.append(
            {
                "size": size,
                "width": width,
                "ms_per_model_step": {str(k): round(value, 3) for k, value in each.items()},
                "best_stack": best,
                "ratio": round(each[1] / each[best], 2),
                "special": round(seconds["plain"] / seconds[str(first)], 2),
            }
        )
    report({"benchmark": "stacked against one-at-a-time training", "rows": rows}, args.out)


if __name__ == "__main__":
    main()
