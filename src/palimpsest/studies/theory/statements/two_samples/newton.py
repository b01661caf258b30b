"""Newton's method and gradient flow on the weights: the second way, without margins or W."""

import numpy as np
from scipy.integrate import solve_ivp

from palimpsest.studies.theory.statements.two_samples.pair import (
    Pair,
    gradient,
    hessian,
    to_margins,
)

Array = np.ndarray


def newton(pair: Pair, start: Array, steps: int = 4000) -> Array:
    """Damped Newton from `start` (n, 2) to a zero of the gradient; returns weights (n, 2).

    Each step is no longer than 1/2 in either margin, so exponentials never overflow. The
    caller checks the gradient at the result.
    """
    w = np.array(start, dtype=float)
    for _ in range(steps):
        step = -np.linalg.solve(hessian(pair, w), gradient(pair, w)[..., None])[..., 0]
        longest = np.abs(to_margins(pair.correlation, step)).max(axis=1)
        step *= np.minimum(1.0, 0.5 / np.maximum(longest, 1e-300))[:, None]
        w += step
        if np.all(np.abs(step) <= 1e-15 * np.maximum(1.0, np.abs(w))):
            break
    return w


def flow(pair: Pair, start: Array, length: float = 1e5) -> Array | None:
    """Gradient flow of one problem (pair of size 1) from `start` (2,); None if it diverges.

    The path is followed at speed |g|/(1 + |g|), g the gradient, so that a fall without end
    stays within float64; it counts as one once a margin is below -60.
    """

    def velocity(_: float, w: Array) -> Array:
        slope = gradient(pair, w[None])[0]
        return -slope / (1 + np.linalg.norm(slope))

    def fallen(_: float, w: Array) -> float:
        return float(to_margins(pair.correlation, w[None]).min() + 60.0)

    fallen.terminal = True  # type: ignore[attr-defined]
    result = solve_ivp(
        velocity, (0, length), start, method="LSODA", events=fallen, rtol=1e-11, atol=1e-13
    )
    return None if result.status != 0 else result.y[:, -1]
