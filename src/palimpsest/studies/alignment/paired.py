"""A run's values by model, and paired differences of them: what its claims are judged by.

A difference of two methods is taken model by model: the models of one place come from one original
and are compared with one oracle, so its error is the spread between places (Student's t over the
models). It is asked of the equivalence margin as `contrasts` does, all cases of a claim together:
surely above it, surely below it, or not decided. The unit goes with the quantity (`apart`):

    accuracy, mia           points of percent
    perplexity              per cent: 100 times the logarithm of the ratio
    activation, feature_2   per cent of the floor, the mean distance of two retrained models
    feature_1               per cent of the retrained model's own mean distance to the original
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from palimpsest.claims import Case
from palimpsest.contrasts import Contrasts
from palimpsest.intervals import interval
from palimpsest.studies.alignment.results import (
    METHODS,
    ORACLE,
    ORIGINAL,
    QUALITY,
    SCENARIOS,
    SUBSETS,
    Results,
    floor_of,
)
from palimpsest.verdicts import Answer

RFA = METHODS["rfa"]
UNLEARNED = tuple(name for name in METHODS.values() if name not in (ORIGINAL, ORACLE))
"""the methods that are ranked among each other"""
FEWEST = 3
"""models from which their spread is taken for an error: two may agree by chance"""
_EXACT = 1e-9  # the standard error of a difference that does not vary at all
WIDE = "the models spread too widely for the margin"
BLIND = "the attack does not surely call more of the originals' retained than test points members"
"""why a case is not decided"""


class Values:
    """Values of a frame by scenario, subset, quantity and method, each (models,) by place."""

    def __init__(self, frame: pd.DataFrame) -> None:
        ordered = frame.sort_values("place", kind="stable")
        values = ordered["value"].to_numpy(float)
        groups = ordered.groupby(["scenario", "subset", "quantity", "method"], sort=False)
        self._own = {key: values[rows] for key, rows in groups.indices.items()}

    def has(self, scenario: str, subset: str, quantity: str, *methods: str) -> bool:
        """Whether all these methods were measured there."""
        return all((scenario, subset, quantity, one) in self._own for one in methods)

    def of(self, scenario: str, subset: str, quantity: str, method: str) -> np.ndarray:
        """The values of a method."""
        return self._own[scenario, subset, quantity, method]

    def blind(self, scenario: str, quantity: str, margin: float) -> bool:
        """Whether `quantity` is of an attack that is not shown to be worth anything: of the
        originals, which have seen the one and not the other, it does not surely (95 %) call more
        retained than test points members, by `margin` points. False where one of the two was not
        measured, or of a diverged original, which decides nothing anyway."""
        test = "D_t" if scenario == "sample" else "D_rt"
        places = [(scenario, subset, quantity) for subset in ("D_r", test)]
        if not quantity.startswith("mia") or not all(self.has(*one, ORIGINAL) for one in places):
            return False
        inside, outside = (self.of(*one, ORIGINAL) for one in places)
        mean, _, half, _ = interval(apart(quantity, inside, outside))
        return bool(mean - half <= margin)

    def floor(self, scenario: str, subset: str, quantity: str) -> float:
        """What distances there are measured by; NaN where it is not known."""
        known = self._own.get((scenario, subset, quantity, floor_of(quantity)))
        return np.nan if known is None else float(known.mean())


@dataclass(frozen=True)
class Run:
    """Results as the measures look them up.

    quality: accuracy or perplexity. experiments: name -> its values. gammas: in rising order, the
    values of RFA at each gamma with those of Original, Retrain and its second.
    """

    results: Results
    quality: str
    experiments: Mapping[str, Values]
    gammas: Mapping[float, Values]

    @classmethod
    def of(cls, results: Results) -> "Run":
        """The values of results by place."""
        frame = results.gamma
        own = frame[frame["method"] == RFA] if "gamma" in frame else frame[:0].assign(gamma=0.0)
        others = frame[frame["method"] != RFA]
        gammas = {
            float(gamma): Values(pd.concat([part, others])) for gamma, part in own.groupby("gamma")
        }
        quality = next(name for name in QUALITY if name in set(results.values["quantity"]))
        experiments = {"table": results.values, "two_epochs": results.two_epochs}
        tables = {name: Values(values) for name, values in experiments.items()}
        return cls(results, quality, tables, gammas)

    def asked(self, *, strict: bool) -> "Run":
        """The same, to be judged strictly or not."""
        return replace(self, results=replace(self.results, strict=strict))

    def table(self, claim: Mapping[str, Any]) -> Values:
        """The values of the experiment that a claim is about."""
        return self.experiments[claim.get("experiment", "table")]

    def quantity(self, claim: Mapping[str, Any]) -> str:
        """What a claim compares: if it does not say so, accuracy or perplexity."""
        return str(claim.get("quantity", self.quality))


def places(claim: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The (scenario, subset) that a claim is about, in the order of the paper's tables."""
    for scenario in SCENARIOS:
        if scenario in claim.get("scenarios", SCENARIOS):
            for subset in SUBSETS[scenario].values():
                if subset in claim.get("subsets", [subset]):
                    yield scenario, subset


