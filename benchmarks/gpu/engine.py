"""Models per second of the engine on one GPU, beside the stacked training of the 2026 benchmark.

The engine's own `train_population` trains ResNet-9s one after the other: captured steps, bf16, the
paper's recipe. The rival (easydub/EasyDUB-code, 2026, rewritten from its description) trains all
its models as one network of grouped convolutions in eager PyTorch, under bf16 autocast, with
OneCycle over learning rate and momentum; every model has batches of its own. Its batch, optimiser
and memory format are not described: here they are ours. Its seconds are those of some steps, times
the steps of all epochs; groups too large for the memory are left out. Needs torch, NumPy, pydantic:

    python benchmarks/gpu/engine.py --data cifar10.pt --out engine.json
"""

import argparse
import json
import logging
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
import torch
from steps import SIDE, TOY, ResNet9, Size, load_parts, machine, normalised, write_atomically
from torch import Tensor
from torch.nn import functional as F

from palimpsest.data.facts import Facts
from palimpsest.models.resnet9 import build
from palimpsest.plans.recipe import recipe
from palimpsest.training.device import open_device
from palimpsest.training.evaluate import measured
from palimpsest.training.populations import train_population

CLASSES = 10
GROUPS = (4, 10, 25, 50, 100)
"""models that the rival trains at once"""


def engine(args: argparse.Namespace, size: Size, parts: dict[str, Tensor]) -> dict[str, Any]:
    """Seconds of each model, the first with the capture, and their test accuracy."""
    device = replace(open_device(args.device, "bfloat16"), captures=True)
    torch.backends.cudnn.benchmark = args.cudnn_benchmark
    torch.backends.cudnn.deterministic = not args.cudnn_benchmark
    pools = [normalised(parts[f"{side}_images"], "fp32") for side in ("train", "test")]
    inputs = device.keep_images(torch.cat(pools).permute(0, 3, 1, 2))
    labels = torch.cat([parts["train_labels"], parts["test_labels"]])
    train, facts = len(parts["train_labels"]), Facts(len(labels), None, CLASSES, (3, SIDE, SIDE))
    seconds, right, began = [], [], time.perf_counter()
    for trained in train_population(
        lambda: build(facts, width=size.width),
        range(args.models),
        inputs=inputs,
        labels=labels,
        subset=lambda _: torch.arange(train),
        classes=CLASSES,
        plan=recipe(
            epochs=size.epochs, batch_size=size.batches[0], peak_lr=0.4,
            peak_epoch=size.peak_epoch, momentum=0.9, weight_decay=5e-4,
        ),
        stack_size=args.stack,
        device=device,
    ):  # fmt: skip
        found = measured(trained.stack, inputs[train:], labels[train:], ["correct"], device)
        right.append(float(found["correct"].mean()))
        seconds.append((time.perf_counter() - began) / len(trained.seeds))
        began = time.perf_counter()
    later = seconds[1:] or seconds
    return {
        "stack": args.stack, "cudnn_benchmark": args.cudnn_benchmark,
        "seconds_with_measuring": seconds,
        "models_per_second": 1 / float(np.median(later)),
        "test_accuracy": right,
    }  # fmt: skip


def rival(args: argparse.Namespace, size: Size, parts: dict[str, Tensor], models: int) -> dict:
    """Milliseconds of a step of `models` models, and models per second over all epochs."""
    at = torch.device(args.device)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = True, False
    images, labels = normalised(parts["train_images"], "bf16"), parts["train_labels"]
    batch = size.batches[0]
    steps = size.epochs * -(-len(labels) // batch)
    network = ResNet9(size.width, models).to(at).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 0.4, momentum=0.9, weight_decay=5e-4)
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.4, total_steps=steps)

    def step() -> None:
        points = torch.randint(len(labels), (batch, models), device=at)
        rows = images[points].permute(0, 2, 3, 1, 4).reshape(batch, SIDE, SIDE, models * 3)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(at.type, torch.bfloat16):
            logits = network(rows.permute(0, 3, 1, 2))
        own = F.cross_entropy(logits.flatten(0, 1), labels[points.T].flatten(), reduction="none")
        own.view(models, batch).mean(1).sum().backward()
        optimiser.step()
        one_cycle.step()

    def seconds(count: int) -> float:
        if at.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(count):
            step()
        if at.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / count

    seconds(args.rival_steps // 4 + 1)
    each = seconds(args.rival_steps)
    return {"ms_per_step": 1e3 * each, "models_per_second": models / (each * steps)}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--data", default="none", help="as for steps.py")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--models", type=int, default=4, help="that the engine trains")
    parser.add_argument("--stack", type=int, default=1, help="of them side by side")
    parser.add_argument("--cudnn-benchmark", action="store_true", help="fastest kernels, any bits")
    parser.add_argument("--rival-steps", type=int, default=20, help="that are timed of the rival")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, to test the program")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is at hand; --device cpu --toy tests the program")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    size = TOY if args.toy else Size()
    parts = load_parts(args.data, size, torch.device(args.device))
    found: dict[str, Any] = {"data": args.data, "models": args.models, "epochs": size.epochs}
    found |= {"machine": machine(torch.device(args.device)), "date": time.strftime("%Y-%m-%d")}
    found |= {"command": shlex.join(["python", *sys.argv]), "rival": {}}

    def save() -> None:
        """After each part, so that a kill loses little."""
        if args.out:
            text = json.dumps(found, indent=1) + "\n"
            write_atomically(args.out, lambda file: file.write_text(text))

    found["engine"] = engine(args, size, parts)
    save()
    for models in GROUPS[:1] if args.toy else GROUPS:
        try:
            found["rival"][models] = rival(args, size, parts, models)
        except torch.OutOfMemoryError as error:
            found["rival"][models] = {"error": str(error).split("\n")[0]}
            break
        best = max(own.get("models_per_second", 0.0) for own in found["rival"].values())
        found["engine_over_rival"] = found["engine"]["models_per_second"] / best
        save()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
