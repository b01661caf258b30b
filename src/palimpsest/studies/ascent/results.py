"""The tables of a run that claims are judged by, and what is answered of each of its settings.

Every difference is judged as `contrasts` says, all settings of a run together.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from palimpsest.contrasts import Contrasts, Scores
from palimpsest.data.splits import PARTS
from palimpsest.tables import (
    by_setting,
    read_accuracy,
    read_klom,
    read_number_of_models,
    read_redraws,
    redrawn_by_setting,
)
from palimpsest.verdicts import both, either, negation

TABLES = ("klom", "klom_redraws", "accuracy", "number_of_models", "number_of_models_redraws")


@dataclass(frozen=True)
class Results:
    """What claims are judged by.

    Args:
        klom, klom_redraws, accuracy, number_of_models, number_of_models_redraws: the tables.
        margin: differences of KLoM below it, in nats, count as none.
        doubts: forget set -> why its points cannot be called important.
        strict: whether the chance of any false answer is held down, and not the part of false ones.
        thinned: whether a no that rests on a part of the paper's grid decides nothing.
    """

    klom: pd.DataFrame
    klom_redraws: pd.DataFrame
    accuracy: pd.DataFrame
    number_of_models: pd.DataFrame
    number_of_models_redraws: pd.DataFrame
    margin: float
    doubts: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    thinned: bool = True

    def strictly(self) -> "Results":
        """The same, of which one false answer is unlikely."""
        return replace(self, strict=True)

    def contrasts(self, scores: Scores) -> Contrasts:
        """Differences of scores, judged together."""
        return Contrasts.of(scores, self.margin, strict=self.strict)

    @cached_property
    def settings(self) -> pd.DataFrame:
        """One row a setting (`tables.by_setting`) with what is answered of it.

        `improves`: nearer to the oracle than the original on the forget set. `breaks`: farther on
        validation or retain set. `stays`: like the original on all three. `unlearns`: improves and
        does not break. Neither the originals nor what is counted under another name has answers.
        """
        table = self._rows
        asked = table.index[(table["method"] != "nothing") & ~table["again"]]
        forget_sets = table.loc[asked, "forget_set"]
        base = self._original[forget_sets].to_numpy()
        against = {
            split: self.contrasts(scores.at(asked).minus(scores.at(base)))
            for split, scores in self.scores.items()
        }
        gain = dict(zip(self.forget_sets, self.excess("forget").above(), strict=True))
        improves = [
            # a no says something only where there was something to gain
            None if answer is False and gain[name] is not True else answer
            for answer, name in zip(against["forget"].below(), forget_sets, strict=True)
        ]
        harmed = (against[split].above() for split in ("val", "retain"))
        breaks = [either(*each) for each in zip(*harmed, strict=True)]
        alike = zip(*(against[split].alike() for split in PARTS), strict=True)
        answers = {
            "improves": improves,
            "breaks": breaks,
            "stays": [both(both(a, b), c) for a, b, c in alike],
            "unlearns": [both(i, negation(b)) for i, b in zip(improves, breaks, strict=True)],
        }
        return table.join(pd.DataFrame(answers, asked, dtype=object))

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """The scores of each split, row by row those of `settings`."""
        redrawn = redrawn_by_setting(self.klom, self.klom_redraws)
        return {s: Scores(self._rows[f"{s}_klom"].to_numpy(float), redrawn[s]) for s in PARTS}

    def odd_half(self, split: str, rows: Any) -> Scores:
        """The scores at some rows of the odd models alone, whose errors are those of half as many:
        for settings that were chosen by the even ones."""
        value = self._rows.loc[rows, f"{split}_odd_half"].to_numpy(float)
        own = self.scores[split].at(rows)
        spread = own.redrawn - own.redrawn.mean(axis=1, keepdims=True)
        return Scores(value, value[:, None] + math.sqrt(2) * spread)

    @cached_property
    def forget_sets(self) -> list[str]:
        """The forget sets, in the order of the table."""
        return list(dict.fromkeys(self.klom["forget_set"]))

    def excess(self, split: str) -> Contrasts:
        """Of each forget set, the original's score above the null floor."""
        rows = self._original.to_numpy()
        null = self._rows.loc[rows, f"{split}_null"].to_numpy(float)
        return self.contrasts(self.scores[split].at(rows).less(null))

    @cached_property
    def _rows(self) -> pd.DataFrame:
        return by_setting(self.klom)

    @cached_property
    def _original(self) -> pd.Series:
        """Forget set -> the row of method nothing, the original; ValueError where there is none."""
        own = self._rows[self._rows["method"] == "nothing"]
        rows = pd.Series(own.index, own["forget_set"])
        for name in self.forget_sets:
            if name not in rows.index or not rows.index.is_unique:
                raise ValueError(f"forget set {name} needs one row of method nothing, the original")
        return rows.reindex(self.forget_sets)


def read_results(paths: Mapping[str, Path], margin: float, doubts: Mapping[str, str]) -> Results:
    """The tables at these paths."""
    readers = {
        "klom": read_klom, "accuracy": read_accuracy, "number_of_models": read_number_of_models,
    }  # fmt: skip
    tables = {name: readers.get(name, read_redraws)(paths[name]) for name in TABLES}
    return Results(**tables, margin=margin, doubts=doubts)
