"""What descent-ascent does on one coordinate.

Ascent Fails to Forget, Section 5.1.1, Lemmas 3 to 5 and Corollary 1, Appendices E to G.
"""

import numpy as np

from palimpsest.arrays import require
from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    agreement,
    all_of,
    at_most,
    below,
    log_uniform,
)
from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate.lemma_2 import Coordinate

Array = np.ndarray
AWAY = "DA always converges away from the oracle: doing nothing is better"


def harmful_range(fraction: Array) -> tuple[Array, Array]:
    """Lemma 3, App. E: the open range of alpha, (|F|^2/(|R|(|F|+|D|)), |F|/|R|), by f = |F|/|R|."""
    fraction = np.asarray(fraction, dtype=float)
    require(fraction > 0, "the forget fraction must be positive")
    return fraction**2 / (1 + 2 * fraction), fraction


def distance_bound(problem: Coordinate) -> Array:
    """Lemma 4: |ln((1 + alpha) |R| / |D|)|, above |w^D - w^R| for every lambda."""
    return np.abs(np.log1p(problem.alpha) - np.log1p(problem.fraction))


def in_range(problem: Coordinate) -> Array:
    """Whether alpha lies in the range of Lemma 3, bool (n,)."""
    low, _ = harmful_range(problem.fraction)
    return np.asarray((problem.alpha > low) & (problem.factor > 0))


def _in_range(p: Parameters) -> Array:
    return in_range(Coordinate(**p))


def _distances(p: Parameters) -> tuple[Array, Array, Array, Array]:
    """w^D, w^R, w^DA (-inf where it diverges) and which entries have a w^DA."""
    problem, ok = Coordinate(**p), one.solvable(p)
    w_da = np.full(ok.shape, -np.inf)
    w_da[ok] = one.descent_ascent(problem.at(ok))
    return one.original(problem), one.oracle(problem), w_da, ok


def _lemma_3(p: Parameters) -> Check:
    w_d, w_r, w_da, _ = _distances(p)
    return below(0 * w_d, np.maximum(w_da - w_d, -1e3) * (w_d - w_r))


def _not_in_range(p: Parameters) -> Check:
    positive, _ = _lemma_3(p)
    return agreement(~positive & ~_in_range(p))


def _lemma_3_exactly(p: Parameters) -> Check:
    positive, _ = _lemma_3(p)
    return agreement(positive == _in_range(p))


def _doing_nothing(p: Parameters) -> Check:
    w_d, w_r, w_da, _ = _distances(p)
    return below(np.abs(w_d - w_r), np.minimum(np.abs(w_da - w_r), 1e3))


def _lemma_4(p: Parameters, strict: bool) -> Check:
    problem = Coordinate(**p)
    distance = np.abs(one.original(problem) - one.oracle(problem))
    bound = np.where(one.position(p) == 1, 0.0, distance_bound(problem))
    distance = np.where(one.position(p) == 1, 0.0, distance)
    return below(distance, bound) if strict else at_most(distance, bound)


def _lemma_5(p: Parameters, strict: bool) -> Check:
    _, w_r, w_da, _ = _distances(p)
    distance = np.minimum(np.abs(w_r - w_da), 1e3)
    return below(w_r, distance) if strict else at_most(w_r, distance)


def _infinite(p: Parameters) -> Check:
    _, w_r, w_da, _ = _distances(p)
    return agreement(np.isinf(w_r - w_da))


def _case_2_bounds(p: Parameters) -> Check:
    _, w_r, w_da, ok = _distances(p)
    distance = np.where(ok, w_r - np.where(ok, w_da, 0.0), w_r)
    return all_of(at_most(w_r, distance), at_most(distance, w_r + 1))


