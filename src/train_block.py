"""Train a block of models on the retain set of a split; leave their weights and margins.

On the base split, whose forget set is empty, these are originals; on the split of a forget set they
are oracles.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from palimpsest import arguments
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.margins import Margins
from palimpsest.models.stacks import StateDict
from palimpsest.models.weights import save_states
from palimpsest.programs import run_program
from palimpsest.training.evaluate import correct, logits, margins
from palimpsest.training.populations import train_population


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="split; its retain set is used")
    arguments.add_seeds(parser)
    arguments.add_model(parser)
    arguments.add_recipe(parser)
    arguments.add_device(parser)
    parser.add_argument("--out-weights", type=Path, help="weights (.safetensors); none if left out")
    parser.add_argument("--out-margins", type=Path, required=True, help="margins (.npz)")
    parser.add_argument("--out-logits", type=Path, help="logits (.npz), where a metric needs them")
    args = parser.parse_args()

    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    arguments.check_split(split, dataset, args.split)
    device = arguments.device(args)
    inputs, labels = arguments.tensors(dataset)
    retain = torch.from_numpy(split.retain)
    shown, shown_labels = device.place(inputs[split.points]), device.place(labels[split.points])
    states: dict[int, StateDict] = {}
    margin_rows, correct_rows, outputs = [], [], []
    for trained in train_population(
        arguments.build(args, dataset),
        arguments.seeds(args),
        inputs=inputs,
        labels=labels,
        subset=lambda _: retain,
        schedule=arguments.recipe(args),
        stack_size=args.stack,
        device=device,
        report=logging.info,
    ):
        count = len(trained.seeds)
        states.update(zip(trained.seeds, trained.stack.state_dicts()[:count], strict=True))
        output = logits(trained.stack, shown, device)[:, :count]
        margin_rows.append(margins(output, shown_labels).cpu().numpy())
        correct_rows.append(correct(output, shown_labels).cpu().numpy())
        if args.out_logits:
            outputs.append(output.cpu().numpy())
    if args.out_weights:
        metadata = {"train_checksum": split.train_checksum, "split_checksum": split.checksum}
        save_states(args.out_weights, states, arguments.provenance(args) | metadata)
    if args.out_logits:
        joined = np.concatenate(outputs, axis=1)
        arguments.save_logits(args.out_logits, joined, split.points, list(states))
    Margins(
        margins=np.concatenate(margin_rows),
        correct=np.concatenate(correct_rows),
        points=split.points,
        seeds=np.array(list(states)),
    ).save(args.out_margins)


if __name__ == "__main__":
    run_program(main)
