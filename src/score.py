"""Score settings of a method on a forget set against the oracles, by every metric of a study."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import config, registry
from palimpsest.costs import add_seconds, cost_of, load_unlearned
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.oracles import load_oracles
from palimpsest.parts import scored_on, write_parts
from palimpsest.programs import Parser, add_models, json_maps, run_program, whole
from palimpsest.provenance import provenance
from palimpsest.records import load_population
from palimpsest.references import read_references
from palimpsest.scoring import metric_rows
from palimpsest.sections import add_metrics, metrics_of


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument(
        "--method", choices=registry.names("methods"), required=True, help="of unlearning"
    )
    parser.add_argument(
        "--settings", type=json_maps, help="JSON list of those to score (default: all recorded)"
    )
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--records", type=Path, nargs="+", required=True, help="blocks (.npz)")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, help="likewise (.json)")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--references", type=Path, required=True, help="of the oracles (.json)")
    parser.add_argument("--training-epochs", type=whole(1), required=True, help="of one oracle")
    add_models(parser)
    add_seconds(parser)
    add_metrics(parser)
    parser.add_argument("--out", type=Path, required=True, help="parts of tables (.json)")
    args = parser.parse_args()

    split, metrics = Split.load(args.split), metrics_of(args)
    split.check_forgets(args.split)
    oracles = load_oracles(args.oracles, split, args.forget_set, args.models)
    originals = load_population(args.originals, split, "original")
    unlearned, costs = load_unlearned(args.records, args.costs, split, args.method)
    models = len(unlearned.seeds) if args.models is None else args.models
    originals, unlearned = (record.first(models) for record in (originals, unlearned))
    if not np.array_equal(unlearned.seeds, originals.seeds):
        raise InputError(
            f"{args.records[0]}: its models have other seeds than those of {args.originals[0]}; "
            "needed: the originals that they started from"
        )
    references = read_references(args.references, metrics, oracles, split)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in metrics}
    settings_of = {n: config.flat(costs[0]["settings"][n]) for n in chosen(args, costs)}
    columns = dict.fromkeys(name for setting in settings_of.values() for name in setting)
    for number, setting in settings_of.items():
        population = unlearned.setting(number)
        head = {"forget_set": args.forget_set, "method": args.method} | columns | setting
        cost = cost_of(number, costs, args.training_epochs * len(split.retain), args.seconds)
        found = metric_rows(metrics, population, originals, oracles, split, references, head, cost)
        for name, part in found.items():
            rows.setdefault(name, []).extend(part)
    sharing = {
        "forget_set": args.forget_set,
        "method": args.method,
        "epochs_separate": costs[0]["epochs_separate"],
        "epochs_shared": costs[0]["epochs_shared"],
    }
    tables = {name: pd.DataFrame(part) for name, part in (rows | {"sharing": [sharing]}).items()}
    write_parts(args.out, tables, scored_on(split, args.forget_set), provenance(vars(args)))


def chosen(args: argparse.Namespace, costs: list[dict[str, Any]]) -> list[int]:
    """Places of the settings to score among those recorded; InputError for one that is not."""
    recorded: list[dict[str, Any]] = costs[0]["settings"]
    if args.settings is None:
        return list(range(len(recorded)))
    wanted = config.complete(args.method, args.settings, "--settings")
    for setting in wanted:
        if setting not in recorded:
            raise InputError(f"{args.costs[0]}: nothing was recorded for the setting {setting}")
    return [recorded.index(setting) for setting in wanted]


if __name__ == "__main__":
    run_program(main)
