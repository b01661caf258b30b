"""Ridge logistic regression under exponential loss on one coordinate j.

Ascent Fails to Forget, Section 5.1.1, Lemmas 2 to 5, Appendices C to G. The retain set has
`retain` points, `retain_j` of them on coordinate j; the forget set has `forget` points,
alpha * retain_j of them on coordinate j; the ridge is (lambda/2) |w|^2. All are arrays of one
shape. The loss of Eq. (1) on the coordinate has the gradient ridge * w - weight * exp(-w).
"""

from dataclasses import dataclass, fields

import numpy as np

from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.solvers import NoSolution, bisect, expand, require

Array = np.ndarray
ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Coordinate:
    """Sizes, alpha and ridge of the problems of Eq. (1) on one coordinate; arrays, shape (n,)."""

    retain_j: Array
    retain: Array
    forget: Array
    alpha: Array
    ridge: Array

    def __post_init__(self) -> None:
        values = [np.asarray(getattr(self, f.name), dtype=float) for f in fields(self)]
        for field, value in zip(fields(self), np.broadcast_arrays(*values), strict=True):
            require(np.isfinite(value), f"{field.name} must be a finite number")
            object.__setattr__(self, field.name, np.atleast_1d(value))
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

    def at(self, index: Array) -> "Coordinate":
        """The selected entries."""
        return Coordinate(*(getattr(self, f.name)[index] for f in fields(self)))


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
    if np.any(case(problem) != 2):
        raise NoSolution("the descent-ascent loss has a local maximum in case 2 of App. E only")
    return lambert.secondary(-np.exp(np.minimum(_log_argument(problem), -1.0)))


def case_3_threshold(problem: Coordinate) -> Array:
    """App. E, case 3: no stationary point for alpha above |F|/|R| + lambda |F| / (e |R_j|)."""
    return problem.fraction + problem.ridge * problem.forget / (np.e * problem.retain_j)


def harmful_range(fraction: Array) -> tuple[Array, Array]:
    """Lemma 3, App. E: the open range of alpha, (|F|^2/(|R|(|F|+|D|)), |F|/|R|), by f = |F|/|R|."""
    fraction = np.asarray(fraction, dtype=float)
    require(fraction > 0, "the forget fraction must be positive")
    return fraction**2 / (1 + 2 * fraction), fraction


def distance_bound(problem: Coordinate) -> Array:
    """Lemma 4: |ln((1 + alpha) |R| / |D|)|, above |w^D - w^R| for every lambda."""
    return np.abs(np.log1p(problem.alpha) - np.log1p(problem.fraction))


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
    weight = _weight(problem, which)
    turn = np.log(np.where(weight < 0, -weight, 1.0)) - np.log(problem.ridge)
    low, high = np.where(weight < 0, turn, 0.0), np.where(weight < 0, 0.0, 800.0)
    low, high = np.where(weight == 0, -1.0, low), np.where(weight == 0, 1.0, high)
    return bisect(lambda w: gradient(problem, which, w), low, high)


def bracketed_maximum(problem: Coordinate) -> Array:
    """The local maximum of the descent-ascent loss (case 2) by bracketing, without W."""
    if np.any(case(problem) != 2):
        raise NoSolution("the descent-ascent loss has a local maximum in case 2 of App. E only")
    turn = np.log(-_weight(problem, "descent_ascent")) - np.log(problem.ridge)

    def slope(w: Array) -> Array:
        return gradient(problem, "descent_ascent", w)

    return bisect(slope, expand(slope, turn, -1.0, 1), turn)


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
