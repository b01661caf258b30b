"""Are models trained on a GPU those of the CPU? KLoM between them, beside its null floor.

N models of digits by the paper's recipe on the CPU are the yardstick. Against them stand N more of
the CPU with other seeds (the true null), and N of the GPU in float32 and in bfloat16. A path that
trains other models scores above both nulls. Needs torch, NumPy, pydantic and scikit-learn:

    python benchmarks/gpu/same_results.py --out same_results.json
    python benchmarks/gpu/same_results.py --device cpu --toy     # the captured path without a GPU
"""

import argparse
import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
import torch
from steps import machine, write_atomically

from palimpsest.data.facts import Facts
from palimpsest.data.sources import digits
from palimpsest.klom import klom_intervals, null_floor
from palimpsest.models.resnet9 import build
from palimpsest.plans.recipe import recipe
from palimpsest.randomness import generator
from palimpsest.training.device import Device, open_device
from palimpsest.training.evaluate import measured
from palimpsest.training.populations import tensors, train_population

VAL = 360
"""points held out, of 1,797"""


def population(
    device: Device, first_seed: int, models: int, stack: int, *, width: int, epochs: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Margins (models, points) and what is right of them, training points first, and seconds of a
    model's training."""
    dataset = digits.load(Path(), download=False, checksums="official")
    inputs, labels = tensors(dataset, device)
    order = torch.from_numpy(generator(0, "same results").permutation(len(labels)))
    points, facts = order.to(device.name), Facts(len(labels), None, 10, (1, 8, 8))
    margins, right, seconds = [], [], 0.0
    for trained in train_population(
        lambda: build(facts, width=width),
        range(first_seed, first_seed + models),
        inputs=inputs,
        labels=labels,
        subset=lambda _: order[VAL:],
        classes=10,
        plan=recipe(
            epochs=epochs,
            batch_size=64,
            peak_lr=0.4,
            peak_epoch=epochs * 5 / 24,
            momentum=0.9,
            weight_decay=5e-4,
        ),
        stack_size=stack,
        device=device,
        report=lambda line: print(f"{device.name} {device.precision}: {line}", flush=True),
    ):
        found = measured(
            trained.stack, inputs[points], labels[points], ["margin", "correct"], device
        )
        margins.append(found["margin"][: len(trained.seeds)])
        right.append(found["correct"][: len(trained.seeds)])
        seconds += trained.seconds
    joined = [np.roll(np.concatenate(parts), -VAL, axis=1) for parts in (margins, right)]
    return joined[0], joined[1], seconds / models


def compare(args: argparse.Namespace) -> dict:
    """All scores: by name of a population the 95th percentile of KLoM over each set of points."""
    size = {"width": args.width, "epochs": args.epochs}
    host = open_device("cpu", "float32")
    oracle, _, seconds = population(host, 0, args.models, args.stack, **size)
    others = {"cpu float32": (host, args.stack)}
    for precision in ("float32", "bfloat16"):
        other = open_device(args.device, precision)
        others[f"captured {precision}"] = (replace(other, captures=True), args.stack)
    val = oracle.shape[1] - VAL
    sets = {"train": np.arange(val), "val": np.arange(val, oracle.shape[1])}
    floor = null_floor(oracle, sets)
    rows = {}
    for number, (name, (device, stack)) in enumerate(others.items(), 1):
        margins, right, own = population(device, 100_000 * number, args.models, stack, **size)
        scores = klom_intervals(margins, oracle, sets)
        rows[name] = {
            "seconds_a_model": own,
            "accuracy": {part: float(right[:, sets[part]].mean()) for part in sets},
            **{part: list(map(float, scores[part])) for part in sets},
        }
    return {
        "models": args.models, **size, "stack": args.stack, "device": args.device,
        "seconds_a_model_of_the_yardstick": seconds,
        "null_floor": {part: float(values.mean()) for part, values in floor.items()},
        "score_and_interval": rows,
    }  # fmt: skip


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--models", type=int, default=50, help="of each population")
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--stack", type=int, default=52, help="models side by side")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="to be compared")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, to test the program")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()
    if args.toy:
        args.models, args.width, args.epochs = 3, 2, 4
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is at hand; --device cpu --toy tests the program")
    found = compare(args) | {"machine": machine(torch.device(args.device))}
    found |= {"date": time.strftime("%Y-%m-%d"), "command": shlex.join(["python", *sys.argv])}
    text = json.dumps(found, indent=1)
    print(text)
    if args.out:
        write_atomically(args.out, lambda file: file.write_text(text + "\n"))


if __name__ == "__main__":
    main()
