"""Thresholds of alpha in the correlated case (Ascent Fails to Forget, Lemmas 9 and 10, Fig. 4).

The printed thresholds depend on eps, f and, for the upper one, mu; `alpha` of the problem is
not used. Exact thresholds (ours) come in closed form (upper) or by bracketing (lower).
"""

from dataclasses import dataclass

import numpy as np

from palimpsest.studies.theory import lambert, pair
from palimpsest.studies.theory.logistic_2d import Correlated, descent_ascent_pair, oracle
from palimpsest.studies.theory.solvers import Function, bisect, require

Array = np.ndarray


def printed_lower(problem: Correlated) -> Array:
    """Lemma 9, alpha^{D>DA}: max of A/(2 eps) f^2/(1+2f) and 2 eps/A f(1+f)/(1+2f); shape (n,)."""
    f, s = problem.fraction, problem.s
    return np.maximum(f**2 / (1 + 2 * f) / s, s * f * (1 + f) / (1 + 2 * f))


def printed_upper(problem: Correlated) -> Array:
    """Lemma 10, Eqs. (6) and (7): (alpha_x^{R>D}, alpha_y^{R>D}), shape (n, 2)."""
    w_r = lambert.principal(problem.a * problem.strength)
    w_d = lambert.principal(problem.a * problem.b)
    two = 2 * problem.correlation
    alpha_x = (w_r - w_d) * np.exp((w_r - w_d) / problem.s) / (two * problem.b)
    alpha_y = problem.s * (w_r * np.exp(problem.s * w_r) / (problem.a * problem.b) - 1)
    return np.stack([alpha_x, alpha_y], axis=1)


def exact_upper(problem: Correlated) -> Array:
    """Ours: alpha below which x^R > x^D and y^R > y^D hold, each exactly; shape (n, 2).

    Both follow from setting x^D = x^R (or y^D = y^R) in the equations of the original problem.
    """
    x, y = oracle(problem).T
    a, b, two = problem.a, problem.b, 2 * problem.correlation
    u = (x / b - a * np.exp(-x)) / two
    alpha_x = u * np.exp(b * (two * np.exp(-x) + a * u))
    c = b * (1 - problem.correlation**2) ** 2 / a
    x_d = problem.s * y + lambert.principal(c * np.exp(-problem.s * y))
    alpha_y = (y / b - two * np.exp(-x_d)) / a * np.exp(y)
    return np.stack([alpha_x, alpha_y], axis=1)


def with_alpha(problem: Correlated, alpha: Array) -> Correlated:
    """The same problem at another alpha."""
    return Correlated(problem.correlation, alpha, problem.fraction, problem.strength)


def exact_lower(problem: Correlated) -> Array:
    """Ours: alpha above which both margins of D exceed those of descent-ascent; shape (n,).

    Where descent-ascent has no minimum it falls without end, and the order counts as given.
    With u = (1, eps), v = (eps, 1) and H the Hessian, dx^D/dalpha is a positive multiple of
    u' adj(H) v = 2 eps and dy^D/dalpha one of v' adj(H) v > 0; for descent-ascent the signs are
    reversed. So both margins of D rise with alpha, both of descent-ascent fall, and each pair
    crosses at one alpha, or at none while descent-ascent has a minimum. Each equation gives
    alpha in closed form once the common margin is known, so one bracketing finds the crossing.
    """
    push = descent_ascent_pair(with_alpha(problem, problem.fraction))  # q = -mu: alpha f = 1
    peak = pair.peak(push)
    top, s = oracle(problem), problem.s
    a, b, mu, two = problem.a, problem.b, problem.strength, 2 * problem.correlation
    c = (1 - problem.correlation**2) ** 2 / a
    log_f = np.log(problem.fraction)

    def log(value: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(value, 0.0))

    def gap_x(x: Array) -> Array:
        """ln alpha of D less ln alpha of descent-ascent at the common margin x."""
        pull = (x - b * a * np.exp(-x)) / two
        of_d = log(pull) - np.log(b) + two * b * np.exp(-x) + a * pull
        return np.where(x >= top[:, 0], np.inf, of_d - pair.height(push, x) - log_f)

    def gap_y(y: Array) -> Array:
        """The same at the common margin y."""
        x_d, x_da = (s * y + lambert.principal(k * c * np.exp(-s * y)) for k in (b, mu))
        of_d = log(y - two * b * np.exp(-x_d)) - np.log(b)
        of_da = log(two * mu * np.exp(-x_da) - y) - np.log(mu)
        return np.where(y >= top[:, 1], np.inf, of_d - of_da - log_f)

    limit = log_f + pair.height(push, peak)  # ln of the largest alpha with a minimum

    def root(gap: Function, low: Array, high: Array) -> tuple[Array, Array]:
        crossing = gap(low) < 0
        return crossing, bisect(lambda v: np.where(crossing, gap(v), 0.0), low, high)

    cross_x, x = root(gap_x, peak, top[:, 0])
    cross_y, y = root(gap_y, pair.margin_y(push, peak), top[:, 1])
    x_of_y = s * y + lambert.principal(mu * c * np.exp(-s * y))
    log_x = np.where(cross_x, log_f + pair.height(push, x), limit)
    log_y = np.where(cross_y, log_f + pair.height(push, x_of_y), limit)
    return np.exp(np.maximum(log_x, log_y))


@dataclass(frozen=True)
class Window:
    """The window of one pair (f, mu): alpha between `lower` and `upper` at each correlation."""

    correlation: Array
    lower: Array
    upper: Array

    @property
    def width(self) -> Array:
        """Width in alpha at each correlation, 0 where the window is empty."""
        return np.maximum(self.upper - self.lower, 0.0)

    @property
    def extent(self) -> float:
        """Share of the correlations at which the window is not empty."""
        return float(np.mean(self.upper > self.lower))


def guaranteed_window(fraction: float, strength: float, points: int = 400) -> Window:
    """Figure 4: printed thresholds for one f and mu on a grid of correlations in (0, 1]."""
    problem = _grid(fraction, strength, points)
    return Window(problem.correlation, printed_lower(problem), printed_upper(problem).min(axis=1))


def exact_window(fraction: float, strength: float, points: int = 100) -> Window:
    """The window of Figure 4 with the exact thresholds."""
    problem = _grid(fraction, strength, points)
    return Window(problem.correlation, exact_lower(problem), exact_upper(problem).min(axis=1))


def _grid(fraction: float, strength: float, points: int) -> Correlated:
    require(np.array(points >= 2), "a grid needs at least two points")
    correlation = np.linspace(0, 1, points + 1)[1:]
    return Correlated(
        correlation, np.ones(points), np.full(points, fraction), np.full(points, strength)
    )
