"""CE-FT and ICE-FT over alpha (the paper's Table 4)."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from palimpsest.printing import Cell
from palimpsest.studies.classes.tables._rows import (
    beside_paper,
    line_of,
    numbers,
    read,
    variants,
)
from palimpsest.studies.classes.trials import ORACLE

INPUTS = ("alpha_accuracy", "alpha_accuracy_models", "alpha_mia_models", "printed")
METHODS = ("oracle", "ce_ft", "ice_ft")
TITLES = {"UA": "UA", "MIA": "MIA", "RA": "RA", "TA": "Test"}
LINES = ("this run", "95 % interval", "paper, CIFAR-10")


def make(inputs: Mapping[str, list[Path]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers in tidy form, and the table as the paper lays it out: methods side by side."""
    trials = read(inputs, "alpha")
    found = numbers(trials, inputs["alpha_accuracy"][0]).set_index("variant")
    found = found.loc[variants(trials, METHODS, prepared=False)].reset_index()
    alpha = trials.drop_duplicates("variant").set_index("variant")["alpha"]
    found = found.assign(
        method=found["variant"].str.split(", ").str[0], alpha=found["variant"].map(alpha)
    )
    found = beside_paper(found, inputs["printed"][0], 4, ["method", "alpha"])
    shown = found[found["method"] != ORACLE]
    shown = shown.assign(label=[_label(*row) for row in shown[["variant", "alpha"]].to_numpy()])
    titles = [(method, title) for method in shown["method"].unique() for title in TITLES.values()]
    columns = pd.MultiIndex.from_tuples([("", "α"), ("", ""), *titles])
    rows: list[list[Cell]] = []
    for label, own in shown.groupby("label", sort=False):
        name = str(label)
        for line in LINES:
            cells = {
                (method, title): cell
                for method, part in own.groupby("method")
                for title, cell in line_of(part, TITLES, line).items()
            }
            if cells:
                rows.append([name, line, *(cells.get(title, "") for title in titles)])
                name = ""
    return found, pd.DataFrame(rows, columns=columns)


def _label(variant: str, alpha: float) -> str:
    """What tells a line: alpha, and other settings that a method has several values of."""
    others = [word for word in variant.split(", ")[1:] if not word.startswith("alpha ")]
    return ", ".join([f"{alpha:g}", *others])
