"""Lemmas 2 to 5 and Corollary 1 (Ascent Fails to Forget, Section 5.1.1, App. C to G)."""

import numpy as np

from palimpsest.studies.theory import logistic_1d as one
from palimpsest.studies.theory.statements.draws import as_coordinate, coordinate, log_uniform
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


def _case(p: Parameters) -> Array:
    return one.case(as_coordinate(p))


def _solvable(p: Parameters) -> Array:
    return _case(p) != 3


def _position(p: Parameters) -> Array:
    """alpha |R|/|F|, with alpha at |F|/|R| to rounding taken as exactly there."""
    return 1 - as_coordinate(p).factor


def _in_range(p: Parameters) -> Array:
    low, _ = one.harmful_range(p["forget"] / p["retain"])
    return (p["alpha"] > low) & (_position(p) < 1)


def _distances(p: Parameters) -> tuple[Array, Array, Array, Array]:
    """w^D, w^R, w^DA (-inf where it diverges) and which entries have a w^DA."""
    problem, ok = as_coordinate(p), _solvable(p)
    w_da = np.full(ok.shape, -np.inf)
    w_da[ok] = one.descent_ascent(problem.at(ok))
    return one.original(problem), one.oracle(problem), w_da, ok


def _lemma_2(p: Parameters) -> Check:
    problem, case = as_coordinate(p), _case(p)
    holds, error = both(
        equal(one.original(problem), one.bracketed(problem, "original")),
        equal(one.oracle(problem), one.bracketed(problem, "oracle")),
    )
    for index, closed, other in (
        (case != 3, one.descent_ascent, lambda q: one.bracketed(q, "descent_ascent")),
        (case == 2, one.descent_ascent_maximum, one.bracketed_maximum),
    ):
        part = problem.at(index)
        agree, difference = equal(closed(part), other(part))
        holds[index] &= agree
        error[index] = np.maximum(error[index], difference)
    return holds, error


def _branches(p: Parameters, swapped: bool) -> Check:
    """Slope of the loss on both sides of each branch: a minimum falls before and rises after."""
    holds, error = np.ones(len(p["alpha"]), dtype=bool), np.zeros(len(p["alpha"]))
    index = np.flatnonzero(_case(p) == 2)
    problem = as_coordinate(p).at(index)
    w_0, w_1 = one.descent_ascent(problem), one.descent_ascent_maximum(problem)
    step = 0.01 * (w_0 - w_1)

    def rises(w: Array) -> Array:
        return one.gradient(problem, "descent_ascent", w) > 0

    minimum = rises(w_0 + step) & ~rises(w_0 - step)
    maximum = ~rises(w_1 + step) & rises(w_1 - step)
    printed = ~minimum & ~maximum
    holds[index] = printed if swapped else minimum & maximum
    error[index] = ~holds[index]
    return holds, error


def _cases_of_e(p: Parameters) -> Check:
    """Number of sign changes of the slope on a wide grid against the printed thresholds."""
    problem = as_coordinate(p)
    first, last = problem.fraction, one.case_3_threshold(problem)
    printed = np.where(_position(p) <= 1, 1, np.where(problem.alpha <= last, 2, 0))
    grid = np.linspace(-60, 60, 4001)[:, None]
    rises = np.sign(one.gradient(problem, "descent_ascent", grid))
    found = (np.diff(np.sign(rises + 0.5), axis=0) != 0).sum(axis=0)
    near = (np.abs(problem.alpha - last) < 0.02 * (last - first)) | (one.oracle(problem) > 50)
    holds = (found == printed) | near
    return holds, np.where(holds, 0.0, np.abs(found - printed))


def _lemma_3(p: Parameters) -> Check:
    w_d, w_r, w_da, _ = _distances(p)
    return below(0 * w_d, np.maximum(w_da - w_d, -1e3) * (w_d - w_r))


def _lemma_3_exactly(p: Parameters) -> Check:
    positive, _ = _lemma_3(p)
    holds = positive == _in_range(p)
    return holds, (~holds).astype(float)


def _doing_nothing(p: Parameters) -> Check:
    w_d, w_r, w_da, _ = _distances(p)
    return below(np.abs(w_d - w_r), np.minimum(np.abs(w_da - w_r), 1e3))


