"""What the tables of this study share: their numbers in tidy form, and the rows that show them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.printing import Cell, Interval, Value, stacked
from palimpsest.studies.classes.trials import (
    ORACLE,
    average_gaps,
    class_means,
    over_classes,
    read_trials,
    summary,
)
from palimpsest.tables import key_columns, read_table

DATA_SET = "CIFAR-10"
"""the data set of the paper's numbers that stand beside ours"""
COMPARED = "FT"
"""the variant that differences are taken from"""
COLUMNS = [
    "variant", "quantity", "mean", "sd", "gap", "low", "high", "difference", "difference_low",
    "difference_high", "p", "classes", "trials", "diverged",
]  # fmt: skip
"""of the numbers in tidy form"""


def read(inputs: Mapping[str, list[Path]], experiment: str) -> pd.DataFrame:
    """The trials of an experiment; ValueError if the oracles are not among them."""
    path = inputs[f"{experiment}_accuracy_models"][0]
    trials = read_trials(path, inputs[f"{experiment}_mia_models"][0])
    if "oracle" not in set(trials["method"]):
        found = ", ".join(trials["method"].unique())
        raise ValueError(f"{path}: holds {found}, and not oracle, from which gaps are measured")
    return trials


def numbers(trials: pd.DataFrame, accuracy: Path) -> pd.DataFrame:
    """All that is said of each variant: a row for each quantity, for the average of the gaps, and
    for the run time of one model in seconds, which `accuracy`, the table of the means, holds."""
    found = [summary(trials, COMPARED), _average_gaps(trials), _run_times(trials, accuracy)]
    return pd.concat(found, ignore_index=True).reindex(columns=COLUMNS)


def _average_gaps(trials: pd.DataFrame) -> pd.DataFrame:
    """The mean of a variant's gaps over the quantities, with its interval over classes."""
    by_class = {
        variant: own.dropna() for variant, own in average_gaps(class_means(trials)).iterrows()
    }
    base = by_class.get(COMPARED)
    rows = []
    for variant, own in by_class.items():
        row = {"variant": variant, "quantity": "average_gap", "mean": own.mean()}
        rows.append(row | over_classes(own, None if variant == COMPARED else base))
    return pd.DataFrame(rows)


def _run_times(trials: pd.DataFrame, accuracy: Path) -> pd.DataFrame:
    """Seconds per model: of unlearning alone, of the oracles their training; NaN where left out."""
    table = read_table(accuracy, ["forget_set", "method", "split", "seconds"])
    keys = key_columns(table)[:-1]
    named = trials.drop_duplicates([*keys, "variant"])[[*keys, "variant"]]
    seconds = table[table["split"] == "val"].merge(named, on=keys).groupby("variant")["seconds"]
    mean = seconds.mean().rename("mean").reset_index()
    return mean.assign(quantity="run_time")


def beside_paper(
    found: pd.DataFrame, printed: Path, table: int, on: Sequence[str] = ("variant",)
) -> pd.DataFrame:
    """The numbers and what the paper prints in its table of this number: paper_mean, _sd, _gap.

    `on`: the columns that hold the paper's method, and its alpha.
    """
    needed = ["table", "dataset", "method", "alpha", "quantity", "mean", "sd", "gap"]
    rows = read_table(printed, needed)
    rows = rows[(rows["table"] == table) & (rows["dataset"] == DATA_SET)]
    values = {name: f"paper_{name}" for name in ("mean", "sd", "gap")}
    keys = [*on, "quantity"]
    rows = rows.rename(columns={"method": on[0], **values})[[*keys, *values.values()]]
    return found.merge(rows, how="left", on=keys)


def ours(row: pd.Series) -> Value:
    """Mean ± sd (gap), without the oracles' gap from themselves."""
    return Value(row["mean"], row["sd"], np.nan if row["variant"] == ORACLE else row["gap"])


def interval(row: pd.Series) -> Interval:
    """The 95 % interval."""
    return Interval(row["low"], row["high"])


def difference(row: pd.Series) -> Interval:
    """The difference from FT with its 95 % interval."""
    return Interval(row["difference_low"], row["difference_high"], row["difference"])


def paper(row: pd.Series) -> Value:
    """What the paper prints."""
    return Value(row["paper_mean"], row["paper_sd"], row["paper_gap"])


LINES: dict[str, Callable[[pd.Series], Value | Interval]] = {
    "this run": ours,
    "95 % interval": interval,
    f"less {COMPARED}": difference,
    f"paper, {DATA_SET}": paper,
}
"""what a line of a table shows, by what it is called there"""


def lines_of(
    rows: pd.DataFrame, columns: Mapping[str, Hashable], lines: Sequence[str]
) -> dict[str, dict[Hashable, Cell]]:
    """The lines of one variant, line -> title -> cell, for the quantities of `columns`."""
    own = rows.set_index("quantity")
    return {
        line: {title: LINES[line](own.loc[quantity]) for quantity, title in columns.items()}
        for line in lines
    }


def variants(trials: pd.DataFrame, methods: Sequence[str], prepared: bool) -> list[str]:
    """The variants of some methods in their order, those with a preparation only if `prepared`."""
    kept = trials if prepared or "prepare" not in trials else trials[trials["prepare"].isna()]
    return [
        name for method in methods for name in kept[kept["method"] == method]["variant"].unique()
    ]


def table_of(
    inputs: Mapping[str, list[Path]],
    methods: Sequence[str],
    columns: Mapping[str, str],
    lines: Sequence[str],
    *,
    table: int | None = None,
    prepared: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers of some methods, and their lines under each other.

    `columns`: quantity -> its title; `lines`: names in LINES, which are left out where empty;
    `table`: the paper's table whose numbers stand beside; `prepared`: with preparations, too.
    """
    trials = read(inputs, "table")
    found = numbers(trials, inputs["table_accuracy"][0]).set_index("variant")
    found = found.loc[variants(trials, methods, prepared)].reset_index()
    if table is not None:
        found = beside_paper(found, inputs["printed"][0], table)
    blocks = (
        (str(variant), lines_of(own, columns, lines))
        for variant, own in found.groupby("variant", sort=False)
    )
    return found, stacked(blocks, "Methods", "", list(columns.values()))