def apart(quantity: str, one: np.ndarray, other: Any, floor: float = np.nan) -> np.ndarray:
    """Of values the differences from others, in the unit of the quantity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if quantity == "perplexity":
            return 100 * np.log(one / other)
        if quantity in QUALITY:
            return one - other
        return 100 * (one - other) / (1.0 if quantity.startswith("mia") else floor)


def unit(quantity: str) -> str:
    """The unit of `apart`."""
    if quantity == "perplexity":
        return "%"
    if quantity in QUALITY or quantity.startswith("mia"):
        return "points"
    return "% of the retrained model's" if quantity.startswith("feature_1") else "% of the floor"


def gaps(
    table: Values, scenario: str, subsets: Sequence[str], quantity: str, method: str
) -> np.ndarray:
    """The gap of a method from Retrain without each model, and at the end with all: (models + 1,).

    A gap is the absolute mean difference over the models, averaged over the subsets.
    """
    found = []
    for subset in subsets:
        place = scenario, subset, quantity
        own = apart(
            quantity, table.of(*place, method), table.of(*place, ORACLE), table.floor(*place)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.append((own.sum() - own) / (len(own) - 1), own.mean())
        found.append(np.abs(means))
    return np.mean(found, axis=0)


def gap_less(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of `gaps` of two methods the jackknife's values of their difference, one a model (models,).

    Their mean is the difference, without the bias that an absolute value of few models has, and
    their spread its error; where both gaps are near 0, one minus the other is less uncertain than
    either, however their signs fall.
    """
    difference, models = one - other, len(one) - 1
    return models * difference[-1] - (models - 1) * difference[:-1]


@dataclass(frozen=True)
class Difference:
    """One number for each model, in the unit of the quantity, and what they are of."""

    name: str
    values: np.ndarray
    unit: str
    blind: bool = False
    """of an attack that is worth nothing (`Values.blind`)"""

    @property
    def doubt(self) -> str | None:
        """Why it decides nothing, if so."""
        if len(self.values) < FEWEST:
            return f"the spread between models needs {FEWEST} or more"
        if not np.isfinite(self.values).all():
            return "a value is no number: a model diverged, or the distances have no floor"
        return BLIND if self.blind else None

    def case(self, answer: Answer) -> Case:
        """The case with the difference in its name, and why it is not decided."""
        if self.doubt:
            return Case(self.name, None, self.doubt)
        name = f"{self.name}: {self.values.mean():+.1f} {self.unit}"
        return Case(name, answer, WIDE if answer is None else None)


def why_open(answer: Answer, differences: Sequence[Difference]) -> str | None:
    """Why an answer from several differences is not decided, if it is not."""
    if answer is not None:
        return None
    return next((one.doubt for one in differences if one.doubt), WIDE)


def judged(
    run: Run,
    question: str,
    differences: Sequence[Difference],
    margin: float | None = None,
) -> list[Answer]:
    """`above`, `below` or `alike` of differences, judged together."""
    answers: list[Answer] = [None] * len(differences)
    found = {n: interval(one.values) for n, one in enumerate(differences) if not one.doubt}
    for freedom in {freedom for *_, freedom in found.values()}:
        rows = [n for n, (*_, own) in found.items() if own == freedom]
        contrasts = Contrasts(
            np.array([found[n][0] for n in rows]),
            np.maximum([found[n][1] for n in rows], _EXACT),
            freedom,
            run.results.margin if margin is None else margin,
            run.results.strict,
        )
        for row, answer in zip(rows, getattr(contrasts, question)(), strict=True):
            answers[row] = answer
    return answers


def as_cases(differences: Sequence[Difference], answers: Sequence[Answer]) -> list[Case]:
    """A case for each difference."""
    return [one.case(answer) for one, answer in zip(differences, answers, strict=True)]
