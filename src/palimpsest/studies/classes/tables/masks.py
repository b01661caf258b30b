"""Fine-tuning and random labels behind masks, and the row of the class set to zero."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from palimpsest.studies.classes.tables._rows import table_of

INPUTS = ("table_accuracy", "table_accuracy_models", "table_mia_models")
METHODS = ("oracle", "nothing", "zero_row", "ft", "random_labels")
TITLES = {
    "UA": "UA", "RA": "RA", "MIA": "MIA-Efficacy", "TA": "TA", "average_gap": "Average gap",
}  # fmt: skip
LINES = ("this run", "95 % interval", "less FT")


def make(inputs: Mapping[str, list[Path]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers in tidy form, and under each other the lines of each method with each mask."""
    return table_of(inputs, METHODS, TITLES, LINES, prepared=True)
