"""How far each oracle of a block is from the original of its place, and from the oracle after it.

The distances that unlearned models have from their original and their oracle stand beside these:
two models that were retrained with other seeds are apart, too.
"""

import logging
import time
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.models import predicts
from palimpsest.population import Population
from palimpsest.programs import Parser, add_device, add_layers, add_models, run_program
from palimpsest.provenance import provenance
from palimpsest.records import ALWAYS, COMPARED, Record
from palimpsest.sections import add_section, section


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--weights", type=Path, required=True, help="oracles (.safetensors)")
    parser.add_argument(
        "--after", type=Path,
        help="oracles, the first of which comes after the last (default: those of --weights)",
    )  # fmt: skip
    parser.add_argument("--originals", type=Path, required=True, help="originals (.safetensors)")
    add_models(parser)
    add_section(parser, "model", "architecture")
    add_device(parser)
    add_layers(parser)
    parser.add_argument(
        "--record", nargs="+", choices=COMPARED, default=list(COMPARED), help="distances to keep"
    )
    parser.add_argument("--out-record", type=Path, required=True, help="statistics (.npz)")
    args = parser.parse_args()

    # Here, so that --help and wrong words need not wait for torch.
    from palimpsest.stacks.stack import Stack
    from palimpsest.training.device import open_device
    from palimpsest.training.evaluate import measured
    from palimpsest.training.populations import builder, progress_line, stacks_of, tensors
    from palimpsest.weights import check_network, check_originals, check_retrained, load_first

    model, after = section(args, "model"), args.after or args.weights
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    split.check_belongs(dataset, args.split)
    device = open_device(args.device, args.precision)
    template = builder(model, dataset)()
    oracles, trained_on = load_first(args.weights, args.models)
    check_retrained(trained_on, split, args.weights)
    following, trained_on = load_first(after, 1)
    check_retrained(trained_on, split, after)
    originals, trained_on = load_first(args.originals, len(oracles))
    check_originals(trained_on, split, args.originals)
    seeds = list(oracles)
    if seeds[-1] in following:
        raise InputError(
            f"{after}: begins with the oracle of seed {seeds[-1]}, the last of {args.weights}; "
            "needed: another oracle to compare it with"
        )
    for states, path in (
        (oracles, args.weights), (following, after), (originals, args.originals)
    ):  # fmt: skip
        check_network(states, template, path)
    _, *later = [*oracles.values(), *following.values()]
    others = {
        "oracle": dict(zip(seeds, later, strict=True)),
        "original": dict(zip(seeds, originals.values(), strict=True)),
    }
    inputs, labels = tensors(dataset, device, predicts(model["name"]))
    inputs, labels = inputs[split.points], labels[split.points]
    names, parts, started = [*ALWAYS, *args.record], [], time.perf_counter()
    for keep, run in stacks_of(seeds, args.stack, template):
        stacks = [
            Stack(template, [states[seed] for seed in run]).to(device.name)
            for states in (oracles, *others.values())
        ]
        references = dict(zip(others, stacks[1:], strict=True))
        found = measured(stacks[0], inputs, labels, names, device, references, args.layers)
        parts.append({name: values[: len(keep)] for name, values in found.items()})
        done = sum(len(part["margin"]) for part in parts)
        logging.info(progress_line("models compared", done, len(seeds), started))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
    labels, of = dataset.labels[split.points], Population.trained_on(split)
    record = Record(joined, split.points, np.array(seeds), labels, of)
    record.save(args.out_record, provenance(vars(args) | {"model": model}, args.device))


if __name__ == "__main__":
    run_program(main)
