"""KLoM of every method at its chosen rate, beside what retrained models score."""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import PARTS
from palimpsest.printing import Cell, Interval, Value, stacked
from palimpsest.studies.alignment.results import (
    SCENARIOS,
    SUBSETS,
    choose_rates,
    in_order,
    read_chosen_klom,
    read_values,
)
from palimpsest.studies.alignment.tables._rows import TITLES

TASKS = ("image classification", "text classification", "text generation")
INPUTS = ("table_klom", "table_quality_models")
LINES: dict[str, Callable[[pd.Series], Cell]] = {
    "KLoM": lambda row: Value(row["mean"]),
    "95 % interval": lambda row: Interval(row["low"], row["high"]),
    "null floor": lambda row: Value(row["floor"]),
}


def make(
    inputs: Mapping[str, list[Path]], *, scenarios: dict[str, str], tuning_models: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each method and set of points, in nats; all test points are one set here."""
    rates = choose_rates(read_values(inputs, "table", scenarios), tuning_models)
    klom, _ = read_chosen_klom(inputs, rates, scenarios)
    assert klom is not None  # it is among the inputs
    rows = [
        {
            "scenario": row["scenario"], "method": row["method"], "lr": row["lr"],
            "subset": SUBSETS["sample"][part], "mean": row[f"{part}_klom"],
            "low": row[f"{part}_low"], "high": row[f"{part}_high"], "floor": row[f"{part}_null"],
        }
        for _, row in klom.iterrows() for part in PARTS
    ]  # fmt: skip
    found = in_order(pd.DataFrame(rows))
    titles = [
        (TITLES[scenario], subset)
        for scenario in SCENARIOS
        for subset in SUBSETS["sample"].values()
    ]
    blocks: list[tuple[str, dict[str, dict[Hashable, Cell]]]] = []
    for method, own in found.groupby("method", sort=False):
        placed = {(TITLES[row["scenario"]], row["subset"]): row for _, row in own.iterrows()}
        blocks.append((str(method), {
            line: {title: cell(row) for title, row in placed.items()}
            for line, cell in LINES.items()
        }))  # fmt: skip
    return found, stacked(blocks, ("", "Methods"), ("", ""), titles)
