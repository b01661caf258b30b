"""From records to rows of tables: metrics of a setting, and KLoM as the number of models grows.

The redrawn scores of a metric go into a table of their own, NAME_redraws, with the same keys; what
each model scored into NAME_models, with the model's seed after them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest import registry
from palimpsest.data.splits import PARTS, Split
from palimpsest.klom import (
    klom,
    klom_intervals,
    null_floor,
    redrawn_percentiles,
    set_percentiles,
)
from palimpsest.records import Record

Rows = dict[str, list[dict[str, Any]]]
"""name of a table -> its rows"""
Settings = Mapping[str, Any]
REDRAWS = "_redraws"
"""after the name of a table: that of the table of its redrawn scores"""
MODELS = "_models"
"""after the name of a table: that of the table of what each model scored"""
NULL_CHECK = (
    "forget_set", "n_models", "split", "percentile", "null", "second_oracle", "ci_low", "ci_high",
)  # fmt: skip


def metric_rows(
    metrics: Mapping[str, Settings],
    record: Record,
    original: Record | None,
    oracle: Record,
    split: Split,
    references: Mapping[str, Any],
    head: Settings,
    tail: Settings,
) -> Rows:
    """What each of the metrics (name to settings) finds of one population.

    `head` are the keys of its rows left of `split`, `tail` are columns after the results.
    """
    found: Rows = {}
    for name, settings in metrics.items():
        metric = registry.module("metrics", name)
        rows = metric.rows(record, original, oracle, split, references.get(name), **settings)
        for row in rows:
            redraws, models = row.pop("redraws", None), row.pop("models", None)
            found.setdefault(name, []).append({**head, **row, **tail})
            keys = {**head, "split": row["split"]}
            if redraws is not None:
                found.setdefault(name + REDRAWS, []).append(keys | _numbered(redraws))
            if models is not None:
                found.setdefault(name + MODELS, []).extend(_by_model(keys, record, models))
    return found


def number_of_models_rows(
    original: Record,
    oracle: Record,
    second_oracle: Record | None,
    split: Split,
    numbers: Sequence[int],
    head: Settings,
    *,
    percentile: float,
    null_repeats: int,
    redraws: int,
    **settings: Any,
) -> Rows:
    """KLoM of the first n originals, and second oracles, against the first n oracles, for each n.

    The settings are those of the metric klom. The table null_check, whose columns are NULL_CHECK,
    has what a second oracle population truly scores beside the simulated floor.
    """
    columns = {part: split.columns(part) for part in PARTS}
    oracles = oracle["margin"]
    compared = {"original": original["margin"]}
    if second_oracle is not None:
        compared["second_oracle"] = second_oracle["margin"]

    def floors(n: int) -> dict[str, float]:
        """Null floor of n models against n, per set of points."""
        simulated = null_floor(
            oracles,
            columns,
            unlearned_models=n,
            oracle_models=n,
            repeats=null_repeats,
            percentile=percentile,
            **settings,
        )
        return {part: float(values.mean()) for part, values in simulated.items()}

    found: Rows = {"number_of_models": [], "number_of_models" + REDRAWS: [], "null_check": []}
    for n in numbers:
        null = floors(n)
        for comparison, margins in compared.items():
            if n > min(len(margins), len(oracles)):
                continue
            keys = {**head, "comparison": comparison, "n_models": n}
            points = klom(margins[:n], oracles[:n], **settings)
            scores = set_percentiles(points, columns, percentile=percentile)
            for part in PARTS:
                own = {"percentile": percentile, "klom": float(scores[part]), "null": null[part]}
                found["number_of_models"].append({**keys, "split": part, **own})
            if comparison == "original":
                redrawn = redrawn_percentiles(
                    margins, margins, oracles, columns,
                    models=n, repeats=redraws, percentile=percentile, **settings,
                )  # fmt: skip
                for part, values in redrawn.items():
                    numbered = _numbered(values.tolist())
                    found["number_of_models" + REDRAWS].append({**keys, "split": part, **numbered})
    if second_oracle is not None:
        second = compared["second_oracle"]
        n = min(len(second), len(oracles))
        null = floors(n)
        intervals = klom_intervals(
            second[:n], oracles[:n], columns, repeats=redraws, percentile=percentile, **settings
        )
        for part in PARTS:
            interval = intervals[part]
            found["null_check"].append({
                **head, "n_models": n, "split": part, "percentile": percentile, "null": null[part],
                "second_oracle": interval.score, "ci_low": interval.ci_low,
                "ci_high": interval.ci_high,
            })  # fmt: skip
    return found


def _by_model(
    keys: Settings, record: Record, models: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """A row for each model: the keys, its seed, what it scored."""
    names, values = list(models), zip(*models.values(), strict=True)
    scored = (dict(zip(names, own, strict=True)) for own in values)
    return [
        {**keys, "seed": int(seed), **own} for seed, own in zip(record.seeds, scored, strict=False)
    ]


def _numbered(redraws: Sequence[float]) -> dict[str, float]:
    return {f"redraw_{place}": value for place, value in enumerate(redraws)}
