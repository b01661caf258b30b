"""Lemma 1 and Lemma 11 (Ascent Fails to Forget, Section 4, App. B), with exact probabilities."""

import numpy as np

from palimpsest import hoeffding
from palimpsest.studies.theory.judging import (
    FORGETS,
    Check,
    Parameters,
    Statement,
    at_most,
    each,
    log_uniform,
)

Array = np.ndarray
MODELS = ("independent of F", "trained on F", "test set of 20 points")


def _random_sets(rng: np.random.Generator, n: int) -> Parameters:
    return {
        "forget": np.round(log_uniform(rng, 5, 500, n)).astype(int),
        "accuracy": rng.uniform(0.02, 0.98, n),
        "epsilon": rng.uniform(0.01, 0.6, n),
        "model": rng.choice(MODELS, size=n),
        "width": np.where(rng.random(n) < 0.5, rng.uniform(0.1, 1, n), log_uniform(rng, 1, 50, n)),
    }


def _independent(p: Parameters) -> Array:
    return p["model"] == "independent of F"


def _tail(forget: int, accuracy: float, epsilon: float, model: str) -> float:
    """Exact probability. A model trained on F errs on 2 % of F, its training set of 10 |F|."""
    if model == "independent of F":
        return hoeffding.population_tail(forget, accuracy, epsilon)
    if model == "trained on F":
        train = 10 * forget
        return hoeffding.pretrained_tail(forget, train, round(0.98 * train), accuracy, epsilon)
    return hoeffding.two_sample_tail(forget, 20, accuracy, epsilon)


def _lemma_1(p: Parameters) -> Check:
    tail = each(_tail, p, "forget", "accuracy", "epsilon", "model")
    return at_most(tail, hoeffding.lemma_1_bound(p["forget"], p["epsilon"]))


def _metric_tail(p: Parameters) -> Array:
    """A metric with the two values 0 and width; epsilon is drawn relative to the width."""
    return each(hoeffding.population_tail, p, "forget", "accuracy", "epsilon")


def _other_metric(p: Parameters) -> Check:
    bound = hoeffding.lemma_1_bound(p["forget"], p["epsilon"] * p["width"])
    return at_most(_metric_tail(p), bound)


def _other_metric_corrected(p: Parameters) -> Check:
    bound = hoeffding.metric_bound(p["forget"], p["epsilon"] * p["width"], p["width"])
    return at_most(_metric_tail(p), bound)


def _two_sample(p: Parameters) -> Check:
    tests = np.maximum(1, (p["width"] * 8).astype(int))
    cases = p | {"tests": tests}
    tail = each(hoeffding.two_sample_tail, cases, "forget", "tests", "accuracy", "epsilon")
    return at_most(tail, hoeffding.two_sample_bound(p["forget"], tests, p["epsilon"]))


def _intervals(rng: np.random.Generator, n: int) -> Parameters:
    return {
        "variables": rng.integers(1, 11, n),
        "t": log_uniform(rng, 0.01, 3, n),
        "seed": rng.integers(0, 2**31, n),
    }


def _lemma_11(p: Parameters) -> Check:
    tail, bound = [], []
    for size, t, seed in zip(p["variables"], p["t"], p["seed"], strict=True):
        rng = np.random.default_rng(seed)
        low, width = rng.normal(size=size), log_uniform(rng, 0.1, 5, size)
        tail.append(hoeffding.two_point_tail(low, low + width, rng.random(size), t))
        bound.append(hoeffding.lemma_11_bound(width, t))
    return at_most(np.array(tail), np.array(bound))


STATEMENTS = (
    Statement(
        "Lemma 1", FORGETS, "Section 4, App. B",
        "exact tail probability against the bound, for models independent of F, models trained "
        "on F and a finite test set",
        _random_sets, _lemma_1, condition=_independent,
        condition_text="the model does not depend on F (an oracle) and Acc_T is the accuracy on "
        "the population",
        corrected="For a model that does not depend on F, with Acc_T the accuracy on the "
        "population, the bound holds; with a test set of m points it is "
        "2 exp(-2 eps^2 nm/(n+m)), n = |F|.",
    ),
    Statement(
        "Lemma 1 for any other metric", FORGETS, "App. B, first paragraph",
        "exact tail of a metric with values 0 and u against 2 exp(-2 |F| eps^2)",
        _random_sets, _other_metric, condition=lambda p: p["width"] <= 1,
        condition_text="the metric's values lie in an interval of length at most 1",
        corrected="For values in [l, u] the bound is 2 exp(-2 |F| eps^2/(u-l)^2).",
    ),
    Statement(
        "Lemma 1 for a metric with values in [l, u]", FORGETS, "ours, corrects App. B",
        "exact tail against 2 exp(-2 |F| eps^2/(u-l)^2)", _random_sets, _other_metric_corrected,
    ),
    Statement(
        "Lemma 1 for a finite test set", FORGETS, "ours, corrects Section 4",
        "exact two-sample tail against 2 exp(-2 eps^2 nm/(n+m))", _random_sets, _two_sample,
    ),
    Statement(
        "Lemma 11", FORGETS, "App. B",
        "all outcomes of up to ten variables with two values enumerated", _intervals, _lemma_11,
    ),
)  # fmt: skip
