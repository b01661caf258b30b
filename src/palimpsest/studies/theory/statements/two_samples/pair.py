"""Two correlated samples: stationary points of p e^-x + q e^-y + |w|^2 / 2.

Ascent Fails to Forget, Section 5.1.2 and Appendices H and I: x = w1 + eps w2 and y = eps w1 + w2
are the margins of the samples (1, eps) and (eps, 1). Every loss there, divided by lambda, has
this form: p > 0 weighs the retain sample, q the forget sample (q < 0 for descent-ascent).
A stationary point solves x = A p e^-x + 2 eps q e^-y and y = 2 eps p e^-x + A q e^-y,
with A = 1 + eps^2. How many there are, by our own derivation:

q >= 0: the loss is strictly convex; one point.
q < 0:  with u = e^-y |q| = (A p e^-x - x) / (2 eps) > 0 the point solves H(x) = ln u + y(x)
        - ln |q| = 0 on x < W0(A p). H' has the sign of a strictly falling function that is >= 0
        at x = -1, so H rises, then falls: there are two points (a minimum at the larger x and y,
        a saddle at the smaller), or one (touching), or none; for eps = 1 and |q| < p only the
        minimum.
"""

from dataclasses import dataclass

import numpy as np

from palimpsest.arrays import require
from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.solvers import NoSolution, Problem, root, root_beyond

Array = np.ndarray


@dataclass(frozen=True)
class Pair(Problem):
    """Correlation eps in (0, 1] and the weights p > 0 and q of the two samples; shape (n,)."""

    correlation: Array
    p: Array
    q: Array

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            (self.correlation > 0) & (self.correlation <= 1), "the correlation must lie in (0, 1]"
        )
        require(self.p > 0, "the weight of the retain sample must be positive")

    @property
    def a(self) -> Array:
        """A = 1 + eps^2."""
        return 1 + self.correlation**2


def to_margins(correlation: Array, w: Array) -> Array:
    """Weights (n, 2) to margins (x, y), (n, 2)."""
    return np.stack([w[:, 0] + correlation * w[:, 1], correlation * w[:, 0] + w[:, 1]], axis=1)


def gradient(pair: Pair, w: Array) -> Array:
    """Gradient of the loss in the weights; w and result have shape (n, 2)."""
    x, y = to_margins(pair.correlation, w).T
    ex, ey = pair.p * np.exp(-x), pair.q * np.exp(-y)
    return w - np.stack([ex + pair.correlation * ey, pair.correlation * ex + ey], axis=1)


def hessian(pair: Pair, w: Array) -> Array:
    """Hessian of the loss in the weights, shape (n, 2, 2)."""
    x, y = to_margins(pair.correlation, w).T
    ex, ey, e = pair.p * np.exp(-x), pair.q * np.exp(-y), pair.correlation
    off = e * (ex + ey)
    rows = np.stack([1 + ex + e**2 * ey, off, off, 1 + e**2 * ex + ey], axis=1)
    return rows.reshape(-1, 2, 2)


def weights(pair: Pair, margins: Array) -> Array:
    """Weights (n, 2) of a stationary point from its margins (x, y), by the gradient's zero."""
    ex, ey = pair.p * np.exp(-margins[:, 0]), pair.q * np.exp(-margins[:, 1])
    return np.stack([ex + pair.correlation * ey, pair.correlation * ex + ey], axis=1)


def exists(pair: Pair) -> Array:
    """Whether the loss has a local minimum, shape (n,), bool."""
    result = np.ones(pair.p.size, dtype=bool)
    negative = np.flatnonzero(pair.q < 0)
    if negative.size:
        part = pair.at(negative)
        result[negative] = height(part, peak(part)) >= 0
    return result


def minimum(pair: Pair) -> Array:
    """Margins (x, y) of the local minimum, shape (n, 2); NoSolution where there is none."""
    if not exists(pair).all():
        raise NoSolution(
            f"the loss has no stationary point for {(~exists(pair)).sum()} of {pair.p.size} entries"
        )
    result = np.empty((pair.p.size, 2))
    for select, solve in ((pair.q >= 0, _convex), (pair.q < 0, _descent_ascent)):
        index = np.flatnonzero(select)
        if index.size:
            result[index] = solve(pair.at(index))
    return result


def saddle(pair: Pair) -> Array:
    """Margins of the saddle of a descent-ascent loss (q < 0, eps < 1), shape (n, 2)."""
    if np.any(pair.q >= 0) or np.any(pair.correlation == 1) or not exists(pair).all():
        raise NoSolution("a saddle exists for q < 0 and a correlation below 1 with a minimum only")
    x = root_beyond(lambda x: height(pair, x), peak(pair), -1.0)
    return np.stack([x, margin_y(pair, x)], axis=1)


def _convex(pair: Pair) -> Array:
    """q >= 0: bracket x in the first equation, with y from the second by W."""

    a, two = pair.a, 2 * pair.correlation

    def y(x: Array) -> Array:
        pull = two * pair.p * np.exp(-x)
        return pull + lambert.principal(a * pair.q * np.exp(-pull))

    def gap(x: Array) -> Array:
        return x - a * pair.p * np.exp(-x) - two * pair.q * np.exp(-y(x))

    x = root_beyond(gap, np.zeros_like(pair.p), 1.0)
    return np.stack([x, y(x)], axis=1)


def _descent_ascent(pair: Pair) -> Array:
    """q < 0: the root of H right of its peak; at the upper end H is -inf."""
    x = root(lambda x: height(pair, x), peak(pair), lambert.principal(pair.a * pair.p))
    return np.stack([x, margin_y(pair, x)], axis=1)


def margin_y(pair: Pair, x: Array) -> Array:
    """y at the point whose margin x and first equation are given."""
    e, p = pair.correlation, pair.p * np.exp(-x)
    return (pair.a * x - (1 - e**2) ** 2 * p) / (2 * e)


def height(pair: Pair, x: Array) -> Array:
    """H(x); -inf from the upper end W0(A p) on, whatever its rounding."""
    u = (pair.a * pair.p * np.exp(-x) - x) / (2 * pair.correlation)
    with np.errstate(divide="ignore"):
        value = np.log(np.maximum(u, 0.0)) + margin_y(pair, x) - np.log(-pair.q)
    return np.where(x >= lambert.principal(pair.a * pair.p), -np.inf, value)


def peak(pair: Pair) -> Array:
    """Where H is largest: the root of (A p' - x)(p' c + A) = 2 eps (A p' + 1), p' = p e^-x."""
    c = (1 - pair.correlation**2) ** 2

    def slope(x: Array) -> Array:
        p = pair.p * np.exp(-x)
        return (pair.a * p - x) * (p * c + pair.a) - 2 * pair.correlation * (pair.a * p + 1)

    return root(slope, np.full_like(pair.p, -1 - 1e-9), lambert.principal(pair.a * pair.p))
