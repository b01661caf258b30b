"""Two samples that become collinear (Ascent Fails to Forget, App. I, Eqs. (8) to (15)).

`correlation` is eps, `strength` is 1/(lambda |R|) (1/(lambda |D|) for the original problem);
arrays of one shape. Weights are returned as (n, 2).
"""

import numpy as np

from palimpsest.arrays import require
from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    agreement,
    all_of,
    equal,
    log_uniform,
)
from palimpsest.studies.theory.solvers import NoSolution
from palimpsest.studies.theory.statements.two_samples import newton, pair
from palimpsest.studies.theory.statements.two_samples.pair import Pair

Array = np.ndarray


def samples(correlation: float, dimension: int) -> Array:
    """The data of App. I: (1, eps, 0, ...), (eps, 1, 0, ...) and the unit vectors e_3 to e_d."""
    x = np.eye(dimension)
    x[0, 1] = x[1, 0] = correlation
    return x


def right_side_8(w: Array, correlation: Array, strength: Array | float) -> Array:
    """Right-hand sides of Eq. (8) at the first two weights w (n, 2)."""
    x, y = pair.to_margins(correlation, w).T
    ex, ey = strength * np.exp(-x), strength * np.exp(-y)
    return np.stack([ex + correlation * ey, correlation * ex + ey], axis=1)


def decouples(x: Array, w: Array, correlation: float, strength: float) -> tuple[bool, float]:
    """Whether samples x (n, d) but the first two are orthogonal, and Eq. (8) holds at weights w.

    Eq. (8) is held against the gradient of Eq. (1) with all samples in all d weights (label 1).
    """
    products = x @ x.T
    np.fill_diagonal(products, 0.0)
    products[0, 1] = products[1, 0] = 0.0
    pull = strength * x.T @ np.exp(-x @ w)  # w less this is the gradient over lambda
    error = np.abs(pull[:2] - right_side_8(w[None, :2], np.array(correlation), strength)[0]).max()
    error /= 1 + np.abs(pull).max()
    return bool((products == 0).all() and error <= 1e-12), float(error)


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


def _any(rng: np.random.Generator, n: int) -> Parameters:
    """Any correlation and 1/(lambda |R|); f = |F|/|R|, equal to 1 in a quarter of the cases."""
    fraction = np.where(rng.random(n) < 0.25, 1.0, log_uniform(rng, 0.05, 20, n))
    return {
        "correlation": rng.uniform(0.02, 1, n),
        "strength": log_uniform(rng, 1e-4, 1e4, n),
        "fraction": fraction,
        "w1": rng.normal(size=n),
        "w2": rng.normal(size=n),
    }


def _solve(problem: Pair) -> Array:
    return newton.newton(problem, np.zeros((problem.p.size, 2)))


def _original(correlation: Array, strength: Array) -> Array:
    return _solve(Pair(correlation, strength, strength))


def _nine_exact(p: Parameters) -> Check:
    w = original_exact(p["correlation"], p["strength"])
    return equal(np.stack([w, w], axis=1), _original(p["correlation"], p["strength"]))


def _nine_limit(p: Parameters) -> Check:
    """The error of the printed Eq. (9) falls tenfold with 1 - eps."""
    gaps = []
    for distance in (1e-4, 1e-5):
        eps = np.full_like(p["strength"], 1 - distance)
        exact = _original(eps, p["strength"])[:, 0]
        gaps.append(np.abs(original_printed(eps, p["strength"]) - exact) / exact)
    return (gaps[1] < 0.11 * gaps[0] + 1e-12) & (gaps[0] < 1e-3), gaps[1]


def _data(rng: np.random.Generator, n: int) -> Parameters:
    p = _any(rng, n)
    p = {name: p[name] for name in ("correlation", "strength")}
    return p | {"dimension": rng.integers(3, 9, n), "seed": rng.integers(0, 2**31, n)}


def _eight(p: Parameters) -> Check:
    holds, error = [], []
    for eps, strength, dimension, seed in zip(*p.values(), strict=True):
        w = np.random.default_rng(seed).normal(size=dimension)
        fine, deviation = decouples(samples(eps, dimension), w, eps, strength)
        holds.append(fine)
        error.append(deviation)
    return np.array(holds), np.array(error)


def _twelve(p: Parameters) -> Check:
    oracle = Pair(p["correlation"], p["strength"], np.array(0.0))
    return equal(retrained(p["correlation"], p["strength"]), _solve(oracle))


def _eleven(p: Parameters) -> Check:
    """Printed right-hand sides against the gradient of Eq. (1), numerically at random weights."""
    w = np.stack([p["w1"], p["w2"]], axis=1)
    problem = descent_ascent_pair(p["correlation"], p["strength"], p["strength"] / p["fraction"])
    return equal(right_side_11(w, p["correlation"], p["strength"]), w - pair.gradient(problem, w))


