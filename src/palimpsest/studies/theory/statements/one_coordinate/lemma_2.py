"""Ridge logistic regression under exponential loss on one coordinate j: the three solutions.

Ascent Fails to Forget, Section 5.1.1, Lemma 2, Appendices C to E. The retain set has
`retain` points, `retain_j` of them on coordinate j; the forget set has `forget` points,
alpha * retain_j of them on coordinate j; the ridge is (lambda/2) |w|^2. All are arrays of one
shape. The loss of Eq. (1) on the coordinate has the gradient ridge * w - weight * exp(-w).
"""

from dataclasses import dataclass

import numpy as np

from palimpsest.arrays import require
from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    all_of,
    equal,
    log_uniform,
)
from palimpsest.studies.theory.solvers import NoSolution, Problem, root_beyond

Array = np.ndarray
ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Coordinate(Problem):
    """Sizes, alpha and ridge of the problems of Eq. (1) on one coordinate; arrays, shape (n,)."""

    retain_j: Array
    retain: Array
    forget: Array
    alpha: Array
    ridge: Array

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.ridge > 0, "the ridge must be positive")
        require(self.alpha >= 0, "alpha must not be negative")
        require(self.forget > 0, "the forget set must not be empty")
        require(
            (self.retain_j > 0) & (self.retain_j <= self.retain),
            "retain_j must lie in (0, retain]",
        )
        require(
            self.alpha * self.retain_j <= self.forget * (1 + ROUNDING),
            "alpha is out of range: coordinate j cannot have more forget points than the set has",
        )

    @property
    def fraction(self) -> Array:
        """f = |F| / |R|."""
        return self.forget / self.retain

    @property
    def factor(self) -> Array:
        """1 - alpha |R|/|F|, with a difference within rounding taken as exactly 0."""
        factor = (self.forget - self.alpha * self.retain) / self.forget
        return np.where(np.abs(factor) <= ROUNDING, 0.0, factor)

    @property
    def log_strength(self) -> Array:
        """ln(|R_j| / (lambda |R|)), the argument of W for the oracle."""
        return np.log(self.retain_j) - np.log(self.retain) - np.log(self.ridge)


def original(problem: Coordinate) -> Array:
    """Lemma 2: w^D = W0((1 + alpha) |R_j| / (lambda |D|))."""
    share = np.log1p(problem.alpha) - np.log1p(problem.fraction)
    return lambert.principal_of_log(problem.log_strength + share)


def oracle(problem: Coordinate) -> Array:
    """Lemma 2: w^R = W0(|R_j| / (lambda |R|))."""
    return lambert.principal_of_log(problem.log_strength)


def case(problem: Coordinate) -> Array:
    """App. E: 1 one stationary point (alpha <= |F|/|R|), 2 a minimum and a maximum, 3 none."""
    factor = problem.factor
    return np.where(factor >= 0, 1, np.where(_log_argument(problem) <= -1.0, 2, 3))


def descent_ascent(problem: Coordinate) -> Array:
    """Lemma 2: w^DA = W0((1 - alpha |R|/|F|) |R_j| / (lambda |R|)), the local minimum.

    Raises NoSolution in case 3 of App. E, where the loss falls without end.
    """
    _require_solution(problem)
    log, factor = _log_argument(problem), problem.factor
    negative = lambert.principal(-np.exp(np.where(factor < 0, np.minimum(log, -1.0), -np.inf)))
    positive = lambert.principal_of_log(np.where(factor > 0, log, 0.0))
    return np.where(factor > 0, positive, np.where(factor < 0, negative, 0.0))


def descent_ascent_maximum(problem: Coordinate) -> Array:
    """Lemma 2 on the branch W-1, the local maximum; raises NoSolution outside case 2."""
    _require_case_2(problem)
    return lambert.secondary(-np.exp(np.minimum(_log_argument(problem), -1.0)))


def case_3_threshold(problem: Coordinate) -> Array:
    """App. E, case 3: no stationary point for alpha above |F|/|R| + lambda |F| / (e |R_j|)."""
    return problem.fraction + problem.ridge * problem.forget / (np.e * problem.retain_j)


def gradient(problem: Coordinate, which: str, w: Array) -> Array:
    """Derivative of a loss of Eq. (1), from the counts; which: original, oracle, descent_ascent."""
    return problem.ridge * w - _weight(problem, which) * np.exp(-w)


def loss(problem: Coordinate, which: str, w: Array) -> Array:
    """A loss of Eq. (1) on the coordinate (other coordinates left out)."""
    return _weight(problem, which) * np.exp(-w) + 0.5 * problem.ridge * w**2


def bracketed(problem: Coordinate, which: str) -> Array:
    """The minimum by bracketing the gradient's root, without W; raises NoSolution if none."""
    if which == "descent_ascent":
        _require_solution(problem)
    turn = np.where(_weight(problem, which) < 0, _turn(problem, which), 0.0)
    return root_beyond(lambda w: gradient(problem, which, w), turn, 1.0)


def bracketed_maximum(problem: Coordinate) -> Array:
    """The local maximum of the descent-ascent loss (case 2) by bracketing, without W."""
    _require_case_2(problem)
    turn = _turn(problem, "descent_ascent")
    return root_beyond(lambda w: gradient(problem, "descent_ascent", w), turn, -1.0)


