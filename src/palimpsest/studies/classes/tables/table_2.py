"""Fine-tuning and its regularised forms (the paper's Table 2)."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from palimpsest.studies.classes.tables._rows import table_of

INPUTS = ("table_accuracy", "table_accuracy_models", "table_mia_models", "printed")
METHODS = ("oracle", "ft", "sparse_ft", "ce_ft", "ice_ft", "kl_ft")
TITLES = {
    "UA": "UA", "MIA": "MIA-Efficacy", "RA": "RA", "TA": "TA", "average_gap": "Average gap",
    "run_time": "Run Time",
}  # fmt: skip
LINES = ("this run", "95 % interval", "paper, CIFAR-10")


def make(inputs: Mapping[str, list[Path]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers in tidy form, and the table as the paper lays it out."""
    return table_of(inputs, METHODS, TITLES, LINES, table=2)