def _thirteen(p: Parameters) -> Check:
    """The remainder of the expansion falls hundredfold when 1 - eps falls tenfold."""
    w = np.stack([p["w1"], p["w2"]], axis=1)
    gaps = []
    for distance in (1e-3, 1e-4):
        eps = np.full_like(p["w1"], 1 - distance)
        gap = right_side_11(w, eps, 1.0) - right_side_13(w, eps, 1.0)
        gaps.append(np.abs(gap).max(axis=1))
    return gaps[1] < 0.02 * gaps[0] + 1e-12, gaps[1]


def _near_one(p: Parameters, distance: float) -> Array:
    """Correlations with (1 - eps)/(lambda |R|) = distance at most, so that Eq. (14) is real."""
    return 1 - distance / np.maximum(p["strength"], 1.0)


def _fourteen(p: Parameters) -> Check:
    """Errors of the sum and of the difference of Eq. (14) fall at least fourfold per halving."""
    results = []
    errors = []
    for distance in (2e-2, 1e-2):
        eps = _near_one(p, distance)
        found = descent_ascent(eps, p["strength"])
        printed = descent_ascent_14(eps, p["strength"])
        # measured in units of the leading terms, z and sqrt(-z)
        z = -argument_14(eps, p["strength"])
        errors.append(
            (
                np.abs((found - printed).sum(axis=1)) / z,
                np.abs((found - printed) @ np.array([1.0, -1.0])) / np.sqrt(z),
            )
        )
    for one, half in zip(*errors, strict=True):
        results.append(((half < 0.6 * one + 1e-9) & (half < 0.1), half))
    return all_of(*results)


def _real(p: Parameters) -> Check:
    """Whether Eq. (14) is real at all, for any eps."""
    return agreement(argument_14(p["correlation"], p["strength"]) >= -np.exp(-1.0))


def _small_distance(p: Parameters) -> Array:
    return 8 * (1 - p["correlation"]) ** 2 * p["strength"] ** 2 <= np.exp(-1.0)


def _fifteen(p: Parameters) -> Check:
    """Delta tends to -W(2/(lambda |R|)), and the printed Delta is the sum's true difference."""
    eps = _near_one(p, 1e-6)
    limit = limit_15(p["strength"])
    true = descent_ascent(eps, p["strength"]).sum(axis=1) - retrained(eps, p["strength"]).sum(
        axis=1
    )
    printed = difference_15(eps, p["strength"])
    error = np.maximum(np.abs(printed / limit - 1), np.abs(true / limit - 1))
    return error < 1e-4, error


STATEMENTS = (
    Statement(
        "Eq. (8): the data are nearly orthogonal and two weights decouple", FORGETS, "App. I",
        "all samples but two are orthogonal; gradient of Eq. (1) with all samples in all weights "
        "against Eq. (8), 3 to 8 dimensions", _data, _eight,
    ),
    Statement(
        "Eq. (9), in the limit eps -> 1", FORGETS, "App. I",
        "printed W(2(eps+1)/(lambda|D|))/2 against Newton as eps -> 1: error of order 1 - eps",
        _any, _nine_limit,
    ),
    Statement(
        "Eq. (9), exact for every eps", FORGETS, "ours, sharpens App. I",
        "W((1+eps)^2/(lambda|D|))/(1+eps) against Newton at any eps", _any, _nine_exact,
    ),
    Statement(
        "Eqs. (10) and (12)", FORGETS, "App. I", "closed form against Newton on the weights", _any,
        _twelve,
    ),
    Statement(
        "Eq. (11)", FORGETS, "App. I",
        "printed right-hand sides against the gradient of Eq. (1), |F|/|R| from 0.05 to 20", _any,
        _eleven, condition=lambda p: p["fraction"] == 1, condition_text="|F| = |R|",
        corrected="The forget term carries 1/(lambda|F|), not 1/(lambda|R|).",
    ),
    Statement(
        "Eq. (13)", FORGETS, "App. I",
        "first order of Eq. (11) in 1 - eps: remainder of order (1-eps)^2", _any, _thirteen,
    ),
    Statement(
        "Eq. (14)", FORGETS, "App. I",
        "against the exact minimum of Eq. (11) as eps -> 1, |F| = |R|: relative errors fall with "
        "1 - eps", _any, _fourteen,
    ),
    Statement(
        "Eq. (14) is real", FORGETS, "App. I", "sign under the root at any eps", _any, _real,
        condition=_small_distance, condition_text="8 (1-eps)^2 <= (lambda|R|)^2/e",
        corrected="Real only if 8 (1-eps)^2 <= (lambda|R|)^2/e.",
    ),
    Statement(
        "Eq. (15)", FORGETS, "App. I",
        "Delta, printed and from the exact minimum, tends to -W(2/(lambda|R|))", _any, _fifteen,
    ),
)  # fmt: skip
