"""Choose a forget set in the training set of a base split and write the split that has it."""

import logging
from pathlib import Path

from palimpsest import config, registry
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.datamodels.estimate import Estimate
from palimpsest.programs import Parser, json_map, run_program


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--split", type=Path, required=True, help="the base split, .json")
    parser.add_argument(
        "--definition",
        type=json_map,
        required=True,
        help='the kind and its settings, JSON: \'{"kind": "random", "size": 30, "seed": 0}\'',
    )
    parser.add_argument("--estimate", type=Path, help="of a datamodel, .json")
    parser.add_argument("--dataset", type=Path, help="dataset.npz, for a kind of whole classes")
    parser.add_argument("--out", type=Path, required=True, help="the split with its forget set")
    args = parser.parse_args()

    settings = config.section("forget_set", args.definition, "--definition")
    kind, base = settings.pop("kind"), Split.load(args.split)
    module = registry.module("data/forget_sets", kind)
    needs, alike = getattr(module, "NEEDS", ()), getattr(module, "alike", None)
    for need, given in (("estimate", "estimate"), ("labels", "dataset")):
        if need in needs and getattr(args, given) is None:
            raise ValueError(f"a forget set of kind {kind} also needs --{given}")
    estimate = Estimate.load(args.estimate) if "estimate" in needs else None
    labels = None
    if "labels" in needs:
        dataset = Dataset.load(args.dataset)
        base.check_belongs(dataset, args.split)
        labels = dataset.groups_or_labels
    chosen = registry.make("data/forget_sets", kind, base, estimate, labels, settings=settings)
    split = base.with_forget(chosen, alike(base, labels, **settings) if alike else ())
    split.save(args.out)
    logging.info("%d points to forget, %d to retain", len(split.forget), len(split.retain))


if __name__ == "__main__":
    run_program(main)
