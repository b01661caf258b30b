"""What the oracles of a forget set decide alone: floors and other references, their own scores.

The references (the null floor of KLoM, say) go into every score against these oracles.
"""

from pathlib import Path

import pandas as pd

from palimpsest import registry
from palimpsest.costs import add_seconds, oracle_seconds
from palimpsest.data.splits import Split
from palimpsest.oracles import load_oracles
from palimpsest.parts import scored_on, write_parts
from palimpsest.programs import Parser, add_models, run_program
from palimpsest.provenance import provenance
from palimpsest.records import load_population
from palimpsest.references import write_references
from palimpsest.scoring import metric_rows
from palimpsest.sections import add_metrics, metrics_of


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--forget-set", required=True, help="its name, for the table")
    parser.add_argument("--split", type=Path, required=True, help="split of the forget set")
    parser.add_argument("--oracles", type=Path, nargs="+", required=True, help="records (.npz)")
    parser.add_argument("--costs", type=Path, nargs="*", default=[], help="of their training")
    parser.add_argument(
        "--compared", type=Path, nargs="*", default=[],
        help="records of how far each is from others (compare_block), for metrics that need it",
    )  # fmt: skip
    add_models(parser)
    add_seconds(parser)
    add_metrics(parser)
    parser.add_argument("--out-references", type=Path, required=True, help="by metric (.json)")
    parser.add_argument("--out-parts", type=Path, required=True, help="parts of tables (.json)")
    args = parser.parse_args()

    split = Split.load(args.split)
    split.check_forgets(args.split)
    oracles = load_oracles(args.oracles, split, args.forget_set, args.models)
    if args.compared:
        oracles = oracles.beside(
            load_population(args.compared, split, "oracle").first(len(oracles.seeds))
        )
    references, parts = {}, {}
    head = {"forget_set": args.forget_set, "method": "oracle"}
    # one training of an oracle is the unit of cost
    cost = {"relative_cost": 1.0, "seconds": oracle_seconds(args.costs, args.seconds, split)}
    metrics, made_by = metrics_of(args, on_oracles=True), provenance(vars(args))
    for name, settings in metrics.items():
        metric = registry.module("metrics", name)
        if hasattr(metric, "reference"):
            own = registry.accepted(metric.reference, settings)
            references[name] = metric.reference(oracles, split, **own)
        if metric.OF_ORACLES:
            own = registry.accepted(metric.rows, settings)
            rows = metric_rows({name: own}, oracles, None, oracles, split, references, head, cost)
            parts |= {table: pd.DataFrame(part) for table, part in rows.items()}
    write_references(args.out_references, references, metrics, oracles, split, made_by)
    write_parts(args.out_parts, parts, scored_on(split, args.forget_set), made_by)


if __name__ == "__main__":
    run_program(main)
