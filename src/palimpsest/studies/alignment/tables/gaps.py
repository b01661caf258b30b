"""How far each method is from retraining on all subsets together, and from RFA in that."""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.intervals import interval
from palimpsest.printing import Cell, Interval, Value, stacked
from palimpsest.studies.alignment.results import (
    METHODS,
    ORACLE,
    QUALITY,
    SCENARIOS,
    differences,
    in_order,
    read_values,
    reported,
)
from palimpsest.studies.alignment.tables._rows import TITLES

TASKS = ("image classification", "text classification", "text generation")
INPUTS = ("table_quality_models",)
RFA = METHODS["rfa"]
LINES: dict[str, Callable[[pd.Series], Cell]] = {
    "average gap": lambda row: Value(row["mean"]),
    "95 % interval": lambda row: Interval(row["low"], row["high"]),
    f"less {RFA}'s": lambda row: Interval(
        row["difference_low"], row["difference_high"], row["difference"]
    ),
}


def make(
    inputs: Mapping[str, list[Path]], *, scenarios: dict[str, str], tuning_models: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of each method the average gap with its 95 % interval over models, and how much it is above
    RFA's, paired by model."""
    values, _ = reported(read_values(inputs, "table", scenarios), tuning_models)
    by_model = average_gaps(values)
    rows = []
    for (scenario, method), own in by_model.groupby(["scenario", "method"], sort=False):
        row = {"scenario": scenario, "method": method, **_interval("", own["gap"])}
        other = by_model[(by_model["scenario"] == scenario) & (by_model["method"] == RFA)]
        if method != RFA and len(other):
            apart = own.set_index("place")["gap"] - other.set_index("place")["gap"]
            row |= _interval("difference", apart)
        rows.append(row | {"models": len(own)})
    found = in_order(pd.DataFrame(rows))
    blocks: list[tuple[str, dict[str, dict[Hashable, Cell]]]] = []
    for method, own in found.groupby("method", sort=False):
        by_title = {TITLES[row["scenario"]]: row for _, row in own.iterrows()}
        blocks.append((str(method), {
            line: {title: cell(row) for title, row in by_title.items()}
            for line, cell in LINES.items()
        }))  # fmt: skip
    there = [TITLES[name] for name in SCENARIOS if name in set(found["scenario"])]
    return found, stacked(blocks, "Methods", "", there)


def average_gaps(values: pd.DataFrame) -> pd.DataFrame:
    """scenario, method, place, gap: of every model the mean over the subsets of how far it is from
    the oracle of its place, in points or 100 times the logarithm of a ratio.

    Single models differ by chance as well: the second retrained model has what two retrainings
    have, the least that can be asked for.
    """
    own = values[values["quantity"].isin(QUALITY)]
    own = own.assign(gap=differences(own, logarithm=True).abs())
    grouped = own[own["method"] != ORACLE].groupby(["scenario", "method", "place"], sort=False)
    return in_order(grouped["gap"].mean().reset_index())


def _interval(name: str, values: pd.Series) -> dict[str, float]:
    """Mean and ends of the interval of one value a model, under a name."""
    mean, _, half, _ = interval(values[np.isfinite(values)].to_numpy())
    keys = (name, f"{name}_low", f"{name}_high") if name else ("mean", "low", "high")
    return dict(zip(keys, (mean, mean - half, mean + half), strict=True))