def _corollary_1(p: Parameters) -> Check:
    """alpha = f (1 - 10^-k), lambda = 10^-4k: one distance falls to 0, the other rises."""
    k = np.arange(1, 10)[:, None]
    alpha, ridge = p["fraction"] * (1 - 10.0**-k), 10.0 ** (-4 * k) * np.ones_like(p["fraction"])
    problem = Coordinate(
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
    return one.position(p) >= 1


def _above(p: Parameters) -> Array:
    return one.position(p) > 1


def _one_dimensional(p: Parameters) -> Array:
    return p["retain_j"] == p["retain"]


def _pure(rng: np.random.Generator, n: int) -> Parameters:
    """Data sets with a single coordinate: |R_j| = |R| and |F_j| = |F|, so alpha = |F|/|R|."""
    p = one.coordinate(rng, n)
    p["retain_j"] = p["retain"].copy()
    p["alpha"] = p["forget"] / p["retain"]
    return p


def _inside_one_set(rng: np.random.Generator, n: int) -> Parameters:
    """The setting of 5.1.1, F a subset of one S_j: alpha = |F|/|R_j|."""
    p = one.coordinate(rng, n)
    p["alpha"] = p["forget"] / p["retain_j"]
    return p


STATEMENTS = (
    Statement(
        "Lemma 3", FORGETS, "Section 5.1.1, App. E",
        "sign of (w^DA - w^D)(w^D - w^R) for alpha in the range of App. E", one.coordinate,
        _lemma_3, inside=_in_range,
    ),
    Statement(
        "Lemma 3 holds exactly in its range", FORGETS, "ours, sharpens App. E",
        "the product is positive if and only if alpha lies in the range, also in case 2",
        one.coordinate, _lemma_3_exactly, inside=one.solvable,
    ),
    Statement(
        "Lemma 3 holds for alpha < |F|/|R|", FORGETS, "Section 5.1.1, after Lemma 3",
        "sign of the product for every alpha below |F|/|R|", one.coordinate, _lemma_3,
        inside=lambda p: one.position(p) < 1, condition=_in_range,
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
        "With F a subset of one S_j the range of Lemma 3 is empty", FORGETS,
        "ours, the setting of Section 5.1.1",
        "alpha = |F|/|R_j| is outside the range and the product is not positive", _inside_one_set,
        _not_in_range,
    ),
    Statement(
        AWAY, FORGETS, "Section 5.1.1",
        "|w^DA - w^R| > |w^D - w^R| on the coordinate, for every alpha", one.coordinate,
        _doing_nothing, condition=lambda p: _in_range(p) | (one.position(p) >= 1),
        condition_text="alpha > |F|^2/(|R|(|F|+|D|))",
        corrected="It holds on a coordinate for alpha above the lower end of Lemma 3.",
        variant="on a coordinate",
    ),
    Statement(
        "Lemma 4 with < in place of <=", FORGETS, "ours, App. F",
        "|w^D - w^R| < |ln((1+alpha)|R|/|D|)| down to lambda = 1e-300", one.coordinate,
        lambda p: _lemma_4(p, strict=True), condition=lambda p: one.position(p) != 1,
        condition_text="alpha differs from |F|/|R|",
        corrected="<=, or alpha not equal to |F|/|R| (there both sides are 0).",
    ),
    Statement(
        "Lemma 4", FORGETS, "Section 5.1.1, App. F",
        "|w^D - w^R| <= |ln((1+alpha)|R|/|D|)| down to lambda = 1e-300", one.coordinate,
        lambda p: _lemma_4(p, strict=False),
    ),
    Statement(
        "Lemma 5 with > in place of >=", FORGETS, "ours, App. G",
        "|w^R - w^DA| > W0(|R_j|/(lambda |R|)) for alpha >= |F|/|R|", one.coordinate,
        lambda p: _lemma_5(p, strict=True), inside=_at_or_above, condition=_above,
        condition_text="alpha > |F|/|R|", corrected=">=, with equality at alpha = |F|/|R|.",
    ),
    Statement(
        "Lemma 5", FORGETS, "Section 5.1.1, App. G",
        "|w^R - w^DA| >= W0(|R_j|/(lambda |R|)) for alpha >= |F|/|R|", one.coordinate,
        lambda p: _lemma_5(p, strict=False), inside=_at_or_above,
    ),
    Statement(
        "Proof of Lemma 5: the distance is infinite for every lambda", FORGETS, "App. G",
        "|w^R - w^DA| = infinity for alpha > |F|/|R| and any lambda", one.coordinate, _infinite,
        inside=_above,
        corrected="It is infinite in case 3 of App. E only; in case 2 it lies between W0 and "
        "W0 + 1 of |R_j|/(lambda |R|).",
    ),
    Statement(
        "Lemma 5 in case 2: W0 <= distance <= W0 + 1", FORGETS, "ours, corrects App. G",
        "bounds of |w^R - w^DA| at the local minimum", one.coordinate, _case_2_bounds,
        inside=lambda p: one.case_of(p) == 2,
    ),
    Statement(
        "Corollary 1, second limit read as infinity", FORGETS, "Section 5.1.1",
        "alpha -> |F|/|R| from below with lambda -> 0: the first distance falls to 0, the second "
        "grows", _corollary_draw, _corollary_1,
    ),
)  # fmt: skip
