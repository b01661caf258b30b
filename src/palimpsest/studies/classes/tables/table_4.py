"""CE-FT and ICE-FT over alpha (the paper's Table 4)."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from palimpsest.printing import Cell, stacked
from palimpsest.studies.classes.tables._rows import (
    beside_paper,
    lines_of,
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
    blocks = []
    for label, own in shown.groupby("label", sort=False):
        lines: dict[str, dict[Hashable, Cell]] = {line: {} for line in LINES}
        for method, part in own.groupby("method"):
            columns = {quantity: (method, title) for quantity, title in TITLES.items()}
            for line, cells in lines_of(part, columns, LINES).items():
                lines[line] |= cells
        blocks.append((str(label), lines))
    return found, stacked(blocks, ("", "α"), ("", ""), titles)


def _label(variant: str, alpha: float) -> str:
    """What tells a line: alpha, and other settings that a method has several values of."""
    others = [word for word in variant.split(", ")[1:] if not word.startswith("alpha ")]
    return ", ".join([f"{alpha:g}", *others])
