"""Train a block of models on the retain set of a split; leave their weights and their record.

On the base split, whose forget set is empty, these are originals; on the split of a forget set they
are oracles.
"""

import logging
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.files import MADE_BY, write_json
from palimpsest.models import predicts
from palimpsest.plans.recipe import recipe
from palimpsest.population import OF, Population
from palimpsest.programs import Parser, add_device, add_seeds, run_program
from palimpsest.provenance import provenance
from palimpsest.records import ALWAYS, COMPARED, STATISTICS, Record, check_left
from palimpsest.sections import add_section, section


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="split; its retain set is used")
    add_seeds(parser)
    add_section(parser, "model", "architecture")
    add_section(parser, "training", "recipe")
    add_device(parser)
    parser.add_argument(
        "--record", nargs="+", choices=sorted({*STATISTICS} - {*COMPARED}), default=list(ALWAYS),
        help="statistics to keep of each model at each point",
    )  # fmt: skip
    parser.add_argument("--out-weights", type=Path, help="weights (.safetensors); none if left out")
    parser.add_argument("--out-record", type=Path, required=True, help="statistics (.npz)")
    parser.add_argument("--out-costs", type=Path, help="costs (.json); none if left out")
    args = parser.parse_args()

    # Here, so that --help and wrong words need not wait for torch.
    import torch

    from palimpsest.stacks.stack import StateDict
    from palimpsest.training.device import open_device
    from palimpsest.training.evaluate import measured
    from palimpsest.training.populations import builder, tensors, train_population
    from palimpsest.weights import save_states, trained_on

    model, training = section(args, "model"), section(args, "training")
    asked = predicts(model["name"])
    check_left(args.record, asked)
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    split.check_belongs(dataset, args.split)
    device = open_device(args.device, args.precision)
    build = builder(model, dataset)
    inputs, labels = tensors(dataset, device, asked)
    recorded, recorded_labels = inputs[split.points], labels[split.points]
    retain = torch.from_numpy(split.retain)
    states: dict[int, StateDict] = {}
    parts, seconds = [], 0.0
    for trained in train_population(
        build,
        range(args.first_seed, args.first_seed + args.models),
        inputs=inputs,
        labels=labels,
        subset=lambda _: retain,
        classes=dataset.classes,
        plan=recipe(**training),
        stack_size=args.stack,
        device=device,
        report=logging.info,
    ):
        count = len(trained.seeds)
        states.update(zip(trained.seeds, trained.stack.state_dicts()[:count], strict=True))
        found = measured(trained.stack, recorded, recorded_labels, args.record, device)
        parts.append({name: values[:count] for name, values in found.items()})
        seconds += trained.seconds
    made_by = provenance(vars(args) | {"model": model, "training": training}, args.device)
    if args.out_weights:
        save_states(args.out_weights, states, made_by | trained_on(split))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in args.record}
    labels, of = dataset.labels[split.points], Population.trained_on(split)
    record = Record(joined, split.points, np.array(list(states)), labels, of)
    record.save(args.out_record, made_by)
    if args.out_costs:
        write_json(
            args.out_costs,
            {
                MADE_BY: made_by,
                OF: of.as_map(),
                "models": len(states),
                "seconds": seconds / len(states),
            },
        )


if __name__ == "__main__":
    run_program(main)
