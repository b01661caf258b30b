"""What Lemma 3 says of a whole data set with several coordinates (ours, on Section 5.1.1)."""

import numpy as np

from palimpsest.studies.theory import logistic_1d as one
from palimpsest.studies.theory.statements.draws import log_uniform
from palimpsest.studies.theory.verdicts import FORGETS, Parameters, Statement

Array = np.ndarray
AXES = 4


def _data_sets(rng: np.random.Generator, n: int) -> Parameters:
    """Counts per coordinate; a third of the forget sets touch one coordinate only."""
    retain = rng.integers(5, 200, (n, AXES))
    forget = rng.binomial(retain, rng.uniform(0.02, 0.5, (n, 1))) * (rng.random((n, AXES)) < 0.7)
    single = np.arange(AXES) == rng.integers(0, AXES, (n, 1))
    forget = np.where(rng.random((n, 1)) < 1 / 3, forget * single, forget)
    empty = forget.sum(axis=1) == 0
    forget[empty, 0] = 1
    return {"retain": retain, "forget": forget, "ridge": log_uniform(rng, 1e-4, 1, n)}


def _problem(p: Parameters) -> one.Coordinate:
    """All coordinates of all data sets, flattened."""
    total_r = np.repeat(p["retain"].sum(axis=1), AXES)
    total_f = np.repeat(p["forget"].sum(axis=1), AXES)
    alpha = (p["forget"] / p["retain"]).ravel()
    return one.Coordinate(p["retain"].ravel(), total_r, total_f, alpha, np.repeat(p["ridge"], AXES))


def _every_coordinate(p: Parameters) -> tuple[Array, Array]:
    problem = _problem(p)
    low, _ = one.harmful_range(problem.fraction)
    within = (problem.alpha > low) & (problem.factor > 0)
    holds = np.asarray(within.reshape(-1, AXES).all(axis=1))
    return holds, (~within).reshape(-1, AXES).mean(axis=1)


def _first_step(p: Parameters) -> tuple[Array, Array]:
    """(w^D - w^R) . (-grad L_DA(w^D)) > 0 in the whole vector: the first step leads away."""
    problem = _problem(p)
    w_d, w_r = one.original(problem), one.oracle(problem)
    away = (w_d - w_r) * -one.gradient(problem, "descent_ascent", w_d)
    speed = away.reshape(-1, AXES).sum(axis=1)
    return speed > 0, np.maximum(-speed, 0.0)


STATEMENTS = (
    Statement(
        "Lemma 3 on every coordinate of a data set", FORGETS, "Section 5.1.1, its scope",
        "alpha in the range of App. E on all four coordinates at once", _data_sets,
        _every_coordinate,
        corrected="|F|/|R| is a mean of the alphas, so some coordinate lies at or above it: the "
        "lemma speaks of single coordinates, never of all.",
    ),
    Statement(
        "DA always converges away from the oracle, in the whole vector", FORGETS, "Section 5.1.1",
        "direction of the first descent-ascent step from w^D against the oracle, four coordinates",
        _data_sets, _first_step,
        corrected="On coordinates outside the range DA moves towards the oracle; in the whole "
        "vector its first step mostly leads nearer.",
    ),
)  # fmt: skip