def _turn(problem: Coordinate, which: str) -> Array:
    """Where a gradient with negative weight is lowest; it is monotone on either side."""
    weight = _weight(problem, which)
    return np.log(np.where(weight < 0, -weight, 1.0)) - np.log(problem.ridge)


def _weight(problem: Coordinate, which: str) -> Array:
    retained, forgotten = problem.retain_j, problem.alpha * problem.retain_j
    if which == "original":
        return (retained + forgotten) / (problem.retain + problem.forget)
    if which == "oracle":
        return retained / problem.retain
    if which == "descent_ascent":
        difference = retained / problem.retain - forgotten / problem.forget
        return np.where(problem.factor == 0, 0.0, difference)
    raise ValueError(f"{which!r} is no problem; allowed: original, oracle, descent_ascent")


def _log_argument(problem: Coordinate) -> Array:
    """ln of the absolute argument of W for descent-ascent (-inf where it is 0)."""
    with np.errstate(divide="ignore"):
        return problem.log_strength + np.log(np.abs(problem.factor))


def _require_solution(problem: Coordinate) -> None:
    none = case(problem) == 3
    if none.any():
        raise NoSolution(
            f"descent-ascent has no stationary point for {none.sum()} of {none.size} entries: "
            "alpha exceeds |F|/|R| + lambda |F| / (e |R_j|)"
        )


def _require_case_2(problem: Coordinate) -> None:
    if np.any(case(problem) != 2):
        raise NoSolution("the descent-ascent loss has a local maximum in case 2 of App. E only")


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


def case_of(p: Parameters) -> Array:
    """The case of App. E of each entry."""
    return case(Coordinate(**p))


def solvable(p: Parameters) -> Array:
    """Whether descent-ascent has a stationary point."""
    return case_of(p) != 3


def position(p: Parameters) -> Array:
    """alpha |R|/|F|, with alpha at |F|/|R| to rounding taken as exactly there."""
    return 1 - Coordinate(**p).factor


def _lemma_2(p: Parameters) -> Check:
    problem, kind = Coordinate(**p), case_of(p)
    holds, error = all_of(
        equal(original(problem), bracketed(problem, "original")),
        equal(oracle(problem), bracketed(problem, "oracle")),
    )
    for index, closed, other in (
        (kind != 3, descent_ascent, lambda q: bracketed(q, "descent_ascent")),
        (kind == 2, descent_ascent_maximum, bracketed_maximum),
    ):
        part = problem.at(index)
        agree, difference = equal(closed(part), other(part))
        holds[index] &= agree
        error[index] = np.maximum(error[index], difference)
    return holds, error


def _branches(p: Parameters, swapped: bool) -> Check:
    """Slope of the loss on both sides of each branch: a minimum falls before and rises after."""
    holds, error = np.ones(len(p["alpha"]), dtype=bool), np.zeros(len(p["alpha"]))
    index = np.flatnonzero(case_of(p) == 2)
    problem = Coordinate(**p).at(index)
    w_0, w_1 = descent_ascent(problem), descent_ascent_maximum(problem)
    step = 0.01 * (w_0 - w_1)

    def rises(w: Array) -> Array:
        return gradient(problem, "descent_ascent", w) > 0

    minimum = rises(w_0 + step) & ~rises(w_0 - step)
    maximum = ~rises(w_1 + step) & rises(w_1 - step)
    printed = ~minimum & ~maximum
    holds[index] = printed if swapped else minimum & maximum
    error[index] = ~holds[index]
    return holds, error


def _cases_of_e(p: Parameters) -> Check:
    """Number of sign changes of the slope on a wide grid against the printed thresholds."""
    problem = Coordinate(**p)
    first, last = problem.fraction, case_3_threshold(problem)
    printed = np.where(position(p) <= 1, 1, np.where(problem.alpha <= last, 2, 0))
    grid = np.linspace(-60, 60, 4001)[:, None]
    rises = np.sign(gradient(problem, "descent_ascent", grid))
    found = (np.diff(np.sign(rises + 0.5), axis=0) != 0).sum(axis=0)
    near = (np.abs(problem.alpha - last) < 0.02 * (last - first)) | (oracle(problem) > 50)
    holds = (found == printed) | near
    return holds, np.where(holds, 0.0, np.abs(found - printed))


STATEMENTS = (
    Statement(
        "Lemma 2", FORGETS, "Section 5.1.1, App. C.2 and D",
        "closed form by Lambert W on both branches against bracketed roots of the gradient",
        coordinate, _lemma_2,
    ),
    Statement(
        "App. E, case 2: W0 is the maximum, W-1 the minimum", FORGETS, "App. E",
        "slope of the loss on both sides of both stationary points", coordinate,
        lambda p: _branches(p, swapped=True), inside=lambda p: case_of(p) == 2,
        corrected="W0 is the local minimum and W-1 the local maximum.",
    ),
    Statement(
        "App. E, case 2: W0 is the minimum, W-1 the maximum", FORGETS, "ours, corrects App. E",
        "slope of the loss on both sides of both stationary points", coordinate,
        lambda p: _branches(p, swapped=False), inside=lambda p: case_of(p) == 2,
    ),
    Statement(
        "App. E: the three cases", FORGETS, "App. E",
        "stationary points counted on a grid against the printed thresholds of alpha", coordinate,
        _cases_of_e,
    ),
)  # fmt: skip
