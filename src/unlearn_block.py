"""Put a block of originals through every setting of a method; leave their record and the costs."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from palimpsest import config, registry
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.files import MADE_BY, InputError, write_json
from palimpsest.models import predicts
from palimpsest.plans.plan import Plan
from palimpsest.population import OF, Population
from palimpsest.programs import (
    Parser,
    add_device,
    add_layers,
    add_models,
    json_maps,
    run_program,
)
from palimpsest.provenance import provenance
from palimpsest.records import ALWAYS, COMPARED, STATISTICS, Record, check_left
from palimpsest.sections import add_section, section

TOGETHER = 2**27
"""weights of finished models, 512 MB, that are kept to be compared with one run of the others"""


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--weights", type=Path, required=True, help="originals (.safetensors)")
    parser.add_argument(
        "--method", choices=registry.names("methods"), required=True, help="of unlearning"
    )
    parser.add_argument(
        "--settings",
        type=json_maps,
        required=True,
        help='JSON list of settings, for instance \'[{"lr": 0.01, "epochs": 5}]\'',
    )
    add_models(parser)
    add_section(parser, "model", "architecture of the originals")
    add_device(parser)
    parser.add_argument(
        "--oracles", type=Path,
        help="weights of the oracles, of which the first goes with the first original",
    )  # fmt: skip
    add_layers(parser)
    parser.add_argument(
        "--record", nargs="+", choices=sorted(STATISTICS), default=list(ALWAYS),
        help="statistics to keep of each setting and model at each point",
    )  # fmt: skip
    parser.add_argument("--out-record", type=Path, required=True, help="statistics (.npz)")
    parser.add_argument("--out-costs", type=Path, required=True, help="costs (.json)")
    args = parser.parse_args()

    # Here, so that --help and wrong words need not wait for torch.
    import torch

    from palimpsest.stacks.stack import Stack
    from palimpsest.training.captured import Trainer
    from palimpsest.training.data import TrainingData
    from palimpsest.training.device import open_device
    from palimpsest.training.distances import feature_layers
    from palimpsest.training.evaluate import measured_together, teacher
    from palimpsest.training.populations import (
        Stacks,
        builder,
        incompetent_states,
        progress_line,
        tensors,
    )
    from palimpsest.training.preparing import by_stack_size
    from palimpsest.training.sweep import run_sweep, together, tree
    from palimpsest.weights import check_network, check_originals, check_retrained, load_first

    model = section(args, "model")
    asked = predicts(model["name"])
    check_left(args.record, asked)
    by_oracle = [name for name in args.record if name.endswith("_to_oracle")]
    if by_oracle and args.oracles is None:
        raise InputError(f"--record names {by_oracle[0]}; needed: --oracles, from which it is")
    settings = config.complete(args.method, args.settings, "--settings")
    plans = {n: config.plan_of(args.method, setting) for n, setting in enumerate(settings)}
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    split.check_forgets(args.split)
    split.check_belongs(dataset, args.split)
    of = Population.unlearned(split, args.method, settings)
    states, metadata = load_first(args.weights, args.models)
    check_originals(metadata, split, args.weights)
    device = open_device(args.device, args.precision)
    build = builder(model, dataset)
    template = build()
    check_network(states, template, args.weights)
    oracles = {}
    if by_oracle:
        retrained, metadata = load_first(args.oracles, len(states))
        check_retrained(metadata, split, args.oracles)
        check_network(retrained, template, args.oracles)
        oracles = dict(zip(states, retrained.values(), strict=True))
    compared = bool(set(args.record) & set(COMPARED))
    if compared:
        feature_layers(template, args.layers)
    pool, pool_labels = tensors(dataset, device, asked)
    recorded, recorded_labels = pool[split.points], pool_labels[split.points]
    splits = {
        "forget": device.place(torch.from_numpy(split.forget)),
        "retain": device.place(torch.from_numpy(split.retain)),
        "train": device.place(torch.from_numpy(split.train)),
    }
    sizes = {name: len(indices) for name, indices in splits.items()}
    padding = getattr(dataset.encoding, "padding", None)
    shape = (len(plans), len(states))
    kept: dict[str, np.ndarray] = {}
    seconds = np.zeros(shape)
    seeds, started, through = list(states), time.perf_counter(), 0
    trainer = Trainer(device)

    def unlearn(own_plans: Mapping[int, Plan], keep: list[int], run: list[int], done: int) -> None:
        """A stack through its settings; what it needs beside itself is let go of at the end."""
        stack = Stack(template, [states[seed] for seed in run]).to(device.name)
        references = {"original": stack}
        if oracles:
            own = Stack(template, [oracles[seed] for seed in run])
            references["oracle"] = own.to(device.name)
        frozen = incompetent = None
        if any(plan.needs_teacher() for plan in own_plans.values()):
            frozen = teacher(stack, pool, pool_labels, device)
        if any(plan.needs("incompetent") for plan in own_plans.values()):
            untrained = Stack(template, incompetent_states(build, run)).to(device.name)
            incompetent = teacher(untrained, pool, pool_labels, device)
        data = TrainingData(
            pool, pool_labels, splits, dataset.classes, frozen, incompetent, padding
        )
        rows = slice(done, done + len(keep))
        outcomes = run_sweep(stack, own_plans, data=data, seeds=run, device=device, trainer=trainer)
        for several in together(outcomes, TOGETHER if compared else 0):
            measures = measured_together(
                [outcome.stack for outcome in several],
                recorded,
                recorded_labels,
                args.record,
                device,
                references,
                args.layers,
            )
            for outcome, found in zip(several, measures, strict=True):
                for name, values in found.items():
                    everything = kept.setdefault(
                        name, np.empty((*shape, *values.shape[1:]), values.dtype)
                    )
                    everything[outcome.name, rows] = values[: len(keep)]
                seconds[outcome.name, rows] = outcome.seconds

    for size, own_plans in by_stack_size(plans, args.stack).items():
        done = 0
        trainer.clear()
        stacks = Stacks(seeds, size, template, trainer)
        for keep, run in stacks:
            with stacks.tried():
                unlearn(own_plans, keep, run, done)
                done += len(keep)
                through += len(keep) * len(own_plans)
                line = progress_line("models through a setting", through, seconds.size, started)
                logging.info(line)

    made_by = provenance(vars(args) | {"model": model, "settings": settings}, args.device)
    labels = dataset.labels[split.points]
    Record(kept, split.points, np.array(seeds), labels, of).save(args.out_record, made_by)
    write_json(
        args.out_costs,
        {
            MADE_BY: made_by,
            OF: of.as_map(),
            "seeds": seeds,
            "method": args.method,
            "settings": settings,
            "models": len(seeds),
            "passes": [plan.passes(sizes) for plan in plans.values()],
            "seconds": seconds.mean(axis=1).tolist(),
            "epochs_separate": sum(len(plan.epochs) for plan in plans.values()),
            "epochs_shared": sum(root.epochs() for root in tree(plans, sizes).values()),
        },
    )


if __name__ == "__main__":
    run_program(main)
