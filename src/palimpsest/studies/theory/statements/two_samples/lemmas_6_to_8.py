"""The three solutions for correlated samples: closed forms, bounds, existence.

Ascent Fails to Forget, Section 5.1.2, App. H, Lemmas 6 to 8 and 12, and what we add to them.

eps = correlation, f = |F|/|R|, alpha = |F_ij|/|R_ij|, mu = |R_ij|/(lambda |R|) = strength;
A = 1 + eps^2, b = mu / (1 + f). Margins are (x, y): x of the retain sample, y of the forget one.
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
    agreement,
    all_of,
    at_most,
    equal,
    log_uniform,
    spread,
)
from palimpsest.studies.theory.solvers import Problem
from palimpsest.studies.theory.statements.two_samples import newton, pair
from palimpsest.studies.theory.statements.two_samples.pair import Pair

Array = np.ndarray


@dataclass(frozen=True)
class Correlated(Problem):
    """The parameters of the three problems; arrays, shape (n,)."""

    correlation: Array
    alpha: Array
    fraction: Array
    strength: Array

    def __post_init__(self) -> None:
        super().__post_init__()
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


def correlated(rng: np.random.Generator, n: int) -> Parameters:
    """The two-dimensional case, alpha on both sides of 1 and |F|/|R| on both sides of 1."""
    correlation = np.where(rng.random(n) < 0.05, 1.0, rng.uniform(0.05, 1, n))
    fraction = log_uniform(rng, 0.03, 15, n)
    alpha = np.where(
        rng.random(n) < 0.5, log_uniform(rng, 1e-3, 5, n), fraction * rng.uniform(0.01, 1.2, n)
    )
    return {
        "correlation": correlation,
        "alpha": alpha,
        "fraction": fraction,
        "strength": log_uniform(rng, 1e-3, 1e3, n),
    }


def exists(p: Parameters) -> Array:
    """Whether descent-ascent has a stationary point."""
    return has_minimum(Correlated(**p))


def newton_margins(problem: pair.Pair) -> Array:
    """Margins of the convex problem's minimum by Newton's method on the weights."""
    w = newton.newton(problem, np.zeros((problem.p.size, 2)))
    return pair.to_margins(problem.correlation, w)


def _lemma_6(p: Parameters) -> Check:
    problem = Correlated(**p)
    return equal(oracle(problem), newton_margins(oracle_pair(problem)))


def _lemma_12(p: Parameters) -> Check:
    x, y = original(Correlated(**p)).T
    return at_most(y, x)


def _base_case(p: Parameters) -> Check:
    first, second = gauss_seidel(Correlated(**p), steps=1)
    return at_most(first[:, 0], second[:, 0])


def _lemma_7(p: Parameters) -> Check:
    problem = Correlated(**p)
    lower, upper = lemma_7_bounds(problem)
    found = original(problem)
    return all_of(at_most(lower, found, 1e-9), at_most(found, upper, 1e-9))


def _lemma_8(p: Parameters) -> Check:
    index = np.flatnonzero(exists(p))
    problem = Correlated(**p).at(index)
    bound, found = lemma_8_bounds(problem), descent_ascent(problem)
    result = all_of(at_most(found, bound, 1e-9), at_most(found[:, 1], found[:, 0]))
    inner = np.flatnonzero(problem.correlation < 1)
    if inner.size:
        part = pair.saddle(descent_ascent_pair(problem.at(inner)))
        extra = all_of(at_most(part, bound[inner], 1e-9), at_most(part[:, 1], part[:, 0]))
        result[0][inner] &= extra[0]
        result[1][inner] = np.maximum(result[1][inner], extra[1])
    return spread(exists(p), result)


def _original_two_ways(p: Parameters) -> Check:
    """Bracketing, Newton on the weights, and the iteration in the proof of Lemma 12."""
    problem = Correlated(**p)
    found = original(problem)
    return all_of(
        equal(found, newton_margins(original_pair(problem))),
        equal(found, gauss_seidel(problem)[1]),
    )


def _undefined_means_none(p: Parameters) -> Check:
    """Where an argument of W in Lemma 8 is below -1/e there is no stationary point."""
    undefined = (lemma_8_arguments(Correlated(**p)) < -np.exp(-1.0)).any(axis=1)
    return agreement(~(undefined & exists(p)))


def _necessary(p: Parameters) -> Check:
    problem = Correlated(**p)
    return agreement(~exists(p) | (problem.alpha <= existence_limit(problem) * (1 + 1e-12)))


def _two_points(p: Parameters) -> Check:
    """Both points have zero gradient; the one with larger y is a minimum, the other a saddle."""
    index = exists(p) & (p["correlation"] < 1)
    problem = descent_ascent_pair(Correlated(**p).at(index))
    low, high = pair.minimum(problem), pair.saddle(problem)
    w, v = pair.weights(problem, low), pair.weights(problem, high)
    scale = 1 + np.abs(v).max(axis=1) + np.abs(problem.q) * np.exp(-high[:, 1])
    error = np.maximum(
        np.abs(pair.gradient(problem, w)).max(axis=1),
        np.abs(pair.gradient(problem, v)).max(axis=1) / scale,
    )
    curves, turns = (np.linalg.eigvalsh(pair.hessian(problem, point)) for point in (w, v))
    kind = (curves > -1e-6).all(axis=1) & (turns[:, 0] < 1e-6) & (turns[:, 1] > 0)
    return spread(index, (kind & (error < 1e-9) & (low[:, 1] >= high[:, 1]), error))


def _flow(p: Parameters) -> Check:
    """Gradient flow of the descent-ascent loss from w^D: its limit against bracketing."""
    holds, error = np.ones(len(p["alpha"]), dtype=bool), np.zeros(len(p["alpha"]))
    problem, solvable = Correlated(**p), exists(p)
    start = pair.weights(original_pair(problem), original(problem))
    for i in range(len(solvable)):
        one = problem.at(np.array([i]))
        end = newton.flow(descent_ascent_pair(one), start[i])
        if end is None or not solvable[i]:
            holds[i] = (end is None) == (not solvable[i])
            error[i] = float(not holds[i])
            continue
        found = pair.to_margins(one.correlation, end[None])
        error[i] = np.abs(found - descent_ascent(one)).max()
        holds[i] = error[i] < 1e-6
    return holds, error


def _few(rng: np.random.Generator, n: int) -> Parameters:
    return correlated(rng, max(20, n // 16))


ALPHA_AT_MOST_1 = "alpha <= 1 (the paper's 'without loss of generality y^D <= x^D')"
STATEMENTS = (
    Statement(
        "Lemma 6", FORGETS, "Section 5.1.2, App. H.1",
        "closed form against Newton's method on the weights", correlated, _lemma_6,
    ),
    Statement(
        "Lemma 12", FORGETS, "App. H", "y^D <= x^D for alpha <= 1", correlated, _lemma_12,
        inside=lambda p: p["alpha"] <= 1,
    ),
    Statement(
        "Without loss of generality y^D <= x^D", FORGETS, "App. H", "y^D <= x^D for every alpha",
        correlated, _lemma_12, condition=lambda p: (p["alpha"] <= 1) | (p["correlation"] == 1),
        condition_text="alpha <= 1 (or eps = 1)",
        corrected="It is the assumption alpha <= 1: for alpha > 1 and eps < 1, y^D > x^D.",
    ),
    Statement(
        "Proof of Lemma 12: the base case x_1 >= x_0", FORGETS, "App. H",
        "first step of the iteration from the solution for alpha = 1, alpha < 1", correlated,
        _base_case, inside=lambda p: p["alpha"] < 1,
        corrected="x_1 < x_0. The statement follows from x - y = b (1-eps)^2 (e^-x - alpha e^-y): "
        "y > x would make the right side positive.",
    ),
    Statement(
        "Lemma 7", FORGETS, "Section 5.1.2, App. H.1",
        "the four bounds of (x^D, y^D) against the solution", correlated, _lemma_7,
        condition=lambda p: p["alpha"] <= 1, condition_text=ALPHA_AT_MOST_1,
        corrected="For alpha > 1 and eps < 1 the lower bound of x^D or the upper bound of y^D "
        "fails.",
    ),
    Statement(
        "Lemma 8", FORGETS, "Section 5.1.2, App. H.1",
        "the bounds of (x^DA, y^DA) and y^DA <= x^DA, at the minimum and at the saddle",
        correlated, _lemma_8, inside=exists,
    ),
    Statement(
        "The original solution, three ways", FORGETS, "ours, App. H",
        "bracketing, Newton on the weights and the iteration of Lemma 12 give the same margins",
        correlated, _original_two_ways,
    ),
    Statement(
        "Lemma 8 with an argument of W below -1/e", FORGETS, "ours, completes App. H.1",
        "then descent-ascent has no stationary point", correlated, _undefined_means_none,
    ),
    Statement(
        "Existence needs alpha <= f (s + 1/(e A mu))", FORGETS, "ours, completes App. H",
        "against the exact existence by bracketing", correlated, _necessary,
    ),
    Statement(
        "Descent-ascent has two stationary points or none (eps < 1)", FORGETS,
        "ours, completes App. H", "zero gradient at both; minimum at larger y, saddle at smaller",
        correlated, _two_points, inside=lambda p: exists(p) & (p["correlation"] < 1),
    ),
    Statement(
        "The flow from w^D reaches the minimum if there is one", FORGETS,
        "ours, completes App. H", "integrated gradient flow of descent-ascent from w^D", _few,
        _flow,
    ),
)  # fmt: skip
