"""What the tables of this study share: their numbers in tidy form, and the rows that show them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from palimpsest.printing import Cell, Interval, Value, stacked
from palimpsest.studies.alignment.results import (
    SCENARIOS,
    SUBSETS,
    floor_of,
    named,
    read_printed,
    read_values,
    reported,
    summary,
)
from palimpsest.tables import read_table

COLUMNS = [
    "scenario", "method", "lr", "subset", "quantity", "mean", "sd", "low", "high", "difference",
    "difference_low", "difference_high", "models", "diverged", "members", "paper",
]  # fmt: skip
"""of the numbers in tidy form"""
TITLES = {"sample": "Sample unlearning", "class": "Class unlearning"}
Settings = Mapping[str, str]
ATTACK = "svm_training_accuracy"


def numbers(
    inputs: Mapping[str, list[Path]],
    experiment: str,
    quantities: Sequence[str],
    scenarios: Settings,
    tuning_models: int,
) -> pd.DataFrame:
    """What is said of each method, subset and quantity: methods at their chosen rates, on the
    models that no rate was chosen on."""
    values, _ = reported(read_values(inputs, experiment, scenarios), tuning_models)
    return summary(values[values["quantity"].isin(quantities)])


def beside_paper(found: pd.DataFrame, printed: Path, table: int, beside: Settings) -> pd.DataFrame:
    """The numbers with what the paper prints of `beside`, a data set and a model, in its table of
    this number: `paper`; the columns are COLUMNS."""
    rows = read_printed(printed)
    rows = rows[rows["table"] == str(table)]
    for key, name in beside.items():
        rows = rows[rows[key] == name]
    keys = ["scenario", "method", "subset", "quantity"]
    known = rows.fillna({"subset": ""}).set_index(keys)["value"]
    names = found[keys].astype(object).where(found[keys].notna(), "")
    told = names.join(known.rename("paper"), on=keys)["paper"]
    return found.assign(paper=told).reindex(columns=COLUMNS)


BY_ATTACK = {
    "logistic regression": "mia_logistic",
    "balanced": "mia_balanced",
    "logistic regression, balanced": "mia_logistic_balanced",
}
"""title -> the other attacks than the one that the paper prints"""
DECIMALS = dict.fromkeys(["activation", "mia", *BY_ATTACK.values()], 3)
"""of what is at most about 1, where two say too little of an interval"""


def value(row: pd.Series) -> Value:
    """Mean ± sd over models."""
    return Value(row["mean"], row["sd"], decimals=DECIMALS.get(row["quantity"], 2))


def worth(row: pd.Series) -> Value:
    """How often the attack is right, and how often it were, did it call all members."""
    return Value(row["mean"], gap=row["members"])


def difference(row: pd.Series) -> Interval:
    """The difference from retraining with its 95 % interval."""
    ends = row["difference_low"], row["difference_high"]
    return Interval(*ends, row["difference"], DECIMALS.get(row["quantity"], 2))


def paper(row: pd.Series) -> Value:
    """What the paper prints."""
    return Value(row["paper"])


Line = Callable[[pd.Series], Cell]
Make = Callable[..., tuple[pd.DataFrame, pd.DataFrame]]


def printed_table(
    table: int,
    quantity: str,
    *,
    experiment: str = "table",
    subsets: Sequence[str] = (),
    more: Mapping[str, str] | None = None,
    attack: bool = False,
) -> Make:
    """What makes the paper's table of this number, of one quantity: the numbers in tidy form, and
    for each method its lines under each other.

    `experiment`: what is shown; `subsets`: only these; `more`: further lines, title -> quantity;
    `attack`: a line that says what the attack is worth (of the table `table_mia`).
    """
    others = dict(more or {})

    def make(
        inputs: Mapping[str, list[Path]],
        *,
        scenarios: dict[str, str],
        tuning_models: int,
        beside: dict[str, str],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`scenarios` of the forget sets; `beside`: the paper's data set and model."""
        asked = [quantity, *others.values()]
        found = numbers(inputs, experiment, asked, scenarios, tuning_models)
        if subsets:
            found = found[found["subset"].isin(subsets)]
        if attack:
            found = pd.concat(
                [found, _attacks(inputs["table_mia"][0], found, scenarios)], ignore_index=True
            )
        found = beside_paper(found, inputs["printed"][0], table, beside)
        lines: dict[str, tuple[str, Line]] = {
            "this run": (quantity, value),
            **{title: (own, value) for title, own in others.items()},
            f"less {floor_of(quantity)}": (quantity, difference),
            f"paper, {', '.join(beside.values())}": (quantity, paper),
            **({"attack right (all members)": (ATTACK, worth)} if attack else {}),
        }
        return found, laid_out(found, lines)

    return make


def _attacks(path: Path, found: pd.DataFrame, scenarios: Settings) -> pd.DataFrame:
    """Of each row of `found` how often the support vector machine is right on the points that it
    has learnt from, and how often it were, had it called all of them members: parts, means over
    all models."""
    table = read_table(path, ["forget_set", "method", "split", ATTACK, "members"])
    table = named(table[table["split"] == "forget"], scenarios)
    keys = ["scenario", "method", "lr"]
    own = (
        found[[*keys, "subset"]].drop_duplicates().merge(table[[*keys, ATTACK, "members"]], on=keys)
    )
    return own.rename(columns={ATTACK: "mean"}).assign(quantity=ATTACK)


def laid_out(found: pd.DataFrame, lines: Mapping[str, tuple[str, Line]]) -> pd.DataFrame:
    """The lines of each method, title -> quantity and cell, over scenarios and their subsets."""
    there = found[["scenario", "subset"]].drop_duplicates()
    titles = {
        (scenario, subset): (TITLES[scenario], subset)
        for scenario in SCENARIOS
        for subset in SUBSETS[scenario].values()
        if ((there["scenario"] == scenario) & (there["subset"] == subset)).any()
    }
    blocks = []
    for method in dict.fromkeys(found["method"]):
        own = found[found["method"] == method]
        cells: dict[str, dict[Hashable, Cell]] = {line: {} for line in lines}
        for line, (quantity, cell) in lines.items():
            for _, row in own[own["quantity"] == quantity].iterrows():
                cells[line][titles[row["scenario"], row["subset"]]] = cell(row)
        blocks.append((_named(method, own), cells))
    return stacked(blocks, ("", "Methods"), ("", ""), list(titles.values()))


def _named(method: str, rows: pd.DataFrame) -> str:
    """A method, and how many of its models diverged where some did."""
    lost = int(rows["diverged"].max())
    return f"{method} ({lost} of {int(rows['models'].max())} diverged)" if lost else method
