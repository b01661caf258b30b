"""Iterative descent-ascent against the simultaneous one (Ascent Fails to Forget, App. C.3).

On one coordinate: r = |R_j|/|R| is the pull of the retain set, g = alpha |R_j|/|F| the push of
the forget set, `rate` the learning rate eta of both steps, `ridge` lambda. Arrays of one shape.
"""

import numpy as np

from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.solvers import NoSolution, bisect, require

Array = np.ndarray
Values = np.ndarray | float


def descent_step(w: Values, rate: Values, r: Values, ridge: Values) -> Array:
    """Eq. (4), first line: one step of gradient descent on the regularised retain loss."""
    return w + rate * (r * np.exp(-w) - ridge * w)


def ascent_step(w: Values, rate: Values, g: Values, ridge: Values) -> Array:
    """Eq. (4), second line: one step of ascent on the forget loss, with decay of the weight."""
    return w - rate * (g * np.exp(-w) + ridge * w)


def pair_of_steps(
    w: Values, rate: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """Two steps: `descent first` (App. C.3) or `ascent first` (Section 5.1.1)."""
    if order == "descent first":
        return ascent_step(descent_step(w, rate, r, ridge), rate, g, ridge)
    if order == "ascent first":
        return descent_step(ascent_step(w, rate, g, ridge), rate, r, ridge)
    raise ValueError(f"{order!r} is no order; allowed: descent first, ascent first")


def update_rule(w: Values, r: Values, g: Values, ridge: Values) -> Array:
    """Eq. (5), to first order: (pair of steps - w) / eta = (r - g) exp(-w) - 2 lambda w."""
    return (r - g) * np.exp(-w) - 2 * ridge * w


def simultaneous_solution(r: Values, g: Values, ridge: Values) -> Array:
    """Lemma 2 at the ridge 2 lambda, where Eq. (5) says the iteration ends; NoSolution if none."""
    ridge = np.asarray(ridge, dtype=float)
    require(ridge > 0, "the ridge must be positive")
    return lambert.principal((r - g) / (2 * ridge))


def iterated_solution(
    rate: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """Fixed point of the pair of steps near the simultaneous one, by bracketing the exact map."""
    centre = simultaneous_solution(r, g, ridge)
    require(np.asarray(rate) > 0, "the learning rate must be positive")
    for width in (0.01, 0.03, 0.1, 0.3):
        try:
            return bisect(
                lambda w: pair_of_steps(w, rate, r, g, ridge, order) - w,
                centre - width,
                centre + width,
            )
        except NoSolution:
            continue
    raise NoSolution("the iteration has no fixed point within 0.3 of the simultaneous solution")


def second_order_term(
    w: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """Exact coefficient of eta^2 in a pair of steps (ours; App. C.3 names its leading part)."""
    if order == "descent first":
        return (r * np.exp(-w) - ridge * w) * (g * np.exp(-w) - ridge)
    if order == "ascent first":
        return (g * np.exp(-w) + ridge * w) * (r * np.exp(-w) + ridge)
    raise ValueError(f"{order!r} is no order; allowed: descent first, ascent first")


def printed_correction(w: Values, r: Values, g: Values) -> Array:
    """Section 5.1.1: the leading correction, alpha |R_j|^2/(|R||F|) exp(-2 w) = r g exp(-2 w)."""
    return r * g * np.exp(-2 * w)


def spurious_fixed_point(rate: Values, r: Values, g: Values) -> Array:
    """Where the iteration stands without ridge when g > r: w = ln(eta r / ln(g/r)) (ours)."""
    require(np.asarray(g) > np.asarray(r), "the fixed point exists for g > r only")
    return np.log(rate * r / np.log(g / r))


def spurious_slope(r: Values, g: Values) -> Array:
    """Slope of the pair of steps at that point, 1 - ln(g/r)^2: stable iff g/r < exp(sqrt 2)."""
    require(np.asarray(g) > np.asarray(r), "the fixed point exists for g > r only")
    return 1 - np.log(np.asarray(g) / np.asarray(r)) ** 2
