"""The learning rate of each method, and what the others of its grid would have given."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from palimpsest.printing import Value
from palimpsest.studies.alignment.results import choose_rates, read_values
from palimpsest.studies.alignment.tables._rows import TITLES

TASKS = ("image classification", "text classification", "text generation")
INPUTS = ("table_quality_models",)


def make(
    inputs: Mapping[str, list[Path]],
    *,
    scenarios: dict[str, str],
    tuning_models: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every rate with its gap to retraining on the models that rates are chosen on; and a line for
    each method with its choice."""
    rates = choose_rates(read_values(inputs, "table", scenarios), tuning_models)
    rows, told = [], ""
    for (scenario, method), own in rates.groupby(["scenario", "method"], sort=False):
        best = own[own["chosen"]].iloc[0]
        others = own[~own["chosen"]]
        title = TITLES[str(scenario)]
        rows.append({
            "Scenario": title if title != told else "",
            "Method": str(method),
            "Rate": f"{best['lr']:g}",
            "Gap": Value(best["gap"]),
            "Gap at the other rates": ", ".join(
                f"{row['lr']:g}: {Value(row['gap']).markdown()}" for _, row in others.iterrows()
            ),
            "An end of its grid": "yes" if best["at_end"] else "no",
        })  # fmt: skip
        told = title
    return rates, pd.DataFrame(rows)