def _lemma_4(p: Parameters, strict: bool) -> Check:
    problem = as_coordinate(p)
    distance = np.abs(one.original(problem) - one.oracle(problem))
    bound = np.where(_position(p) == 1, 0.0, one.distance_bound(problem))
    distance = np.where(_position(p) == 1, 0.0, distance)
    return below(distance, bound) if strict else at_most(distance, bound)


def _lemma_5(p: Parameters, strict: bool) -> Check:
    _, w_r, w_da, _ = _distances(p)
    distance = np.minimum(np.abs(w_r - w_da), 1e3)
    return below(w_r, distance) if strict else at_most(w_r, distance)


def _infinite(p: Parameters) -> Check:
    _, w_r, w_da, _ = _distances(p)
    holds = np.isinf(w_r - w_da)
    return holds, (~holds).astype(float)


def _case_2_bounds(p: Parameters) -> Check:
    _, w_r, w_da, ok = _distances(p)
    distance = np.where(ok, w_r - np.where(ok, w_da, 0.0), w_r)
    return both(at_most(w_r, distance), at_most(distance, w_r + 1))


def _corollary_1(p: Parameters) -> Check:
    """alpha = f (1 - 10^-k), lambda = 10^-4k: one distance falls to 0, the other rises."""
    k = np.arange(1, 10)[:, None]
    alpha, ridge = p["fraction"] * (1 - 10.0**-k), 10.0 ** (-4 * k) * np.ones_like(p["fraction"])
    problem = one.Coordinate(
        p["share"] * 1e4, np.array(1e4), p["fraction"] * 1e4, alpha * np.ones_like(ridge), ridge
    )
    w_r = one.oracle(problem)
    near, far = np.abs(w_r - one.original(problem)), np.abs(w_r - one.descent_ascent(problem))
    holds = (np.diff(near, axis=0) < 0).all(axis=0) & (np.diff(far, axis=0) > 0).all(axis=0)
    holds &= (near[-1] < 1e-8) & (far[-1] > 3 * far[0] / 2) & (far[-1] > 15)
    return holds, near[-1]


def _corollary_draw(rng: np.random.Generator, n: int) -> Parameters:
    return {"share": rng.uniform(0.01, 1, n), "fraction": log_uniform(rng, 1e-2, 1, n)}


def _at_or_above(p: Parameters) -> Array:
    return _position(p) >= 1


def _above(p: Parameters) -> Array:
    return _position(p) > 1


def _one_dimensional(p: Parameters) -> Array:
    return p["retain_j"] == p["retain"]


def _pure(rng: np.random.Generator, n: int) -> Parameters:
    """Data sets with a single coordinate: |R_j| = |R| and |F_j| = |F|, so alpha = |F|/|R|."""
    p = coordinate(rng, n)
    p["retain_j"] = p["retain"].copy()
    p["alpha"] = p["forget"] / p["retain"]
    return p


def _inside_one_set(rng: np.random.Generator, n: int) -> Parameters:
    """The setting of 5.1.1, F a subset of one S_j: alpha = |F|/|R_j|."""
    p = coordinate(rng, n)
    p["alpha"] = p["forget"] / p["retain_j"]
    return p


