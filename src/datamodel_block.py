"""Train a block of models on random subsets of the training set; leave membership and margins."""

import logging
from pathlib import Path

import numpy as np

from palimpsest.arrays import write_arrays
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.models import predicts
from palimpsest.plans.recipe import recipe
from palimpsest.population import OF, Population
from palimpsest.programs import Parser, add_device, add_seeds, run_program, whole
from palimpsest.provenance import provenance
from palimpsest.sections import add_section, section


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="base split")
    parser.add_argument("--fraction", type=float, required=True, help="size of the subsets")
    add_seeds(parser)
    parser.add_argument(
        "--models-a-subset", type=whole(1), default=1,
        help="consecutive seeds that share a subset",
    )  # fmt: skip
    add_section(parser, "model", "architecture")
    add_section(parser, "training", "recipe")
    add_device(parser)
    parser.add_argument("--out", type=Path, required=True, help="membership and margins (.npz)")
    args = parser.parse_args()

    # Here, so that --help and wrong words need not wait for torch.
    import torch

    from palimpsest.datamodels.material import membership
    from palimpsest.training.device import open_device
    from palimpsest.training.evaluate import measured
    from palimpsest.training.populations import builder, tensors, train_population

    model, training = section(args, "model"), section(args, "training")
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    split.check_belongs(dataset, args.split)
    device = open_device(args.device, args.precision)
    build = builder(model, dataset)
    inputs, labels = tensors(dataset, device, predicts(model["name"]))
    seeds = range(args.first_seed, args.first_seed + args.models)
    train = torch.from_numpy(split.train)
    subset_seeds = [seed // args.models_a_subset for seed in seeds]
    chosen = dict(zip(seeds, membership(subset_seeds, len(train), args.fraction), strict=True))
    recorded, recorded_labels = inputs[train], labels[train]

    def subset(run: list[int]) -> torch.Tensor:
        """Pool indices of each model's subset, one column each."""
        return torch.stack([train[torch.from_numpy(chosen[seed])] for seed in run], dim=1)

    rows = []
    for trained in train_population(
        build,
        seeds,
        inputs=inputs,
        labels=labels,
        subset=subset,
        classes=dataset.classes,
        plan=recipe(**training),
        stack_size=args.stack,
        device=device,
        report=logging.info,
    ):
        found = measured(trained.stack, recorded, recorded_labels, ["margin"], device)
        rows.append(found["margin"][: len(trained.seeds)])
    arrays = {
        OF: Population.of("subset", split).as_array(),
        "chosen": np.stack([chosen[seed] for seed in seeds]),
        "margins": np.concatenate(rows),
        "seeds": np.array(seeds),
    }
    settings = vars(args) | {"model": model, "training": training}
    write_arrays(args.out, arrays, provenance(settings, args.device))


if __name__ == "__main__":
    run_program(main)
