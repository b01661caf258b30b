"""What the problems of the theory share: arrays of one shape as parameters, and their roots."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from scipy.optimize import elementwise

Array = np.ndarray
Function = Callable[..., Array]
Values = Array | float
LARGE = 1e300  # stands for an infinite value of a function: a bracket needs finite ones


class NoSolution(ValueError):
    """The problem has no solution of the kind asked for; the message says which entries."""


def require(valid: Array, sentence: str) -> None:
    """Raise ValueError with `sentence` and the first offending index unless all of `valid`."""
    valid = np.asarray(valid)
    if not valid.all():
        first = np.flatnonzero(~np.atleast_1d(valid))[0]
        raise ValueError(f"{sentence} (entry {first}, {(~valid).sum()} in all)")


@dataclass(frozen=True)
class Problem:
    """Parameters as finite arrays of one shape (n,); a subclass adds the fields."""

    def __post_init__(self) -> None:
        values = [np.asarray(value, dtype=float) for value in self.values()]
        for field, value in zip(fields(self), np.broadcast_arrays(*values), strict=True):
            require(np.isfinite(value), f"{field.name} must be a finite number")
            object.__setattr__(self, field.name, np.atleast_1d(value))

    def values(self) -> tuple[Array, ...]:
        """The parameters, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def at(self, index: Array) -> Self:
        """The selected entries."""
        return type(self)(*(value[index] for value in self.values()))


def root(function: Function, low: Array, high: Array, *parameters: Values) -> Array:
    """Roots x of function(x, *parameters) in the intervals [low, high], to rounding; shape (n,).

    The function must have opposite signs (or a zero) at the two ends, and may be infinite there.
    Raises NoSolution where it has not. Only the entries still open are passed to the function.
    """
    found = elementwise.find_root(_finite(function), (low, high), args=parameters)
    if not found.success.all():
        raise NoSolution(f"no change of sign in {(~found.success).sum()} intervals")
    return found.x


def root_beyond(function: Function, start: Array, step: float, *parameters: Values) -> Array:
    """Roots of a function monotone on the half line from `start`, towards the sign of `step`.

    The first bracket has the length |step| and is doubled as often as needed; start: (n,).
    """
    low, high = np.minimum(start, start + step), np.maximum(start, start + step)
    limit = {"xmin": low} if step > 0 else {"xmax": high}
    return _bracketed(function, low, high, limit, parameters)


def root_near(
    function: Function, centre: Array, width: float, widest: float, *parameters: Values
) -> Array:
    """Roots in the narrowest bracket found from centre -+ width to centre -+ widest; shape (n,)."""
    limit = {"xmin": centre - widest, "xmax": centre + widest}
    return _bracketed(function, centre - width, centre + width, limit, parameters)


def _bracketed(
    function: Function, low: Array, high: Array, limit: dict[str, Array],
    parameters: tuple[Values, ...],
) -> Array:  # fmt: skip
    found = elementwise.bracket_root(_finite(function), low, high, **limit, args=parameters)
    if not found.success.all():
        raise NoSolution(f"no bracket found for {(~found.success).sum()} of {low.size} entries")
    return root(function, *found.bracket, *parameters)


def _finite(function: Function) -> Function:
    return lambda x, *p: np.clip(function(x, *p), -LARGE, LARGE)
