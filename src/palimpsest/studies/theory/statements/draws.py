"""Random parameters over their whole range, with the boundary cases drawn on purpose."""

import numpy as np

from palimpsest.studies.theory.logistic_1d import Coordinate
from palimpsest.studies.theory.logistic_2d import Correlated
from palimpsest.studies.theory.verdicts import Parameters

Array = np.ndarray


def log_uniform(rng: np.random.Generator, low: float, high: float, n: int) -> Array:
    """n numbers whose logarithm is uniform between those of low and high."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def coordinate(rng: np.random.Generator, n: int) -> Parameters:
    """Sizes, alpha and ridge on one coordinate, over the three cases of App. E.

    Alpha is drawn below, inside and above the range of Lemma 3, exactly at |F|/|R| in about a
    tenth, and beyond the last stationary point; a tenth of the data sets are purely
    one-dimensional; a twentieth have a ridge of 1e-300.
    """
    retain = np.round(log_uniform(rng, 10, 1e5, n))
    share = np.where(rng.random(n) < 0.1, 1.0, rng.random(n) ** 2)
    retain_j = np.clip(np.round(retain * share), 1, retain)
    forget = np.maximum(1, np.round(retain * log_uniform(rng, 1e-3, 3, n)))
    kind = rng.choice(5, size=n, p=[0.2, 0.35, 0.1, 0.2, 0.15])
    ridge = np.where(kind >= 3, log_uniform(rng, 1e-3, 1e2, n), log_uniform(rng, 1e-12, 1e3, n))
    ridge = np.where((kind < 3) & (rng.random(n) < 0.05), 1e-300, ridge)
    f = forget / retain
    low, gap = f**2 / (1 + 2 * f), ridge * forget / (np.e * retain_j)
    alpha = np.choose(
        kind,
        [
            low * log_uniform(rng, 1e-3, 1, n),
            low + (f - low) * rng.uniform(0.001, 0.999, n),
            f,
            f + gap * rng.uniform(0.001, 0.999, n),
            f + gap * (1 + log_uniform(rng, 1e-2, 1e2, n)),
        ],
    )
    alpha = np.minimum(alpha, forget / retain_j)
    names = ("retain_j", "retain", "forget", "alpha", "ridge")
    return dict(zip(names, (retain_j, retain, forget, alpha, ridge), strict=True))


def as_coordinate(parameters: Parameters) -> Coordinate:
    """The library's form of the parameters."""
    return Coordinate(*(parameters[k] for k in ("retain_j", "retain", "forget", "alpha", "ridge")))


def iteration(rng: np.random.Generator, n: int) -> Parameters:
    """r, g, ridge and rate of the iteration of App. C.3, where a fixed point exists."""
    r, ridge = rng.uniform(0.05, 1, n), log_uniform(rng, 1e-2, 2, n)
    below, above = r * rng.uniform(0, 0.95, n), r + 2 * ridge / np.e * rng.uniform(0, 0.8, n)
    g = np.where(rng.random(n) < 0.7, below, above)
    return {"r": r, "g": g, "ridge": ridge, "w": rng.uniform(-1.5, 3, n)}


def correlated(rng: np.random.Generator, n: int) -> Parameters:
    """The two-dimensional case, alpha on both sides of 1 and |F|/|R| on both sides of 1."""
    correlation = np.where(rng.random(n) < 0.05, 1.0, rng.uniform(0.05, 1, n))
    fraction = log_uniform(rng, 0.03, 15, n)
    alpha = np.where(
        rng.random(n) < 0.5, log_uniform(rng, 1e-3, 5, n), fraction * rng.uniform(0.01, 1.2, n)
    )
    return {
        "correlation": correlation,
        "alpha": alpha,
        "fraction": fraction,
        "strength": log_uniform(rng, 1e-3, 1e3, n),
    }


def as_correlated(parameters: Parameters) -> Correlated:
    """The library's form of the parameters."""
    return Correlated(*(parameters[k] for k in ("correlation", "alpha", "fraction", "strength")))
