"""The tables that claims are judged by, and what is read off them for every claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.records import load_population
from palimpsest.studies.classes.overlap import overlaps
from palimpsest.studies.classes.trials import class_means, read_trials
from palimpsest.tables import check_training_set, read_klom, read_redraws, read_table

TRIALS = ("table", "rates", "alpha", "divergence", "klom")
"""experiments whose trials are read"""
INPUTS = (
    "claims", "printed", "originals", "base", *(f"{name}_accuracy_models" for name in TRIALS),
    "table_mia_models", "alpha_mia_models", "klom_klom", "klom_klom_redraws",
)  # fmt: skip
PRINTED = ("table", "dataset", "method", "quantity", "mean", "gap")
"""columns of the paper's numbers"""


@dataclass(frozen=True)
class Results:
    """What claims are judged by.

    Args:
        trials: experiment -> its trials (`trials.read_trials`).
        klom, klom_redraws: of the experiment `klom`.
        overlaps: a row for each class: forget_set, overlap, minus_margin (`overlap.overlaps`).
        printed: the paper's numbers.
        margin: differences below it, in points of percent, count as none.
        strict: whether the chance of any false answer is held down, and not the part of false ones.
    """

    trials: Mapping[str, pd.DataFrame]
    klom: pd.DataFrame
    klom_redraws: pd.DataFrame
    overlaps: pd.DataFrame
    printed: pd.DataFrame
    margin: float
    strict: bool = False

    def means(self, experiment: str) -> pd.DataFrame:
        """The mean of each variant and class of an experiment (`trials.class_means`)."""
        return class_means(self.trials[experiment])


def read_results(
    inputs: Mapping[str, Sequence[Path]], margin: float, classes: Mapping[str, int]
) -> Results:
    """The tables at these paths; the overlaps are worked out from the originals' records."""
    if not margin > 0:
        raise InputError(f"margin is {margin}; allowed: above 0, in points of percent")
    paths = {name: own[0] for name, own in inputs.items() if own}
    split = Split.load(paths["base"])
    originals = load_population(inputs["originals"], split, "original")
    check_training_set(paths["klom_klom"], split)
    measured = overlaps(originals, split.columns("train")).set_index("class")
    known = {name: number for name, number in classes.items() if number in measured.index}
    rows = measured.loc[list(known.values())].assign(forget_set=list(known))
    trials = {
        name: read_trials(paths[f"{name}_accuracy_models"], paths.get(f"{name}_mia_models"))
        for name in TRIALS
    }
    return Results(
        trials,
        read_klom(paths["klom_klom"]),
        read_redraws(paths["klom_klom_redraws"]),
        rows.assign(minus_margin=-rows["margin"]),
        read_table(paths["printed"], PRINTED, own=True),
        margin,
    )
