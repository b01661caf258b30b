"""Iterative descent-ascent against the simultaneous one (Ascent Fails to Forget, App. C.3).

On one coordinate: r = |R_j|/|R| is the pull of the retain set, g = alpha |R_j|/|F| the push of
the forget set, `rate` the learning rate eta of both steps, `ridge` lambda. Arrays of one shape.
"""

from collections.abc import Callable

import numpy as np

from palimpsest.arrays import require
from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    all_of,
    log_uniform,
)
from palimpsest.studies.theory.solvers import root_near

Array = np.ndarray
Values = np.ndarray | float
RATE = 1e-4
PAIRS = 4000  # of steps, in which an iteration that settles has settled
ORDERS = ("descent first", "ascent first")


def change(
    w: Values, rate: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """Eq. (4): what two steps add to w, `descent first` (App. C.3) or `ascent first` (5.1.1)."""

    def descent(w: Values) -> Array:
        return rate * (r * np.exp(-w) - ridge * w)

    def ascent(w: Values) -> Array:
        return -rate * (g * np.exp(-w) + ridge * w)

    one, other = (descent, ascent) if _descent_first(order) else (ascent, descent)
    first = one(w)
    return first + other(w + first)


def pair_of_steps(
    w: Values, rate: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """The weight after two steps of Eq. (4) from w."""
    return w + change(w, rate, r, g, ridge, order)


def _descent_first(order: str) -> bool:
    if order not in ORDERS:
        raise ValueError(f"{order!r} is no order; allowed: {', '.join(ORDERS)}")
    return order == ORDERS[0]


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
    return root_near(lambda w: change(w, rate, r, g, ridge, order), centre, 0.01, 0.3)


def second_order_term(
    w: Values, r: Values, g: Values, ridge: Values, order: str = "descent first"
) -> Array:
    """Exact coefficient of eta^2 in a pair of steps (ours; App. C.3 names its leading part)."""
    if _descent_first(order):
        return (r * np.exp(-w) - ridge * w) * (g * np.exp(-w) - ridge)
    return (g * np.exp(-w) + ridge * w) * (r * np.exp(-w) + ridge)


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


def _solvable(rng: np.random.Generator, n: int) -> Parameters:
    """r, g, ridge and w of the iteration of App. C.3, where a fixed point exists."""
    r, ridge = rng.uniform(0.05, 1, n), log_uniform(rng, 1e-2, 2, n)
    below, above = r * rng.uniform(0, 0.95, n), r + 2 * ridge / np.e * rng.uniform(0, 0.8, n)
    g = np.where(rng.random(n) < 0.7, below, above)
    return {"r": r, "g": g, "ridge": ridge, "w": rng.uniform(-1.5, 3, n)}


def _remainder(p: Parameters, rate: float, order: str) -> Array:
    values = (p["r"], p["g"], p["ridge"])
    return change(p["w"], rate, *values, order) - rate * update_rule(p["w"], *values)


def _in_both_orders(check: Callable[[Parameters, str], Check]) -> Callable[[Parameters], Check]:
    return lambda p: all_of(*(check(p, order) for order in ORDERS))


@_in_both_orders
def _equation_5(p: Parameters, order: str) -> Check:
    """The remainder after the first order falls fourfold when the rate is halved."""
    whole, half = (np.abs(_remainder(p, rate, order)) for rate in (1e-3, 5e-4))
    excess = half - (0.27 * whole + 1e-8)
    return excess <= 0, np.maximum(excess, 0.0)


@_in_both_orders
def _second_order(p: Parameters, order: str) -> Check:
    """Richardson extrapolation of remainder / rate^2 against the closed coefficient."""
    q = [_remainder(p, rate, order) / rate**2 for rate in (2e-3, 1e-3, 5e-4)]
    limit = (8 * q[2] - 6 * q[1] + q[0]) / 3
    exact = second_order_term(p["w"], p["r"], p["g"], p["ridge"], order)
    error = np.abs(limit - exact) / (1 + np.abs(exact))
    return error < 1e-4, error


@_in_both_orders
def _fixed_point(p: Parameters, order: str) -> Check:
    """The deviation from the simultaneous solution is small and halves with the rate."""
    centre = simultaneous_solution(p["r"], p["g"], p["ridge"])
    whole, half = (
        np.abs(iterated_solution(rate, p["r"], p["g"], p["ridge"], order) - centre)
        for rate in (RATE, RATE / 2)
    )
    error = np.abs(half - whole / 2)
    return error <= 0.01 * whole + 1e-10, whole


@_in_both_orders
def _leading_part(p: Parameters, order: str) -> Check:
    """The exact coefficient tends to r g e^-2w as lambda -> 0, for both orders."""
    printed = printed_correction(p["w"], p["r"], p["g"])
    gaps = [
        np.abs(second_order_term(p["w"], p["r"], p["g"], ridge, order) - printed)
        for ridge in (1e-4, 1e-5, 1e-6)
    ]
    return (gaps[1] < 0.2 * gaps[0]) & (gaps[2] < 0.2 * gaps[1]), gaps[2]


def _grows_with_w(p: Parameters) -> Check:
    before, after = (printed_correction(w, p["r"], p["g"]) for w in (p["w"], p["w"] + 0.1))
    return after > before, np.maximum(before - after, 0.0)


def lowest_weight(rate: Values, r: Values, g: Values) -> Array:
    """No pair of steps ends lower without ridge: ln(eta r) + 1 - g/(e r) (ours).

    With z = w - ln(eta r) the descent step ends at z + e^-z >= 1, and where the ascent step from
    z ends, z - (g/r) e^-z, rises with z: at 1 it is 1 - g/(e r). From there the next descent step
    reaches up to 1 - g/(e r) + exp(g/(e r) - 1), and nothing but the start is higher.
    """
    return np.log(rate * r) + 1 - np.asarray(g) / (np.e * r)


def _without_solution(rng: np.random.Generator, n: int) -> Parameters:
    """g > r and so small a ridge that the simultaneous problem has no stationary point.

    g/r reaches from 1.2 to 300, without what is so near to the edge e^sqrt(2) = 4.11 that
    thousands of steps do not tell one side from the other.
    """
    r, rate, side = rng.uniform(0.1, 1, n), log_uniform(rng, 0.01, 1, n), rng.random(n) < 0.5
    ratio = np.where(side, log_uniform(rng, 1.2, 3.9, n), log_uniform(rng, 4.3, 300, n))
    return {
        "r": r, "g": r * ratio, "rate": rate, "start": rng.uniform(-0.5, 2, n),
        "ridge": np.where(rng.random(n) < 0.5, 0.0, 1e-6 * r),
    }  # fmt: skip


Step = Callable[[Parameters, Array], Array]


def exact_step(p: Parameters, w: Array) -> Array:
    """A pair of steps of Eq. (4)."""
    return pair_of_steps(w, p["rate"], p["r"], p["g"], p["ridge"])


def first_order_step(p: Parameters, w: Array) -> Array:
    """Eq. (5) without the correction, which falls without end where g > r."""
    return w + p["rate"] * update_rule(w, p["r"], p["g"], p["ridge"])


def run(p: Parameters, step: Step, pairs: int = PAIRS) -> tuple[Array, Array, Array]:
    """Last weight, lowest weight reached and last move, of many pairs of steps from `start`.

    `start` is counted from ln(eta r), the scale of the fixed point, so that no time goes into a
    slow fall from far above.
    """
    w = p["start"] + np.log(p["rate"] * p["r"])
    lowest, move = np.full_like(w, np.inf), np.zeros_like(w)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(pairs):
            after = step(p, w)
            w, move = after, np.abs(after - w)
            lowest = np.minimum(lowest, np.where(np.isnan(w), -np.inf, w))
    return w, lowest, move


def never_falls(p: Parameters, step: Step = exact_step) -> Check:
    """No weight is lower than `lowest_weight`."""
    _, lowest, _ = run(p, step)
    below = lowest_weight(p["rate"], p["r"], p["g"]) - lowest
    return below <= 1e-3, np.minimum(np.maximum(below, 0.0), 1e3)


def settles(p: Parameters, step: Step = exact_step) -> Check:
    """At the end the weights stand still at ln(eta r/ln(g/r))."""
    w, _, move = run(p, step)
    error = np.nan_to_num(np.abs(w - spurious_fixed_point(p["rate"], p["r"], p["g"])), nan=np.inf)
    return (error < 1e-3) & (move < 1e-9), np.minimum(error, 1e40)


def _stable(p: Parameters) -> Array:
    return np.abs(spurious_slope(p["r"], p["g"])) < 1


STATEMENTS = (
    Statement(
        "Eq. (5): the update rule", FORGETS, "App. C.3, Section 5.1.1",
        "two exact steps against w + eta ((r - g) e^-w - 2 lambda w), both orders of the steps: "
        "remainder of order eta^2", _solvable, _equation_5,
    ),
    Statement(
        "The iteration ends at the simultaneous solution with twice the ridge", FORGETS,
        "App. C.3", "fixed point of the exact steps against W0((r - g)/(2 lambda)), both orders: "
        "deviation of order eta", _solvable, _fixed_point,
    ),
    Statement(
        "The leading correction is alpha |R_j|^2/(|R||F|) e^-2w", FORGETS, "Section 5.1.1",
        "exact coefficient of eta^2 for lambda -> 0, both orders", _solvable, _leading_part,
    ),
    Statement(
        "The coefficient of eta^2", FORGETS, "ours, completes App. C.3",
        "(r e^-w - lambda w)(g e^-w - lambda), descent first, or (g e^-w + lambda w)"
        "(r e^-w + lambda), ascent first, against extrapolation", _solvable, _second_order,
    ),
    Statement(
        "The correction increases for larger w", FORGETS, "Section 5.1.1",
        "change of alpha |R_j|^2/(|R||F|) e^-2w with w", _solvable, _grows_with_w,
        corrected="It increases for more negative w.",
    ),
    Statement(
        "The correction keeps the iteration from diverging", FORGETS, "Section 5.1.1",
        "4000 pairs of steps where the simultaneous problem falls without end, g/r from 1.2 to "
        "300: no weight below ln(eta r) + 1 - g/(e r)", _without_solution, never_falls,
        variant="it does not fall without end",
    ),
    Statement(
        "The correction keeps the iteration from diverging", FORGETS, "Section 5.1.1",
        "the same: at the end the weights stand still, at ln(eta r/ln(g/r))", _without_solution,
        settles, condition=_stable, condition_text="g/r = alpha |R|/|F| < e^sqrt(2) = 4.11",
        corrected="It settles for alpha |R|/|F| < e^sqrt(2) alone. Beyond, it swings without "
        "end, as high as exp(g/(e r) - 1) allows: about 10^31 at g/r = 200.",
        variant="it settles",
    ),
)  # fmt: skip
