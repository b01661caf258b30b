"""Train a block of models on random halves of the training set; leave membership and margins."""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from palimpsest import arguments
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.datamodels.half_subsets import membership
from palimpsest.files import atomic_path
from palimpsest.programs import run_program
from palimpsest.training.evaluate import logits, margins
from palimpsest.training.populations import train_population


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="base split")
    parser.add_argument("--fraction", type=float, default=0.5, help="size of the subsets")
    arguments.add_seeds(parser)
    arguments.add_model(parser)
    arguments.add_recipe(parser)
    arguments.add_device(parser)
    parser.add_argument("--out", type=Path, required=True, help="membership and margins (.npz)")
    args = parser.parse_args()

    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    arguments.check_split(split, dataset, args.split)
    device = arguments.device(args)
    inputs, labels = arguments.tensors(dataset)
    seeds, train = arguments.seeds(args), torch.from_numpy(split.train)
    chosen = dict(zip(seeds, membership(seeds, len(train), args.fraction), strict=True))
    shown, shown_labels = device.place(inputs[train]), device.place(labels[train])

    def subset(run: list[int]) -> torch.Tensor:
        """Pool indices of each model's half, one column each."""
        return torch.stack([train[torch.from_numpy(chosen[seed])] for seed in run], dim=1)

    rows = []
    for trained in train_population(
        arguments.build(args, dataset),
        seeds,
        inputs=inputs,
        labels=labels,
        subset=subset,
        schedule=arguments.recipe(args),
        stack_size=args.stack,
        device=device,
        report=logging.info,
    ):
        output = logits(trained.stack, shown, device)[:, : len(trained.seeds)]
        rows.append(margins(output, shown_labels).cpu().numpy())
    with atomic_path(args.out) as temporary:
        np.savez(
            temporary,
            chosen=np.stack([chosen[seed] for seed in seeds]),
            margins=np.concatenate(rows),
            seeds=np.array(seeds),
        )


if __name__ == "__main__":
    run_program(main)
