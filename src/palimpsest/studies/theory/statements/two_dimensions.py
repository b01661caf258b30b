"""Lemmas 6 to 10 and 12 (Ascent Fails to Forget, Section 5.1.2, App. H)."""

import numpy as np

from palimpsest.studies.theory import logistic_2d as two
from palimpsest.studies.theory import newton, pair, thresholds
from palimpsest.studies.theory.statements.draws import as_correlated, correlated, log_uniform
from palimpsest.studies.theory.verdicts import (
    FORGETS,
    Parameters,
    Statement,
    at_most,
    below,
    both,
    equal,
)

Array = np.ndarray
Check = tuple[Array, Array]


def exists(p: Parameters) -> Array:
    """Whether descent-ascent has a stationary point."""
    return two.has_minimum(as_correlated(p))


def spread(index: Array, result: Check) -> Check:
    """A check made on the selected cases only, spread over all; the others pass."""
    holds, error = np.ones(index.shape, dtype=bool), np.zeros(index.shape)
    holds[index], error[index] = result
    return holds, error


def newton_margins(problem: pair.Pair) -> Array:
    """Margins of the convex problem's minimum by Newton's method on the weights."""
    w = newton.newton(problem, np.zeros((problem.p.size, 2)))
    return pair.to_margins(problem.correlation, w)


def _lemma_6(p: Parameters) -> Check:
    problem = as_correlated(p)
    return equal(two.oracle(problem), newton_margins(two.oracle_pair(problem)))


def _lemma_12(p: Parameters) -> Check:
    x, y = two.original(as_correlated(p)).T
    return at_most(y, x)


def _base_case(p: Parameters) -> Check:
    first, second = two.first_gauss_seidel_step(as_correlated(p))
    return at_most(first[:, 0], second[:, 0])


def _lemma_7(p: Parameters) -> Check:
    problem = as_correlated(p)
    lower, upper = two.lemma_7_bounds(problem)
    found = two.original(problem)
    return both(at_most(lower, found, 1e-9), at_most(found, upper, 1e-9))


def _lemma_8(p: Parameters) -> Check:
    index = np.flatnonzero(exists(p))
    problem = as_correlated(p).at(index)
    bound, found = two.lemma_8_bounds(problem), two.descent_ascent(problem)
    result = both(at_most(found, bound, 1e-9), at_most(found[:, 1], found[:, 0]))
    inner = np.flatnonzero(problem.correlation < 1)
    if inner.size:
        part = pair.saddle(two.descent_ascent_pair(problem.at(inner)))
        extra = both(at_most(part, bound[inner], 1e-9), at_most(part[:, 1], part[:, 0]))
        result[0][inner] &= extra[0]
        result[1][inner] = np.maximum(result[1][inner], extra[1])
    return spread(exists(p), result)


def _lemma_9_draw(rng: np.random.Generator, n: int) -> Parameters:
    """Half of the alphas just above the printed threshold, the others anywhere."""
    p = correlated(rng, n)
    near = thresholds.printed_lower(as_correlated(p)) * (1 + log_uniform(rng, 1e-4, 1, n))
    p["alpha"] = np.where(rng.random(n) < 0.5, near, p["alpha"])
    return p


def _above_lower(p: Parameters) -> Array:
    return (p["alpha"] > thresholds.printed_lower(as_correlated(p))) & exists(p)


def _lemma_9(p: Parameters) -> Check:
    index = exists(p)
    problem = as_correlated(p).at(index)
    return spread(index, below(two.descent_ascent(problem), two.original(problem)))


def _lemma_10_draw(rng: np.random.Generator, n: int) -> Parameters:
    """Two thirds of the alphas at up to a tenth below the printed threshold; many large f, mu."""
    p = correlated(rng, n)
    large = rng.random(n) < 0.4
    p["fraction"] = np.where(large, log_uniform(rng, 3, 15, n), p["fraction"])
    p["strength"] = np.where(large, log_uniform(rng, 1, 1e3, n), p["strength"])
    top = thresholds.printed_upper(as_correlated(p)).min(axis=1)
    near = top * (1 - log_uniform(rng, 1e-3, 1e-1, n))
    p["alpha"] = np.where((rng.random(n) < 0.67) & (top > 0), near, p["alpha"])
    return p


def _below_upper(p: Parameters) -> Array:
    return p["alpha"] < thresholds.printed_upper(as_correlated(p)).min(axis=1)


def _lemma_10(p: Parameters) -> Check:
    problem = as_correlated(p)
    return below(two.original(problem), two.oracle(problem))


ALPHA_AT_MOST_1 = "alpha <= 1 (the paper's 'without loss of generality y^D <= x^D')"
STATEMENTS = (
    Statement(
        "Lemma 6", FORGETS, "Section 5.1.2, App. H.1",
        "closed form against Newton's method on the weights", correlated, _lemma_6,
    ),
    Statement(
        "Lemma 12", FORGETS, "App. H", "y^D <= x^D for alpha <= 1", correlated, _lemma_12,
        inside=lambda p: p["alpha"] <= 1,
    ),
    Statement(
        "Without loss of generality y^D <= x^D", FORGETS, "App. H", "y^D <= x^D for every alpha",
        correlated, _lemma_12, condition=lambda p: (p["alpha"] <= 1) | (p["correlation"] == 1),
        condition_text="alpha <= 1 (or eps = 1)",
        corrected="It is the assumption alpha <= 1: for alpha > 1 and eps < 1, y^D > x^D.",
    ),
    Statement(
        "Proof of Lemma 12: the base case x_1 >= x_0", FORGETS, "App. H",
        "first step of the iteration from the solution for alpha = 1, alpha < 1", correlated,
        _base_case, inside=lambda p: p["alpha"] < 1,
        corrected="x_1 < x_0. The statement follows from x - y = b (1-eps)^2 (e^-x - alpha e^-y): "
        "y > x would make the right side positive.",
    ),
    Statement(
        "Lemma 7", FORGETS, "Section 5.1.2, App. H.1",
        "the four bounds of (x^D, y^D) against the solution", correlated, _lemma_7,
        condition=lambda p: p["alpha"] <= 1, condition_text=ALPHA_AT_MOST_1,
        corrected="For alpha > 1 and eps < 1 the lower bound of x^D or the upper bound of y^D "
        "fails.",
    ),
    Statement(
        "Lemma 8", FORGETS, "Section 5.1.2, App. H.1",
        "the bounds of (x^DA, y^DA) and y^DA <= x^DA, at the minimum and at the saddle",
        correlated, _lemma_8, inside=exists,
    ),
    Statement(
        "Lemma 9", FORGETS, "Section 5.1.2, App. H.2",
        "x^D > x^DA and y^D > y^DA for alpha above the printed threshold", _lemma_9_draw,
        _lemma_9, inside=_above_lower,
    ),
    Statement(
        "Lemma 10", FORGETS, "Section 5.1.2, App. H.2, Eqs. (6) and (7)",
        "x^R > x^D and y^R > y^D for alpha below both printed thresholds", _lemma_10_draw,
        _lemma_10, inside=_below_upper, condition=lambda p: p["alpha"] <= 1,
        condition_text=ALPHA_AT_MOST_1,
        corrected="It needs alpha <= 1; the exact thresholds, with X = W(A mu), Y = s X, "
        "b = mu/(1+f): alpha_x = u exp(b(2 eps e^-X + A u)), u = (X/b - A e^-X)/(2 eps); "
        "alpha_y = (Y/b - 2 eps e^-x)/A e^Y, x = s Y + W(b (1-eps^2)^2/A e^(-s Y)).",
    ),
)  # fmt: skip
