"""Correlated retain and forget samples (Ascent Fails to Forget, Section 5.1.2, App. H).

eps = correlation, f = |F|/|R|, alpha = |F_ij|/|R_ij|, mu = |R_ij|/(lambda |R|) = strength;
A = 1 + eps^2, b = mu / (1 + f). Margins are (x, y): x of the retain sample, y of the forget one.
"""

from dataclasses import dataclass, fields

import numpy as np

from palimpsest.studies.theory import lambert, pair
from palimpsest.studies.theory.pair import Pair
from palimpsest.studies.theory.solvers import require

Array = np.ndarray


@dataclass(frozen=True)
class Correlated:
    """The parameters of the three problems; arrays, shape (n,)."""

    correlation: Array
    alpha: Array
    fraction: Array
    strength: Array

    def __post_init__(self) -> None:
        values = [np.asarray(getattr(self, f.name), dtype=float) for f in fields(self)]
        for field, value in zip(fields(self), np.broadcast_arrays(*values), strict=True):
            require(np.isfinite(value), f"{field.name} must be a finite number")
            object.__setattr__(self, field.name, np.atleast_1d(value))
        require(
            (self.correlation > 0) & (self.correlation <= 1), "the correlation must lie in (0, 1]"
        )
        require(self.alpha > 0, "alpha must be positive")
        require(self.fraction > 0, "the forget fraction must be positive")
        require(self.strength > 0, "the strength |R_ij| / (lambda |R|) must be positive")

    @classmethod
    def from_counts(
        cls, correlation: Array, retain_ij: Array, retain: Array, forget: Array,
        forget_ij: Array, ridge: Array,
    ) -> "Correlated":  # fmt: skip
        """From the sizes of the sets and the ridge lambda."""
        ridge, retain_ij = np.asarray(ridge, dtype=float), np.asarray(retain_ij, dtype=float)
        require(ridge > 0, "the ridge must be positive")
        require(retain_ij <= np.asarray(retain), "retain_ij must not exceed retain")
        require(np.asarray(forget_ij) <= np.asarray(forget), "forget_ij must not exceed forget")
        alpha = np.asarray(forget_ij, dtype=float) / retain_ij
        fraction = np.asarray(forget, dtype=float) / retain
        return cls(correlation, alpha, fraction, retain_ij / (ridge * np.asarray(retain)))

    @property
    def a(self) -> Array:
        """A = 1 + eps^2."""
        return 1 + self.correlation**2

    @property
    def s(self) -> Array:
        """2 eps / (1 + eps^2), the cosine between the two samples."""
        return 2 * self.correlation / self.a

    @property
    def b(self) -> Array:
        """|R_ij| / (lambda |D|)."""
        return self.strength / (1 + self.fraction)

    def at(self, index: Array) -> "Correlated":
        """The selected entries."""
        return Correlated(*(getattr(self, f.name)[index] for f in fields(self)))


def original_pair(problem: Correlated) -> Pair:
    """The loss on D, divided by lambda."""
    return Pair(problem.correlation, problem.b, problem.alpha * problem.b)


def oracle_pair(problem: Correlated) -> Pair:
    """The loss on R, divided by lambda."""
    return Pair(problem.correlation, problem.strength, np.zeros_like(problem.strength))


def descent_ascent_pair(problem: Correlated) -> Pair:
    """The descent-ascent loss, divided by lambda."""
    push = -problem.alpha * problem.strength / problem.fraction
    return Pair(problem.correlation, problem.strength, push)


def original(problem: Correlated) -> Array:
    """Margins (x^D, y^D), shape (n, 2); always exists."""
    return pair.minimum(original_pair(problem))


def oracle(problem: Correlated) -> Array:
    """Lemma 6: x^R = W(A mu), y^R = 2 eps / A x^R; margins (n, 2)."""
    x = lambert.principal(problem.a * problem.strength)
    return np.stack([x, problem.s * x], axis=1)


def descent_ascent(problem: Correlated) -> Array:
    """Margins (x^DA, y^DA) of the local minimum; NoSolution where there is none."""
    return pair.minimum(descent_ascent_pair(problem))


def has_minimum(problem: Correlated) -> Array:
    """Whether the descent-ascent loss has a stationary point, bool (n,)."""
    return pair.exists(descent_ascent_pair(problem))


def existence_limit(problem: Correlated) -> Array:
    """Ours: a stationary point needs alpha <= f (s + 1/(e A mu)), necessary, not sufficient."""
    return problem.fraction * (problem.s + np.exp(-1.0) / (problem.a * problem.strength))


def lemma_7_bounds(problem: Correlated) -> tuple[Array, Array]:
    """Lemma 7: lower and upper bounds of (x^D, y^D), each (n, 2)."""
    a, alpha, b, two = problem.a, problem.alpha, problem.b, 2 * problem.correlation
    forget = lambert.principal(alpha * a * b)
    lower = np.stack([lambert.principal(b * (a + two * alpha)), forget], axis=1)
    x_upper = problem.s * forget + lambert.principal(a * b)
    return lower, np.stack([x_upper, lambert.principal(b * (two + alpha * a))], axis=1)


def lemma_8_arguments(problem: Correlated) -> Array:
    """The arguments of W in Lemma 8, mu (A - 2 alpha eps / f) and mu (2 eps - alpha A / f)."""
    mu, two, share = problem.strength, 2 * problem.correlation, problem.alpha / problem.fraction
    return np.stack([mu * (problem.a - share * two), mu * (two - share * problem.a)], axis=1)


def lemma_8_bounds(problem: Correlated) -> Array:
    """Lemma 8: upper bounds of (x^DA, y^DA), (n, 2); NoSolution if an argument is below -1/e."""
    return lambert.principal(lemma_8_arguments(problem))


def gauss_seidel(problem: Correlated, steps: int = 20000) -> tuple[Array, Array]:
    """Proof of Lemma 12: iterate from the solution for alpha = 1; returns (x_0, y_0), (x, y).

    y <- 2 b eps e^-x + W(b alpha A e^(-2 b eps e^-x)), then x <- 2 b alpha eps e^-y
    + W(b A e^(-2 b alpha eps e^-y)); each of shape (n, 2).
    """
    equal = Correlated(
        problem.correlation, np.ones_like(problem.b), problem.fraction, problem.strength
    )
    first = original(equal)
    a, b, two = problem.a, problem.b, 2 * problem.correlation
    x, y = first.T
    for _ in range(steps):
        pull = two * b * np.exp(-x)
        y_new = pull + lambert.principal(b * problem.alpha * a * np.exp(-pull))
        push = two * b * problem.alpha * np.exp(-y_new)
        x_new = push + lambert.principal(b * a * np.exp(-push))
        moved = np.maximum(np.abs(x_new - x), np.abs(y_new - y))
        x, y = x_new, y_new
        if np.all(moved <= 1e-15 * np.maximum(1.0, np.abs(x))):
            break
    return first, np.stack([x, y], axis=1)


def first_gauss_seidel_step(problem: Correlated) -> tuple[Array, Array]:
    """(x_0, y_0) and (x_1, y_1) of the iteration above, each (n, 2)."""
    return gauss_seidel(problem, steps=1)
