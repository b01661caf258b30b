"""Put a block of originals through every setting of a method; leave their margins."""

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from palimpsest import arguments, methods
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.files import write_json
from palimpsest.margins import Margins
from palimpsest.models.stacks import Stack
from palimpsest.models.weights import check_network, check_originals, load_states
from palimpsest.programs import run_program
from palimpsest.training.evaluate import correct, logits, margins
from palimpsest.training.loop import TrainingData
from palimpsest.training.populations import progress_line, stacks_of
from palimpsest.training.sweep import run_sweep, tree


def settings_list(text: str) -> list[dict[str, Any]]:
    """An argparse type: a JSON list of maps."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON ({error})") from None
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of maps")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--weights", type=Path, required=True, help="originals (.safetensors)")
    parser.add_argument("--method", choices=methods.names(), required=True)
    parser.add_argument(
        "--settings",
        type=settings_list,
        required=True,
        help='JSON list of settings, for instance \'[{"lr": 0.01, "epochs": 5}]\'',
    )
    arguments.add_model(parser)
    arguments.add_device(parser)
    parser.add_argument("--out-margins", type=Path, required=True, help="margins (.npz)")
    parser.add_argument("--out-costs", type=Path, required=True, help="costs (.json)")
    args = parser.parse_args()

    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    arguments.check_split(split, dataset, args.split)
    states, metadata = load_states(args.weights)
    check_originals(metadata, split, args.weights)
    schedules = {
        number: methods.schedule(args.method, settings)
        for number, settings in enumerate(args.settings)
    }
    device = arguments.device(args)
    template = arguments.build(args, dataset)()
    check_network(states, template, args.weights)
    pool, pool_labels = (device.place(tensor) for tensor in arguments.tensors(dataset))
    shown, shown_labels = pool[split.points], pool_labels[split.points]
    splits = {
        "forget": device.place(torch.from_numpy(split.forget)),
        "retain": device.place(torch.from_numpy(split.retain)),
    }
    sizes = {name: len(indices) for name, indices in splits.items()}
    needs_teacher = any(
        phase.loss.needs_teacher
        for schedule in schedules.values()
        for epoch in schedule.epochs
        for phase in epoch
    )
    shape = (len(schedules), len(states), len(split.points))
    all_margins, all_correct = np.empty(shape, np.float32), np.empty(shape, bool)
    seconds = np.zeros(shape[:2])
    seeds, started, done = list(states), time.perf_counter(), 0
    for keep, run in stacks_of(seeds, args.stack, template):
        stack = Stack(template, [states[seed] for seed in run]).to(device.name)
        teacher = logits(stack, pool, device) if needs_teacher else None  # the frozen original
        data = TrainingData(pool, pool_labels, splits, teacher)
        rows = slice(done, done + len(keep))
        for outcome in run_sweep(stack, schedules, data=data, seeds=run, device=device):
            output = logits(outcome.stack, shown, device)[:, : len(keep)]
            all_margins[outcome.name, rows] = margins(output, shown_labels).cpu().numpy()
            all_correct[outcome.name, rows] = correct(output, shown_labels).cpu().numpy()
            seconds[outcome.name, rows] = outcome.seconds
        done += len(keep)
        logging.info(progress_line("models through all settings", done, len(seeds), started))

    Margins(all_margins, all_correct, split.points, np.array(seeds)).save(args.out_margins)
    write_json(
        args.out_costs,
        {
            "forget_set": args.split.stem,
            "method": args.method,
            "settings": [methods.complete(args.method, settings) for settings in args.settings],
            "models": len(seeds),
            "passes": [schedule.passes(sizes) for schedule in schedules.values()],
            "seconds": seconds.mean(axis=1).tolist(),
            "epochs_separate": sum(len(schedule.epochs) for schedule in schedules.values()),
            "epochs_shared": sum(root.epochs() for root in tree(schedules, sizes).values()),
        },
    )


if __name__ == "__main__":
    run_program(main)
