"""Iterative descent-ascent (Ascent Fails to Forget, Section 5.1.1, App. C.3)."""

import numpy as np

from palimpsest.studies.theory import iterative as it
from palimpsest.studies.theory.statements.draws import iteration, log_uniform
from palimpsest.studies.theory.verdicts import FORGETS, Parameters, Statement, both

Array = np.ndarray
Check = tuple[Array, Array]
RATE = 1e-4
ORDERS = ("descent first", "ascent first")


def _remainder(p: Parameters, rate: float, order: str) -> Array:
    pair = it.pair_of_steps(p["w"], rate, p["r"], p["g"], p["ridge"], order)
    return pair - p["w"] - rate * it.update_rule(p["w"], p["r"], p["g"], p["ridge"])


def _equation_5(p: Parameters) -> Check:
    """The remainder after the first order falls fourfold when the rate is halved."""
    results = []
    for order in ORDERS:
        whole, half = (np.abs(_remainder(p, rate, order)) for rate in (1e-3, 5e-4))
        excess = half - (0.27 * whole + 1e-8)
        results.append((excess <= 0, np.maximum(excess, 0.0)))
    return both(*results)


def _second_order(p: Parameters) -> Check:
    """Richardson extrapolation of remainder / rate^2 against the closed coefficient."""
    results = []
    for order in ORDERS:
        q = [_remainder(p, rate, order) / rate**2 for rate in (2e-3, 1e-3, 5e-4)]
        limit = (8 * q[2] - 6 * q[1] + q[0]) / 3
        exact = it.second_order_term(p["w"], p["r"], p["g"], p["ridge"], order)
        error = np.abs(limit - exact) / (1 + np.abs(exact))
        results.append((error < 1e-4, error))
    return both(*results)


def _fixed_point(p: Parameters) -> Check:
    """The deviation from the simultaneous solution is small and halves with the rate."""
    results = []
    centre = it.simultaneous_solution(p["r"], p["g"], p["ridge"])
    for order in ORDERS:
        whole, half = (
            np.abs(it.iterated_solution(rate, p["r"], p["g"], p["ridge"], order) - centre)
            for rate in (RATE, RATE / 2)
        )
        error = np.abs(half - whole / 2)
        results.append((error <= 0.01 * whole + 1e-10, whole))
    return both(*results)


def _leading_part(p: Parameters) -> Check:
    """The exact coefficient tends to r g e^-2w as lambda -> 0, for both orders."""
    printed = it.printed_correction(p["w"], p["r"], p["g"])
    results = []
    for order in ORDERS:
        gaps = [
            np.abs(it.second_order_term(p["w"], p["r"], p["g"], ridge, order) - printed)
            for ridge in (1e-4, 1e-5, 1e-6)
        ]
        results.append(((gaps[1] < 0.2 * gaps[0]) & (gaps[2] < 0.2 * gaps[1]), gaps[2]))
    return both(*results)


def _grows_with_w(p: Parameters) -> Check:
    change = it.printed_correction(p["w"] + 0.1, p["r"], p["g"]) - it.printed_correction(
        p["w"], p["r"], p["g"]
    )
    return change > 0, np.maximum(-change, 0.0)


def _without_solution(rng: np.random.Generator, n: int) -> Parameters:
    """g > r and so small a ridge that the simultaneous problem has no stationary point."""
    r = rng.uniform(0.1, 1, n)
    return {
        "r": r, "g": r * log_uniform(rng, 1.2, 20, n), "rate": log_uniform(rng, 0.01, 1, n),
        "ridge": np.where(rng.random(n) < 0.5, 0.0, 1e-3 * r), "offset": rng.uniform(-0.2, 0.2, n),
    }  # fmt: skip


def _run(p: Parameters, start: Array, ridge: Array, steps: int) -> tuple[Array, Array]:
    """The weights after some pairs of steps, and the smallest weight on the way."""
    w, lowest = start, start
    for _ in range(steps):
        w = it.pair_of_steps(w, p["rate"], p["r"], p["g"], ridge)
        lowest = np.minimum(lowest, w)
    return w, lowest


def _bounded(p: Parameters) -> Check:
    w, lowest = _run(p, 1 + p["offset"], p["ridge"], 3000)
    return np.isfinite(w) & (lowest > -60), np.maximum(0.0, -60 - lowest)


def _settles(p: Parameters) -> Check:
    point = it.spurious_fixed_point(p["rate"], p["r"], p["g"])
    w, _ = _run(p, point + 0.1 * p["offset"], 0 * p["ridge"], 3000)
    error = np.abs(w - point)
    return error < 1e-6, np.minimum(error, 1e3)


def _stable(p: Parameters) -> Array:
    return np.abs(it.spurious_slope(p["r"], p["g"])) < 0.99


STATEMENTS = (
    Statement(
        "Eq. (5): the update rule", FORGETS, "App. C.3, Section 5.1.1",
        "two exact steps against w + eta ((r - g) e^-w - 2 lambda w), both orders of the steps: "
        "remainder of order eta^2", iteration, _equation_5,
    ),
    Statement(
        "The iteration ends at the simultaneous solution with twice the ridge", FORGETS,
        "App. C.3", "fixed point of the exact steps against W0((r - g)/(2 lambda)), both orders: "
        "deviation of order eta", iteration, _fixed_point,
    ),
    Statement(
        "The leading correction is alpha |R_j|^2/(|R||F|) e^-2w", FORGETS, "Section 5.1.1",
        "exact coefficient of eta^2 for lambda -> 0, both orders", iteration, _leading_part,
    ),
    Statement(
        "The coefficient of eta^2", FORGETS, "ours, completes App. C.3",
        "(r e^-w - lambda w)(g e^-w - lambda), descent first, or (g e^-w + lambda w)"
        "(r e^-w + lambda), ascent first, against extrapolation", iteration, _second_order,
    ),
    Statement(
        "The correction increases for larger w", FORGETS, "Section 5.1.1",
        "change of alpha |R_j|^2/(|R||F|) e^-2w with w", iteration, _grows_with_w,
        corrected="It increases for more negative w.",
    ),
    Statement(
        "The correction keeps the iteration from diverging", FORGETS, "Section 5.1.1",
        "3000 pairs of steps where the simultaneous problem falls without end", _without_solution,
        _bounded,
    ),
    Statement(
        "Where the iteration stands instead: ln(eta r/ln(g/r)), if g/r < e^sqrt(2)", FORGETS,
        "ours, completes Section 5.1.1", "3000 pairs of steps started nearby, without ridge",
        _without_solution, _settles, inside=_stable,
    ),
)  # fmt: skip
