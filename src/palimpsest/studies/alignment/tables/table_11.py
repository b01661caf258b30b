"""Seconds of unlearning and of retraining (the paper's Table XI)."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.printing import Cell, Value, stacked
from palimpsest.studies.alignment.results import (
    ORACLE,
    SCENARIOS,
    choose_rates,
    chosen,
    read_costs,
    read_values,
)
from palimpsest.studies.alignment.tables._rows import TITLES, beside_paper

TASKS = ("image classification", "text classification", "text generation")
INPUTS = ("table_quality", "table_quality_models", "printed")
LINES = {
    "this run": "mean", "saved of Retrain's (%)": "saved",
    "gradient passes, of Retrain's (%)": "passes",
}  # fmt: skip
PAPER = {"paper, {}": "paper", "paper, {}, saved of Retrain's (%)": "paper_saved"}


def make(
    inputs: Mapping[str, list[Path]],
    *,
    scenarios: dict[str, str],
    tuning_models: int,
    beside: dict[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Seconds of one model, what they save of a retraining, and the points whose gradient is taken;
    of the paper of its model, on whatever data set. Empty where seconds are left out."""
    values = read_values(inputs, "table", scenarios)
    costs = chosen(
        read_costs(inputs["table_quality"][0], scenarios), choose_rates(values, tuning_models)
    )
    found = costs.rename(columns={"seconds": "mean"}).assign(quantity="seconds", subset=np.nan)
    printed = beside_paper(found, inputs["printed"][0], 11, {"model": beside["model"]})
    found = found.assign(paper=printed["paper"].to_numpy())
    found = found.assign(
        saved=_saved(found, "mean"), passes=100 * found["relative_cost"],
        paper_saved=_saved(found, "paper"),
    )  # fmt: skip
    columns = LINES | {title.format(beside["model"]): name for title, name in PAPER.items()}
    blocks: list[tuple[str, dict[str, dict[Hashable, Cell]]]] = []
    for method, own in found.groupby("method", sort=False):
        by_scenario = own.set_index("scenario")
        blocks.append((str(method), {
            title: {TITLES[name]: Value(row[column]) for name, row in by_scenario.iterrows()}
            for title, column in columns.items()
        }))  # fmt: skip
    there = [TITLES[name] for name in SCENARIOS if name in set(found["scenario"])]
    order = [
        "scenario",
        "method",
        "lr",
        "quantity",
        "mean",
        "saved",
        "passes",
        "paper",
        "paper_saved",
    ]
    return found[order], stacked(blocks, "Methods", "", there)


def _saved(found: pd.DataFrame, column: str) -> pd.Series:
    """Of each row the part of Retrain's seconds that it does not take, in percent."""
    retrained = found[found["method"] == ORACLE].set_index("scenario")[column]
    saved = 100 * (1 - found[column] / found["scenario"].map(retrained))
    return saved.where(found["method"] != ORACLE)
