"""Where descent-ascent ends on data sets of several coordinates (Ascent Fails to Forget, 5.1.1).

Lemma 3 speaks of one coordinate; here all weights are compared at once. By our own proof
descent-ascent ends farther from the oracle than the original does wherever F is a subset of one
S_j, as the section sets up, and |F| <= (1 + sqrt 2) |R|. With r_k = |R_k|/|R|, t = |F|/|D| and
q = (1 - r_j)/lambda the arguments of W for the oracle, the original and descent-ascent are
r_j/lambda, r_j/lambda + t q and -q on j, and r_k/lambda, (1 - t) r_k/lambda and r_k/lambda on any
other k. W rises, is concave, W' <= 1 right of 0 and W(-q) <= -q. So descent-ascent is away from
the oracle by W(r_j/lambda) - W(-q) > q, or without end; the square of the original's distance is
at most (t q)^2 + sum_k (t r_k/lambda)^2 <= 2 (t q)^2, which is below q^2 for t <= 1/sqrt 2.
"""

import numpy as np

from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    agreement,
    below,
    log_uniform,
)
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate.lemma_2 import Coordinate
from palimpsest.studies.theory.statements.one_coordinate.lemmas_3_to_5 import AWAY, in_range

Array = np.ndarray
AXES = 10  # coordinates of a data set
FAR = 1e3  # stands for a distance without end


def data_sets(rng: np.random.Generator, n: int) -> Parameters:
    """Counts per coordinate, (n, AXES), and ridges of three kinds of data sets.

    Half have a random share of each coordinate forgotten; three tenths have F inside one S_j, as
    large as twenty times R; the rest have one large S_j retained, the many small ones forgotten.
    Half of the ridges are strong.
    """
    kind = rng.choice(3, size=(n, 1), p=[0.5, 0.3, 0.2])
    retain, single = rng.integers(5, 200, (n, AXES)), _one_of(rng, n)
    spread = rng.binomial(retain, rng.uniform(0.02, 0.5, (n, 1))) * (rng.random((n, AXES)) < 0.7)
    size = retain.sum(axis=1, keepdims=True) * log_uniform(rng, 0.01, 20, n)[:, None]
    inside = np.maximum(1, np.round(size)).astype(int) * single
    small = np.where(single, rng.integers(10, 100, (n, 1)), 1)
    forget = np.choose(kind, [spread, inside, ~single * rng.integers(3, 7, (n, AXES))])
    forget[forget.sum(axis=1) == 0, 0] = 1
    weak, strong = log_uniform(rng, 1e-4, 100, n), log_uniform(rng, 3, 100, n)
    ridge = np.where(rng.random(n) < 0.5, weak, strong)
    return {"retain": np.where(kind == 2, small, retain), "forget": forget, "ridge": ridge}


def _one_of(rng: np.random.Generator, n: int) -> Array:
    """One coordinate of each data set, bool (n, AXES)."""
    return np.arange(AXES) == rng.integers(0, AXES, (n, 1))


def flattened(retain: Array, forget: Array, ridge: Array) -> Coordinate:
    """All coordinates of all data sets as one problem; counts (n, axes), ridge (n,)."""
    axes = retain.shape[1]
    total_r, total_f = (np.repeat(sizes.sum(axis=1), axes) for sizes in (retain, forget))
    alpha = (forget / retain).ravel()
    return Coordinate(retain.ravel(), total_r, total_f, alpha, np.repeat(ridge, axes))


def distances(retain: Array, forget: Array, ridge: Array) -> tuple[Array, Array]:
    """|w^D - w^R| and |w^DA - w^R| in the whole vector, (n,); FAR if a coordinate has no end."""
    problem = flattened(retain, forget, ridge)
    w_r, solvable = one.oracle(problem), one.case(problem) != 3
    w_da = np.full(solvable.shape, -FAR)
    w_da[solvable] = one.descent_ascent(problem.at(solvable))
    near, far = (
        np.linalg.norm((w - w_r).reshape(retain.shape), axis=1)
        for w in (one.original(problem), w_da)
    )
    return near, np.minimum(far, FAR)


def _ends_farther(p: Parameters) -> Check:
    return below(*distances(p["retain"], p["forget"], p["ridge"]))


def _one_set(p: Parameters) -> Array:
    """F inside one S_j."""
    return np.asarray((p["forget"] > 0).sum(axis=1) == 1)


def _as_set_up(p: Parameters) -> Array:
    """F inside one S_j, and at most 1 + sqrt 2 times as large as R."""
    largest = (1 + np.sqrt(2)) * p["retain"].sum(axis=1)
    return _one_set(p) & (p["forget"].sum(axis=1) <= largest)


def _never_all(p: Parameters) -> Check:
    within = in_range(flattened(**p)).reshape(p["retain"].shape)
    return agreement(np.asarray(~within.all(axis=1)))


def _first_step_helps(p: Parameters) -> Check:
    """From w^D each coordinate of the step -grad L_DA points to the oracle, or is 0 with it."""
    problem = flattened(**p)
    gap = one.oracle(problem) - one.original(problem)
    towards = gap * -one.gradient(problem, "descent_ascent", one.original(problem))
    return agreement((towards > 0).reshape(p["retain"].shape).all(axis=1))


STATEMENTS = (
    Statement(
        AWAY, FORGETS, "Section 5.1.1",
        "|w^DA - w^R| > |w^D - w^R| in all ten weights at convergence, 'in this setup': orthogonal "
        "sets; random, single and lopsided forget sets", data_sets, _ends_farther,
        condition=_as_set_up,
        condition_text="F is a subset of one S_j, as the section picks it, and "
        "|F| <= (1 + sqrt 2)|R|",
        corrected="It holds for F inside one S_j with |F| <= (1 + sqrt 2)|R|, and for every "
        "random forget set drawn; lopsided ones break it, such as R = (100, 30 times 1), "
        "F = (0, 30 times 3), lambda = 10.", variant="in the whole vector",
    ),
    Statement(
        "Lemma 3 never holds on every coordinate at once", FORGETS, "ours, scope of Section 5.1.1",
        "some alpha of each data set lies outside the range: |F|/|R| is a mean of the alphas",
        data_sets, _never_all,
    ),
    Statement(
        "With F inside one S_j the first step of DA leads nearer on every coordinate", FORGETS,
        "ours, the setting of Section 5.1.1",
        "sign of each coordinate of -grad L_DA at w^D against the oracle", data_sets,
        _first_step_helps, inside=_one_set,
    ),
)  # fmt: skip
