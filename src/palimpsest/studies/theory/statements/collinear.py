"""Appendix I (Ascent Fails to Forget), Eqs. (8) to (15)."""

import numpy as np

from palimpsest.studies.theory import appendix_i as app
from palimpsest.studies.theory import newton, pair
from palimpsest.studies.theory.statements.draws import log_uniform
from palimpsest.studies.theory.verdicts import FORGETS, Parameters, Statement, both, equal

Array = np.ndarray
Check = tuple[Array, Array]


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


def _solve(problem: pair.Pair) -> Array:
    return newton.newton(problem, np.zeros((problem.p.size, 2)))


def _original(correlation: Array, strength: Array) -> Array:
    return _solve(pair.Pair(correlation, strength, strength))


def _nine_exact(p: Parameters) -> Check:
    w = app.original_exact(p["correlation"], p["strength"])
    return equal(np.stack([w, w], axis=1), _original(p["correlation"], p["strength"]))


def _nine_limit(p: Parameters) -> Check:
    """The error of the printed Eq. (9) falls tenfold with 1 - eps."""
    gaps = []
    for distance in (1e-4, 1e-5):
        eps = np.full_like(p["strength"], 1 - distance)
        exact = _original(eps, p["strength"])[:, 0]
        gaps.append(np.abs(app.original_printed(eps, p["strength"]) - exact) / exact)
    return (gaps[1] < 0.11 * gaps[0] + 1e-12) & (gaps[0] < 1e-3), gaps[1]


def _nine_as_equality(p: Parameters) -> Check:
    exact = _original(p["correlation"], p["strength"])[:, 0]
    return equal(app.original_printed(p["correlation"], p["strength"]), exact)


def _twelve(p: Parameters) -> Check:
    oracle = pair.Pair(p["correlation"], p["strength"], np.array(0.0))
    return equal(app.retrained(p["correlation"], p["strength"]), _solve(oracle))


def _eleven(p: Parameters) -> Check:
    """Printed right-hand sides against the gradient of Eq. (1), numerically at random weights."""
    w = np.stack([p["w1"], p["w2"]], axis=1)
    problem = app.descent_ascent_pair(
        p["correlation"], p["strength"], p["strength"] / p["fraction"]
    )
    return equal(
        app.right_side_11(w, p["correlation"], p["strength"]), w - pair.gradient(problem, w)
    )


def _thirteen(p: Parameters) -> Check:
    """The remainder of the expansion falls hundredfold when 1 - eps falls tenfold."""
    w = np.stack([p["w1"], p["w2"]], axis=1)
    gaps = []
    for distance in (1e-3, 1e-4):
        eps = np.full_like(p["w1"], 1 - distance)
        gap = app.right_side_11(w, eps, 1.0) - app.right_side_13(w, eps, 1.0)
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
        found = app.descent_ascent(eps, p["strength"])
        printed = app.descent_ascent_14(eps, p["strength"])
        # measured in units of the leading terms, z and sqrt(-z)
        z = -app.argument_14(eps, p["strength"])
        errors.append(
            (
                np.abs((found - printed).sum(axis=1)) / z,
                np.abs((found - printed) @ np.array([1.0, -1.0])) / np.sqrt(z),
            )
        )
    for one, half in zip(*errors, strict=True):
        results.append(((half < 0.6 * one + 1e-9) & (half < 0.1), half))
    return both(*results)


def _real(p: Parameters) -> Check:
    """Whether Eq. (14) is real at all, for any eps."""
    holds = app.argument_14(p["correlation"], p["strength"]) >= -np.exp(-1.0)
    return holds, (~holds).astype(float)


def _small_distance(p: Parameters) -> Array:
    return 8 * (1 - p["correlation"]) ** 2 * p["strength"] ** 2 <= np.exp(-1.0)


def _fifteen(p: Parameters) -> Check:
    """Delta tends to -W(2/(lambda |R|)), and the printed Delta is the sum's true difference."""
    eps = _near_one(p, 1e-6)
    limit = app.limit_15(p["strength"])
    true = app.descent_ascent(eps, p["strength"]).sum(axis=1) - app.retrained(
        eps, p["strength"]
    ).sum(axis=1)
    printed = app.difference_15(eps, p["strength"])
    error = np.maximum(np.abs(printed / limit - 1), np.abs(true / limit - 1))
    return error < 1e-4, error


def _nearly_orthogonal(p: Parameters) -> Check:
    """Cosine between (1, eps) and (eps, 1) at 1 - eps = 1e-3 (1 - correlation)."""
    eps = 1 - 1e-3 * (1 - p["correlation"])
    cosine = 2 * eps / (1 + eps**2)
    return cosine < 0.1, cosine


STATEMENTS = (
    Statement(
        "Eq. (9), as a limit", FORGETS, "App. I",
        "printed W(2(eps+1)/(lambda|D|))/2 against Newton as eps -> 1: error of order 1 - eps",
        _any, _nine_limit,
    ),
    Statement(
        "Eq. (9), as an equality", FORGETS, "App. I",
        "printed W(2(eps+1)/(lambda|D|))/2 against Newton at any eps", _any, _nine_as_equality,
        corrected="w1 = w2 = W((1+eps)^2/(lambda|D|))/(1+eps) holds for every eps.",
    ),
    Statement(
        "Eq. (9), exact form", FORGETS, "ours, corrects App. I",
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
    Statement(
        "The samples are nearly orthogonal", FORGETS, "App. I",
        "cosine between the two samples in the limit eps -> 1 that the section takes", _any,
        _nearly_orthogonal, corrected="For eps -> 1 the two samples are nearly collinear.",
    ),
)  # fmt: skip
