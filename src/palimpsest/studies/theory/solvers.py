"""What the problems of the theory share: arrays of one shape as parameters, and their roots."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from scipy.optimize import elementwise

Array = np.ndarray
Function = Callable[[Array], Array]
LARGE = 1e300  # stands for an infinite value of a function: a bracket needs finite ones


class NoSolution(ValueError):
    """The problem has no solution of the kind asked for; the message says which entries."""


@dataclass(frozen=True)
class Problem:
    """Parameters as finite arrays of one shape (n,); a subclass adds the fields."""

    def __post_init__(self) -> None:
        values = [np.asarray(getattr(self, f.name), dtype=float) for f in fields(self)]
        for field, value in zip(fields(self), np.broadcast_arrays(*values), strict=True):
            require(np.isfinite(value), f"{field.name} must be a finite number")
            object.__setattr__(self, field.name, np.atleast_1d(value))

    def at(self, index: Array) -> Self:
        """The selected entries."""
        return type(self)(*(getattr(self, f.name)[index] for f in fields(self)))


def root(function: Function, low: Array, high: Array) -> Array:
    """Roots of `function` (elementwise, on arrays of shape (n,)) in [low, high], to rounding.

    The function must have opposite signs (or a zero) at the two ends, and may be infinite there.
    Raises NoSolution where it has not.
    """
    found = elementwise.find_root(_on(function, low), (low, high), args=(np.arange(low.size),))
    if not found.success.all():
        raise NoSolution(f"no change of sign in {(~found.success).sum()} intervals")
    return found.x


def root_beyond(function: Function, start: Array, step: float) -> Array:
    """Roots of a function monotone on the half line from `start`, towards the sign of `step`.

    The first bracket has the length |step| and is doubled as often as needed; start: (n,).
    """
    low, high = np.minimum(start, start + step), np.maximum(start, start + step)
    return _bracketed(function, low, high, **{"xmin": low} if step > 0 else {"xmax": high})


def root_near(function: Function, centre: Array, width: float, widest: float) -> Array:
    """Roots in the narrowest bracket found from centre -+ width to centre -+ widest; shape (n,)."""
    limits = {"xmin": centre - widest, "xmax": centre + widest}
    return _bracketed(function, centre - width, centre + width, **limits)


def _bracketed(function: Function, low: Array, high: Array, **limits: Array) -> Array:
    entries = np.arange(low.size)
    found = elementwise.bracket_root(_on(function, low), low, high, args=(entries,), **limits)
    if not found.success.all():
        raise NoSolution(f"no bracket found for {(~found.success).sum()} of {low.size} entries")
    return root(function, *found.bracket)


def _on(function: Function, anywhere: Array) -> Callable[[Array, Array], Array]:
    """`function` at some entries only, as SciPy calls it, without infinite values."""

    def part(x: Array, entries: Array) -> Array:
        whole = anywhere.copy()
        whole[entries] = x
        value = np.clip(function(whole)[entries], -LARGE, LARGE)
        again = (whole[entries] != x) & ~np.isnan(x)  # an entry may stand at both of its ends
        if again.any():
            value[again] = part(x[again], entries[again])
        return value

    return part
