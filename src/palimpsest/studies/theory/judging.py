"""From random cases to a verdict, by one rule.

A statement is judged from its cases alone. Each case is a draw of the parameters, and says
whether it meets the paper's conditions (`inside`), whether it meets the sub-condition that the
statement offers (`condition`, a function of the parameters only, so it cannot look at the
outcome), and whether the claim was found true (`holds`). A violation is a case inside the
paper's conditions in which the claim is not true.

1. No violation: HOLDS.
2. Violations, and the statement offers a sub-condition that at least MINIMUM cases inside
   meet, none of them a violation: HOLDS_WITH_CONDITION.
3. Violations otherwise: FAILS.

No sub-condition may be offered where the paper says expressly that there is none ("for any
value of lambda"): such a claim FAILS with its first counterexample ("always in this setup" names
its condition, the setup). What happens
outside the paper's conditions is counted but never changes the verdict. Fewer than MINIMUM
cases inside decide nothing and raise an error, as does a case that is not a number.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION

Array = np.ndarray
Parameters = dict[str, Array]
Check = tuple[Array, Array]
MINIMUM = 5
TOLERANCE = 1e-9  # two ways to one number agree when they differ by no more, relatively

FORGETS = "Ascent Fails to Forget"
STRUGGLES = "Why Fine-Tuning Struggles"
OURS = "ours"


def log_uniform(rng: np.random.Generator, low: float, high: float, n: int) -> Array:
    """n numbers whose logarithm is uniform between those of low and high."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def each(function: Callable, parameters: Parameters, *names: str) -> Array:
    """What `function` gives of the named values of each case, shape (n,)."""
    values = (parameters[name] for name in names)
    return np.array([function(*case) for case in zip(*values, strict=True)])


def everywhere(parameters: Parameters) -> Array:
    """The condition that every case meets."""
    return np.ones(len(next(iter(parameters.values()))), dtype=bool)


@dataclass(frozen=True)
class Statement:
    """One statement of a paper, or of ours, and how to check it.

    draw(rng, n): n cases, as a dictionary of arrays of shape (n,).
    check(parameters): (holds, error), each (n,); the error is 0 where nothing is broken.
    inside(parameters): the paper's conditions. condition(parameters): the sub-condition that
    `condition_text` states. Statements of one paper and one name are one statement, checked in
    several settings or readings, each of which is a `variant` (`tally.py` counts them once).
    A place that begins with OURS says that the paper does not state it, or only hedges.
    """

    statement: str
    paper: str
    place: str
    checked: str
    draw: Callable[[np.random.Generator, int], Parameters]
    check: Callable[[Parameters], Check]
    inside: Callable[[Parameters], Array] = everywhere
    condition: Callable[[Parameters], Array] | None = None
    condition_text: str = ""
    corrected: str = ""
    variant: str = ""

    def __post_init__(self) -> None:
        if (self.condition is None) != (self.condition_text == ""):
            raise ValueError(f"{self.statement}: a condition needs a text, and a text a condition")


@dataclass(frozen=True)
class Row:
    """One row of the table of statements."""

    statement: str
    variant: str
    paper: str
    place: str
    checked: str
    cases: int
    violations: int
    largest_error: float
    verdict: str
    condition: str
    corrected: str
    cases_outside: int
    violations_outside: int


COLUMNS = tuple(field.name for field in fields(Row))


def rule(inside: Array, holds: Array, condition: Array | None = None) -> str:
    """The verdict of the cases; see the top of this file. Boolean arrays of shape (n,)."""
    inside, holds = np.asarray(inside, dtype=bool), np.asarray(holds, dtype=bool)
    if inside.shape != holds.shape or inside.ndim != 1:
        raise ValueError("inside and holds must be one-dimensional and of equal length")
    if inside.sum() < MINIMUM:
        raise ValueError(
            f"{inside.sum()} cases meet the paper's conditions; at least {MINIMUM} are needed"
        )
    violated = inside & ~holds
    if not violated.any():
        return HOLDS
    if condition is not None:
        condition = np.asarray(condition, dtype=bool)
        if condition.shape != inside.shape:
            raise ValueError("condition must be as long as inside and holds")
        if (inside & condition).sum() >= MINIMUM and not (violated & condition).any():
            return HOLDS_WITH_CONDITION
    return FAILS


def judge(statement: Statement, seed: int, cases: int) -> Row:
    """Draw the cases of a statement from `seed`, check them, and apply the rule."""
    parameters = statement.draw(np.random.default_rng(seed), cases)
    inside = np.asarray(statement.inside(parameters), dtype=bool)
    condition = None if statement.condition is None else statement.condition(parameters)
    holds, error = (np.asarray(value) for value in statement.check(parameters))
    if np.isnan(error.astype(float)).any():
        raise ValueError(f"{statement.statement}: the error of a case is not a number")
    verdict = rule(inside, holds, condition)
    violated = inside & ~holds.astype(bool)
    text = ""
    if verdict != HOLDS:
        worst = int(np.argmax(np.where(violated, error, -np.inf)))
        text = f"fails at {describe(parameters, worst)}"
    if verdict == HOLDS_WITH_CONDITION:
        text = f"{statement.condition_text}; {text}"
    return Row(
        statement.statement, statement.variant, statement.paper, statement.place,
        statement.checked,
        int(inside.sum()), int(violated.sum()), float(error[inside].max()), verdict, text,
        "" if verdict == HOLDS else statement.corrected,
        int((~inside).sum()), int((~inside & ~holds.astype(bool)).sum()),
    )  # fmt: skip


def describe(parameters: Parameters, index: int) -> str:
    """The parameters of one case as text, to ten digits."""
    words = []
    for name, values in parameters.items():
        if name.startswith("_"):
            continue
        value = values[index]
        number = isinstance(value, float | np.floating)
        words.append(f"{name}={value:.10g}" if number else f"{name}={value}")
    return ", ".join(words)


def equal(one: Array, other: Array, tolerance: float = TOLERANCE) -> Check:
    """Whether two ways to the same numbers agree: (holds, relative difference), shape (n,).

    Differences are relative to the larger of 1 and the two values; further axes are reduced.
    """
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    scale = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
    error = np.abs(one - other) / scale
    error = error.reshape(len(error), -1).max(axis=1)
    return error <= tolerance, error


def at_most(one: Array, other: Array, slack: float = 1e-12) -> Check:
    """Whether one <= other, up to rounding: (holds, excess), shape (n,); axes are reduced."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    excess = (one - other).reshape(len(one), -1).max(axis=1)
    scale = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other))).reshape(len(one), -1)
    return excess <= slack * scale.max(axis=1), np.maximum(excess, 0.0)


def below(one: Array, other: Array, slack: float = 1e-12) -> Check:
    """Whether one < other by more than rounding: (holds, excess), shape (n,)."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    excess = (one - other).reshape(len(one), -1).max(axis=1)
    scale = np.maximum(np.abs(one), np.abs(other)).reshape(len(one), -1).max(axis=1)
    return excess < -slack * scale, np.maximum(excess, 0.0)


def agreement(holds: Array) -> Check:
    """A check that has no size of an error: 1 where it does not hold."""
    return holds, (~holds).astype(float)


def all_of(*results: Check) -> Check:
    """All of several checks at once."""
    holds = np.logical_and.reduce([result[0] for result in results])
    return holds, np.maximum.reduce([result[1] for result in results])


def spread(index: Array, result: Check) -> Check:
    """A check made on the selected cases only, spread over all (index: bool); the others pass."""
    holds, error = np.ones(index.shape, dtype=bool), np.zeros(index.shape)
    holds[index], error[index] = result
    return holds, error
