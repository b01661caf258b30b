"""Two samples that become collinear (Ascent Fails to Forget, App. I, Eqs. (8) to (15)).

`correlation` is eps, `strength` is 1/(lambda |R|) (1/(lambda |D|) for the original problem);
arrays of one shape. Weights are returned as (n, 2).
"""

import numpy as np

from palimpsest.studies.theory import lambert, pair
from palimpsest.studies.theory.pair import Pair
from palimpsest.studies.theory.solvers import NoSolution, require

Array = np.ndarray


def original_printed(correlation: Array, strength: Array | float) -> Array:
    """Eq. (9): w1 = w2 = W(2 (eps + 1)/(lambda |D|)) / 2, the limit eps -> 1; shape (n,)."""
    correlation, strength = _checked(correlation, strength)
    return lambert.principal(2 * (correlation + 1) * strength) / 2


def original_exact(correlation: Array, strength: Array | float) -> Array:
    """Corrected Eq. (9), exact for each eps: W((1 + eps)^2/(lambda |D|)) / (1 + eps)."""
    correlation, strength = _checked(correlation, strength)
    return lambert.principal((1 + correlation) ** 2 * strength) / (1 + correlation)


def retrained(correlation: Array, strength: Array | float) -> Array:
    """Eq. (12): w1 = W((eps^2 + 1)/(lambda |R|)) / (eps^2 + 1), w2 = eps w1."""
    correlation, strength = _checked(correlation, strength)
    first = lambert.principal((correlation**2 + 1) * strength) / (correlation**2 + 1)
    return np.stack([first, correlation * first], axis=1)


def descent_ascent_pair(correlation: Array, strength: Array | float, push: Array | float) -> Pair:
    """Eq. (11) with `push` = 1/(lambda |R|) as printed, or 1/(lambda |F|) by Eq. (1)."""
    correlation, strength = _checked(correlation, strength)
    return Pair(correlation, strength, -np.asarray(push, dtype=float))


def descent_ascent(correlation: Array, strength: Array | float) -> Array:
    """The minimum of the problem of Eq. (11), by bracketing; NoSolution if there is none."""
    problem = descent_ascent_pair(correlation, strength, strength)
    return pair.weights(problem, pair.minimum(problem))


def right_side_11(w: Array, correlation: Array, strength: Array | float) -> Array:
    """Right-hand sides of Eq. (11) at weights w (n, 2)."""
    x, y = pair.to_margins(correlation, w).T
    ex, ey = strength * np.exp(-x), strength * np.exp(-y)
    return np.stack([ex - correlation * ey, correlation * ex - ey], axis=1)


def right_side_13(w: Array, correlation: Array, strength: Array | float) -> Array:
    """Right-hand sides of Eq. (13), the expansion of those of Eq. (11) about eps = 1."""
    pull = strength * np.exp(-w.sum(axis=1)) * (correlation - 1)
    difference = w[:, 0] - w[:, 1]
    return np.stack([pull * (difference - 1), pull * (difference + 1)], axis=1)


def argument_14(correlation: Array, strength: Array | float) -> Array:
    """z = -8 (eps - 1)^2 / (lambda |R|)^2, the argument of W in Eqs. (14) and (15)."""
    correlation, strength = _checked(correlation, strength)
    return -8 * (correlation - 1) ** 2 * strength**2


def descent_ascent_14(correlation: Array, strength: Array | float) -> Array:
    """Eq. (14): w1, w2 = W0(z)/4 +- sqrt(-W0(z)/2)/2; NoSolution if z < -1/e."""
    z = argument_14(correlation, strength)
    if np.any(z < -np.exp(-1.0)):
        raise NoSolution("Eq. (14) is real only if 8 (1 - eps)^2 <= (lambda |R|)^2 / e")
    value = lambert.principal(z)
    half = 0.5 * np.sqrt(-value / 2)
    return np.stack([value / 4 + half, value / 4 - half], axis=1)


def difference_15(correlation: Array, strength: Array | float) -> Array:
    """Eq. (15): Delta = W(z)/2 - (1 + eps) W((1 + eps^2)/(lambda |R|)) / (1 + eps^2)."""
    z = argument_14(correlation, strength)
    return lambert.principal(z) / 2 - retrained(correlation, strength).sum(axis=1)


def limit_15(strength: Array | float) -> Array:
    """The limit of Eq. (15) for eps -> 1: -W(2/(lambda |R|))."""
    return -lambert.principal(2 * np.asarray(strength, dtype=float))


def _checked(correlation: Array, strength: Array | float) -> tuple[Array, Array]:
    correlation = np.atleast_1d(np.asarray(correlation, dtype=float))
    strength = np.atleast_1d(np.asarray(strength, dtype=float))
    require((correlation > 0) & (correlation <= 1), "the correlation must lie in (0, 1]")
    require(strength > 0, "1/(lambda |R|) must be positive")
    return correlation, strength
