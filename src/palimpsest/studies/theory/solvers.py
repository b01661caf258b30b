"""Numerical ways that use none of the papers' formulas: bracketing roots of functions on arrays."""

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Function = Callable[[Array], Array]


class NoSolution(ValueError):
    """The problem has no solution of the kind asked for; the message says which entries."""


def require(valid: Array, sentence: str) -> None:
    """Raise ValueError with `sentence` and the first offending index unless all of `valid`."""
    valid = np.asarray(valid)
    if not valid.all():
        first = np.flatnonzero(~np.atleast_1d(valid))[0]
        raise ValueError(f"{sentence} (entry {first}, {(~valid).sum()} in all)")


def bisect(function: Function, low: Array, high: Array) -> Array:
    """Roots of `function` (elementwise) in the intervals [low, high], to the last bit.

    `low`, `high`: shape (n,); the function must have opposite signs (or a zero) at the two ends.
    Raises NoSolution where it has not.
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    at_low, at_high = np.sign(function(low)), np.sign(function(high))
    if not np.all(at_low * at_high <= 0):
        raise NoSolution(f"no change of sign in {(~(at_low * at_high <= 0)).sum()} intervals")
    high = np.where(at_low == 0, low, high)
    low = np.where(at_high == 0, high, low)
    for _ in range(2200):  # float64 has fewer than 2**11 exponents times 2**53 fractions
        middle = 0.5 * low + 0.5 * high
        if np.all((middle == low) | (middle == high)):
            break
        same = np.sign(function(middle)) == at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * low + 0.5 * high


def expand(function: Function, start: Array, step: float, sign: int) -> Array:
    """Walk from `start` in steps that double until `function` has the given sign; shape (n,)."""
    start = np.asarray(start, dtype=float)
    point, width = start + step, np.full_like(start, step)
    for _ in range(1000):  # 2**1000 is within float64
        done = np.sign(function(point)) == sign
        if done.all():
            return point
        width = np.where(done, width, 2 * width)
        point = np.where(done, point, start + width)
    raise NoSolution(f"no bracket found for {(~done).sum()} of {done.size} entries")
