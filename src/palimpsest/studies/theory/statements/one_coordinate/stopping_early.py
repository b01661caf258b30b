"""Descent-ascent stopped at any time (Ascent Fails to Forget, contribution 4 of Section 1).

"For certain forget set sizes, DA can be harmful to the model, even when employing arbitrary early
stopping." On a coordinate the sizes are the alphas of Lemma 3: between w^D and w^DA the loss
falls all the way, so each stop is farther from the oracle than the start. For whole data sets
the gradient flow is followed, and the claim is that some forget set is harmful at every stop.
"""

from itertools import product

import numpy as np

from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    agreement,
    log_uniform,
)
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate.lemma_2 import Coordinate
from palimpsest.studies.theory.statements.one_coordinate.lemmas_3_to_5 import in_range
from palimpsest.studies.theory.statements.one_coordinate.whole_vector import flattened

Array = np.ndarray
AXES = 3  # coordinates of a data set
STOPS = np.linspace(0, 0.999, 40)  # shares of the way from w^D to w^DA
SHIFTS = (0.05, 0.2, 0.5)  # of one alpha, relative to |F|/|R|; the others make up for it
FALLEN = -30.0  # a weight that falls without end is followed so far


def away_at_every_stop(problem: Coordinate) -> Array:
    """Whether the flow from w^D to w^DA leads away from w^R all the way, bool (n,)."""
    w_d, w_r, w_da = one.original(problem), one.oracle(problem), one.descent_ascent(problem)
    result = np.ones(w_d.shape, dtype=bool)
    for share in STOPS:
        slope = one.gradient(problem, "descent_ascent", w_d + share * (w_da - w_d))
        result &= (w_d - w_r) * -slope > 0
    return result


def harmful_at_every_stop(retain: Array, forget: Array, ridge: Array, steps: int = 600) -> Array:
    """Whether every point of the flow from w^D is farther from w^R than w^D is, bool (n,).

    Counts (n, axes), ridge (n,). Steps of Euler's method are a hundredth of the fastest rate's
    time, so that the whole vector has one clock.
    """
    problem = flattened(retain, forget, ridge)
    shape, w, w_r = retain.shape, one.original(problem), one.oracle(problem)

    def distance(w: Array) -> Array:
        return np.asarray(np.linalg.norm((w - w_r).reshape(shape), axis=1))

    start, result = distance(w), np.ones(len(retain), dtype=bool)
    for _ in range(steps):
        slope = one.gradient(problem, "descent_ascent", w)
        rate = problem.ridge + np.abs(slope - problem.ridge * w)
        clock = 0.01 / rate.reshape(shape).max(axis=1)
        w = np.maximum(w - np.repeat(clock, shape[1]) * slope, FALLEN)
        result &= distance(w) > start
    return result


def tries(retain: Array, fraction: Array) -> list[Array]:
    """Forget sets of one size |F| = f |R|: one alpha above or below f, the others alike."""
    share = retain / retain.sum(axis=1, keepdims=True)
    found = []
    for axis, shift, sign in product(range(retain.shape[1]), SHIFTS, (1, -1)):
        one_of = np.arange(retain.shape[1]) == axis
        other = -share[:, [axis]] / (1 - share[:, [axis]])
        alpha = fraction[:, None] * (1 + sign * shift * np.where(one_of, 1.0, other))
        if (alpha > 0).all():
            found.append(alpha * retain)
    return found


def _retained(rng: np.random.Generator, n: int) -> Parameters:
    n = max(20, n // 4)
    return {
        "retain": rng.integers(5, 200, (n, AXES)),
        "fraction": log_uniform(rng, 0.02, 1, n),
        "ridge": log_uniform(rng, 1e-3, 10, n),
    }


def _on_a_coordinate(p: Parameters) -> Check:
    solvable = one.solvable(p)
    away = np.zeros(solvable.shape, dtype=bool)
    away[solvable] = away_at_every_stop(Coordinate(**p).at(solvable))
    return agreement(away)


def _some_forget_set(p: Parameters) -> Check:
    found = [
        harmful_at_every_stop(p["retain"], forget, p["ridge"])
        for forget in tries(p["retain"], p["fraction"])
    ]
    return agreement(np.logical_or.reduce(found))


HARMFUL = "For certain forget set sizes DA is harmful, even with arbitrary early stopping"
STATEMENTS = (
    Statement(
        HARMFUL, FORGETS, "Section 1, contribution 4, shown by Section 5.1.1",
        "alpha in the range of Lemma 3: from w^D to w^DA each gradient step leads away from the "
        "oracle", one.coordinate, _on_a_coordinate, inside=lambda p: in_range(Coordinate(**p)),
        variant="on a coordinate",
    ),
    Statement(
        HARMFUL, FORGETS, "Section 1, contribution 4, shown by Section 5.1.1",
        "random retain sets of three coordinates: among 18 forget sets of one size some one leaves "
        "each point of the gradient flow farther from the oracle than w^D", _retained,
        _some_forget_set, variant="in the whole vector",
    ),
)  # fmt: skip