STATEMENTS = (
    Statement(
        "Lemma 2", FORGETS, "Section 5.1.1, App. C.2 and D",
        "closed form by Lambert W on both branches against bracketed roots of the gradient",
        coordinate, _lemma_2,
    ),
    Statement(
        "App. E, case 2: W0 is the maximum, W-1 the minimum", FORGETS, "App. E",
        "slope of the loss on both sides of both stationary points", coordinate,
        lambda p: _branches(p, swapped=True), inside=lambda p: _case(p) == 2,
        corrected="W0 is the local minimum and W-1 the local maximum.",
    ),
    Statement(
        "App. E, case 2: W0 is the minimum, W-1 the maximum", FORGETS, "ours, corrects App. E",
        "slope of the loss on both sides of both stationary points", coordinate,
        lambda p: _branches(p, swapped=False), inside=lambda p: _case(p) == 2,
    ),
    Statement(
        "App. E: the three cases", FORGETS, "App. E",
        "stationary points counted on a grid against the printed thresholds of alpha", coordinate,
        _cases_of_e,
    ),
    Statement(
        "Lemma 3", FORGETS, "Section 5.1.1, App. E",
        "sign of (w^DA - w^D)(w^D - w^R) for alpha in the range of App. E", coordinate, _lemma_3,
        inside=_in_range,
    ),
    Statement(
        "Lemma 3 holds exactly in its range", FORGETS, "ours, sharpens App. E",
        "the product is positive if and only if alpha lies in the range, also in case 2",
        coordinate, _lemma_3_exactly, inside=_solvable,
    ),
    Statement(
        "Lemma 3 holds for alpha < |F|/|R|", FORGETS, "Section 5.1.1, after Lemma 3",
        "sign of the product for every alpha below |F|/|R|", coordinate, _lemma_3,
        inside=lambda p: _position(p) < 1, condition=_in_range,
        condition_text="alpha > |F|^2/(|R|(|F|+|D|))",
        corrected="The lower end |F|^2/(|R|(|F|+|D|)) of App. E is needed as well.",
    ),
    Statement(
        "Lemma 3 always holds on purely one-dimensional data", FORGETS,
        "Section 5.1.1, after Lemma 3", "sign of the product with |R_j| = |R| and |F_j| = |F|",
        _pure, _lemma_3, inside=_one_dimensional,
        corrected="There alpha = |F|/|R|, w^D = w^R and the product is 0.",
    ),
    Statement(
        "Lemma 3 with F a subset of one S_j", FORGETS, "Section 5.1.1, the setting",
        "sign of the product with alpha = |F|/|R_j|", _inside_one_set, _lemma_3,
        corrected="There alpha >= |F|/|R|: the range of Lemma 3 is empty.",
    ),
    Statement(
        "Doing nothing is a better strategy than DA", FORGETS, "Section 5.1.1",
        "|w^DA - w^R| > |w^D - w^R| on the coordinate, for every alpha", coordinate,
        _doing_nothing, condition=lambda p: _in_range(p) | (_position(p) >= 1),
        condition_text="alpha > |F|^2/(|R|(|F|+|D|))",
        corrected="It holds on a coordinate for alpha above the lower end of Lemma 3.",
    ),
    Statement(
        "Lemma 4, read with <", FORGETS, "Section 5.1.1, App. F",
        "|w^D - w^R| < |ln((1+alpha)|R|/|D|)| down to lambda = 1e-300", coordinate,
        lambda p: _lemma_4(p, strict=True), condition=lambda p: _position(p) != 1,
        condition_text="alpha differs from |F|/|R|",
        corrected="<=, or alpha not equal to |F|/|R| (there both sides are 0).",
    ),
    Statement(
        "Lemma 4, read with <=", FORGETS, "Section 5.1.1, App. F",
        "|w^D - w^R| <= |ln((1+alpha)|R|/|D|)| down to lambda = 1e-300", coordinate,
        lambda p: _lemma_4(p, strict=False),
    ),
    Statement(
        "Lemma 5, read with >", FORGETS, "Section 5.1.1, App. G",
        "|w^R - w^DA| > W0(|R_j|/(lambda |R|)) for alpha >= |F|/|R|", coordinate,
        lambda p: _lemma_5(p, strict=True), inside=_at_or_above, condition=_above,
        condition_text="alpha > |F|/|R|", corrected=">=, with equality at alpha = |F|/|R|.",
    ),
    Statement(
        "Lemma 5, read with >=", FORGETS, "Section 5.1.1, App. G",
        "|w^R - w^DA| >= W0(|R_j|/(lambda |R|)) for alpha >= |F|/|R|", coordinate,
        lambda p: _lemma_5(p, strict=False), inside=_at_or_above,
    ),
    Statement(
        "Proof of Lemma 5: the distance is infinite for every lambda", FORGETS, "App. G",
        "|w^R - w^DA| = infinity for alpha > |F|/|R| and any lambda", coordinate, _infinite,
        inside=_above,
        corrected="It is infinite in case 3 of App. E only; in case 2 it lies between W0 and "
        "W0 + 1 of |R_j|/(lambda |R|).",
    ),
    Statement(
        "Lemma 5 in case 2: W0 <= distance <= W0 + 1", FORGETS, "ours, corrects App. G",
        "bounds of |w^R - w^DA| at the local minimum", coordinate, _case_2_bounds,
        inside=lambda p: _case(p) == 2,
    ),
    Statement(
        "Corollary 1, second limit read as infinity", FORGETS, "Section 5.1.1",
        "alpha -> |F|/|R| from below with lambda -> 0: the first distance falls to 0, the second "
        "grows", _corollary_draw, _corollary_1,
    ),
)  # fmt: skip
