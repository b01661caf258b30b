"""Differences of two scores, with their uncertainty: what every verdict about KLoM is drawn from.

A score comes with its redrawn values (`klom.redraws`): column r of two scores of one run belongs to
the same redrawn models and oracles, so that the spread of the difference over the columns is its
standard error. Every question is asked of the equivalence margin m of the configuration, in nats:
is a difference surely above it, or surely below it (one-sided t-tests)? What is surely between -m
and m counts as no difference, and what is sure of neither side is not decided; so chance has to
move a difference across the whole undecided band to turn a yes into a no.

Where many differences are judged together, the p-values of each question are adjusted by Benjamini
and Hochberg (1995), so that of the sure answers a part of at most ALPHA is false. Where one case
decides a claim ("some" run does, "none" does), that is not enough, since one false answer of many
will do; there the answers are `strict`: the chance of any false one is at most ALPHA (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import false_discovery_control, t

from palimpsest.verdicts import Answer

ALPHA = 0.05
"""false discovery rate of sure answers; of strict ones the chance of any false one"""
_EXACT = 1e-9  # nats: the standard error of a difference that does not vary at all


class Scores(NamedTuple):
    """Scores (n,), and their redrawn values (n, repeats)."""

    value: np.ndarray
    redrawn: np.ndarray

    def at(self, rows: Any) -> "Scores":
        """Those at some rows."""
        return Scores(self.value[rows], self.redrawn[rows])

    def minus(self, other: "Scores") -> "Scores":
        """The differences, repeat by repeat; one score is taken from each of many."""
        return Scores(self.value - other.value, self.redrawn - other.redrawn)

    def less(self, known: np.ndarray) -> "Scores":
        """The scores less known numbers (n,), such as their null floors."""
        return Scores(self.value - known, self.redrawn - known[:, None])


def mean_of(scores: Sequence[Scores]) -> Scores:
    """The mean of several scores, row by row."""
    return Scores(*(np.mean(parts, axis=0) for parts in zip(*scores, strict=True)))


def joined(scores: Sequence[Scores]) -> Scores:
    """Several scores as the rows of one."""
    return Scores(*(np.concatenate(parts) for parts in zip(*scores, strict=True)))


@dataclass(frozen=True)
class Contrasts:
    """Differences judged together, in nats: `value`, `error` (standard error), `low` and `high`
    (95 % interval of each alone), arrays of one length; `margin`, the equivalence margin, and
    `freedom`, the degrees of freedom."""

    value: np.ndarray
    error: np.ndarray
    freedom: int
    margin: float
    strict: bool = False

    @classmethod
    def of(cls, scores: Scores, margin: float, *, strict: bool = False) -> "Contrasts":
        """Differences, or scores that are compared with 0."""
        error = np.maximum(scores.redrawn.std(axis=1, ddof=1), _EXACT)
        return cls(scores.value, error, scores.redrawn.shape[1] - 1, margin, strict)

    @property
    def low(self) -> np.ndarray:
        """Lower ends of the 95 % intervals."""
        return self.value - float(t.ppf(0.975, self.freedom)) * self.error

    @property
    def high(self) -> np.ndarray:
        """Upper ends of the 95 % intervals."""
        return self.value + float(t.ppf(0.975, self.freedom)) * self.error

    def above(self) -> list[Answer]:
        """Whether each difference lies above the margin: yes if surely so, no if surely below."""
        more, less = self._surely_above(self.margin), self._surely_below(self.margin)
        return [_answer(yes, no) for yes, no in zip(more, less, strict=True)]

    def below(self) -> list[Answer]:
        """The same downwards: whether each difference lies below -margin."""
        return replace(self, value=-self.value).above()

    def alike(self) -> list[Answer]:
        """Whether each difference lies within the margin: no if surely beyond it."""
        within = self._surely_below(self.margin) & self._surely_above(-self.margin)
        beyond = self._surely_above(self.margin) | self._surely_below(-self.margin)
        return [_answer(yes, no) for yes, no in zip(within, beyond, strict=True)]

    def _surely_above(self, bound: float) -> np.ndarray:
        return self._sure(t.sf((self.value - bound) / self.error, self.freedom))

    def _surely_below(self, bound: float) -> np.ndarray:
        return self._sure(t.cdf((self.value - bound) / self.error, self.freedom))

    def _sure(self, chances: np.ndarray) -> np.ndarray:
        """Which p-values are sure; one that is no number never is."""
        finite = np.isfinite(chances)
        sure = np.zeros(len(chances), bool)
        if finite.any():
            own = chances[finite]
            sure[finite] = (
                own * len(own) if self.strict else false_discovery_control(own)
            ) <= ALPHA
        return sure


def _answer(yes: bool, no: bool) -> Answer:
    return True if yes else False if no else None
