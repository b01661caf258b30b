"""Four points and a two-parameter classifier (Ascent Fails to Forget, Section 5.2, Figure 5).

h(x) = sigma(a x + b x^2) on x = (-1, 1, 3, 4) with labels (-1, 1, -1, 1) and squared loss with
weights alpha_i. The paper leaves the sigmoid, the coding of labels, the normalisation |D| and
the decision boundary open to reading; a `Reading` fixes them.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.integrate import solve_ivp
from scipy.ndimage import minimum_filter
from scipy.optimize import minimize

from palimpsest.studies.theory.solvers import require

Array = np.ndarray
POINTS = np.array([-1.0, 1.0, 3.0, 4.0])
LABELS = np.array([-1.0, 1.0, -1.0, 1.0])
WEIGHTS = {
    "original": np.array([5.0, 4.0, 1.0, 4.0]),
    "retrain": np.array([5.0, 4.0, 1.0, 2.0]),
    "gda": np.array([5.0, 4.0, 1.0, 0.0]),
}
RIDGE = 0.1
# scale s, range c, factor k of sigma(z) = c / (1 + k exp(-s (1 + z)))
SIGMOIDS = {
    "1/(1+e^(-(1+z)/2))": (0.5, 1.0, 1.0),
    "(1/(1+e^-(1+z)))/2": (1.0, 0.5, 1.0),
    "1/(1+e^-(1+z)/2)": (1.0, 1.0, 0.5),
    "1/(1+e^-(1+z))": (1.0, 1.0, 1.0),
}
CODINGS = ("y in {-1,1}", "y in {0,1}", "2 sigma - 1")
NORMALISATIONS = ("N = 4, lambda/2", "N = sum alpha, lambda/2", "N = 4, lambda")


@dataclass(frozen=True)
class Reading:
    """One way of reading Section 5.2; the defaults are the ones that match its claims."""

    sigmoid: str = "(1/(1+e^-(1+z)))/2"
    coding: str = "y in {-1,1}"
    normalisation: str = "N = 4, lambda/2"
    ridge: float = RIDGE

    def __post_init__(self) -> None:
        for value, allowed in (
            (self.sigmoid, tuple(SIGMOIDS)),
            (self.coding, CODINGS),
            (self.normalisation, NORMALISATIONS),
        ):
            if value not in allowed:
                raise ValueError(f"{value!r} is no reading; allowed: {', '.join(allowed)}")
        require(np.array(self.ridge > 0), "the ridge must be positive")

    @property
    def boundary(self) -> float:
        """z at which sigma is in the middle of its range: the decision boundary."""
        scale, _, factor = SIGMOIDS[self.sigmoid]
        return float(np.log(factor) / scale - 1.0)


LITERAL = Reading(sigmoid="1/(1+e^(-(1+z)/2))")
MATCHING = Reading()


def readings(ridge: float = RIDGE) -> list[Reading]:
    """All 36 readings."""
    return [Reading(*choice, ridge) for choice in product(SIGMOIDS, CODINGS, NORMALISATIONS)]


def loss(reading: Reading, problem: str, theta: Array) -> Array:
    """Loss of `problem` (original, retrain, gda) at theta = (a, b), shape (..., 2)."""
    return _loss_and_gradient(reading, problem, theta)[0]


def gradient(reading: Reading, problem: str, theta: Array) -> Array:
    """Gradient of the loss in (a, b), shape (..., 2)."""
    return _loss_and_gradient(reading, problem, theta)[1]


def pattern(reading: Reading, theta: Array) -> str:
    """Which of the four points are right, as four characters: 1101 means only x3 is wrong."""
    z = theta[0] * POINTS + theta[1] * POINTS**2
    right = np.where(z > reading.boundary, 1.0, -1.0) == LABELS
    return "".join("1" if value else "0" for value in right)


def counts(problem: str, right: str) -> tuple[int, int]:
    """Points (by weight) that are right and wrong on a problem under a pattern."""
    mask = np.array([value == "1" for value in right])
    weight = WEIGHTS[problem]
    return int(weight[mask].sum()), int(weight[~mask].sum())


def minima(reading: Reading, problem: str, span: float = 9.0, grid: int = 241) -> list[Array]:
    """All local minima in |a|, |b| <= span, lowest first: minima of a grid, refined by BFGS."""
    axis = np.linspace(-span, span, grid)
    theta = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    height = loss(reading, problem, theta)
    low = height == minimum_filter(height, size=3, mode="nearest")
    found: list[Array] = []
    for start in theta[low]:
        result = minimize(
            lambda t: loss(reading, problem, t), start,
            jac=lambda t: gradient(reading, problem, t), options={"gtol": 1e-10},
        )  # fmt: skip
        if all(np.abs(result.x - other).max() > 1e-4 for other in found):
            found.append(result.x)
    return sorted(found, key=lambda t: float(loss(reading, problem, t)))


def flow(
    reading: Reading, problem: str, start: Array, time: float = 1000.0, points: int = 60
) -> Array:
    """Gradient flow of `problem` from `start`; path of shape (points, 2), its end the limit."""
    require(np.array(points >= 3), "a path needs at least three points")
    result = solve_ivp(
        lambda _, t: -gradient(reading, problem, t), (0, time), start, method="LSODA",
        t_eval=np.concatenate([[0.0], np.geomspace(1e-3, time, points - 1)]),
        rtol=1e-8, atol=1e-10,
    )  # fmt: skip
    return result.y.T


def claims(reading: Reading) -> dict[str, bool]:
    """What Section 5.2 and Figure 5 claim, each tested under `reading`."""
    found = {problem: minima(reading, problem) for problem in WEIGHTS}
    patterns = {problem: [pattern(reading, t) for t in found[problem]] for problem in WEIGHTS}
    d, r, g = (patterns[problem] for problem in ("original", "retrain", "gda"))
    after_gda = flow(reading, "gda", found["original"][0])[-1]
    after_tuning = flow(reading, "retrain", after_gda)[-1]
    return {
        "the original problem has exactly two minima": len(d) == 2,
        "its global minimum errs on x3 alone": d[0] == "1101",
        "its local minimum errs on x4 alone": d[1:] == ["1110"],
        "the global minimum of retraining errs on x3 alone": r[0] == "1101",
        "retraining keeps the minimum that errs on x4 alone": "1110" in r,
        "the global minimum of GDA errs on x4 alone": g[0] == "1110",
        "GDA from the original minimum ends erring on x4 alone": (
            pattern(reading, after_gda) == "1110"
        ),
        "fine-tuning on the retain set from there stays": (
            pattern(reading, after_tuning) == "1110"
        ),
    }


def _loss_and_gradient(reading: Reading, problem: str, theta: Array) -> tuple[Array, Array]:
    if problem not in WEIGHTS:
        raise ValueError(f"{problem!r} is no problem; allowed: {', '.join(WEIGHTS)}")
    theta, weight = np.asarray(theta, dtype=float), WEIGHTS[problem]
    scale, top, factor = SIGMOIDS[reading.sigmoid]
    z = theta[..., :1] * POINTS + theta[..., 1:] * POINTS**2
    share = 0.5 + 0.5 * np.tanh(0.5 * (scale * (1 + z) - np.log(factor)))
    output, slope = top * share, top * scale * share * (1 - share)
    target = LABELS
    if reading.coding == "y in {0,1}":
        target = (LABELS + 1) / 2
    if reading.coding == "2 sigma - 1":
        output, slope = 2 * output - 1, 2 * slope
    points = weight.sum() if reading.normalisation == "N = sum alpha, lambda/2" else 4.0
    ridge = reading.ridge * (2.0 if reading.normalisation == "N = 4, lambda" else 1.0)
    gap = output - target
    value = (weight * gap**2).sum(axis=-1) / points + 0.5 * ridge * (theta**2).sum(axis=-1)
    pull = 2 * weight * gap * slope / points
    slopes = np.stack([(pull * POINTS).sum(axis=-1), (pull * POINTS**2).sum(axis=-1)], axis=-1)
    return value, slopes + ridge * theta
