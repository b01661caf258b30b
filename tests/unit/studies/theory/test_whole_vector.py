"""Data sets of several coordinates: where descent-ascent ends, and stopped at any time."""

import numpy as np
import pytest

from palimpsest.studies.theory.statements.one_coordinate import lemma_2 as one
from palimpsest.studies.theory.statements.one_coordinate import stopping_early as stop
from palimpsest.studies.theory.statements.one_coordinate import whole_vector as whole


def sets(*counts):
    return [np.array([value]) for value in counts]


def test_one_data_set_by_minimising_the_losses_themselves():
    retain, forget, ridge = np.array([30, 20, 10]), np.array([4, 1, 2]), 5.0
    w = {name: np.zeros(3) for name in ("oracle", "original", "descent_ascent")}
    r, f = retain / retain.sum(), forget / forget.sum()
    d = (retain + forget) / (retain + forget).sum()
    for name, weight in (("oracle", r), ("original", d), ("descent_ascent", r - f)):
        for _ in range(2000):
            w[name] -= 0.05 * (ridge * w[name] - weight * np.exp(-w[name]))
    near, far = whole.distances(*sets(retain, forget, ridge))
    assert near[0] == pytest.approx(np.linalg.norm(w["original"] - w["oracle"]))
    assert far[0] == pytest.approx(np.linalg.norm(w["descent_ascent"] - w["oracle"]))


def test_a_lopsided_forget_set_ends_nearer():
    """The claim can fail: many small sets forgotten beside one large one, a strong ridge."""
    near, far = whole.distances(*sets([100, *[1] * 30], [0, *[3] * 30], 10.0))
    assert far[0] < near[0]


@pytest.mark.parametrize(("times", "farther"), [(2.4, True), (2.6, False)])
def test_the_bound_on_f_inside_one_set_is_sharp(times, farther):
    """One retained set, another forgotten, a very strong ridge: 1 + sqrt 2 = 2.414 decides."""
    near, far = whole.distances(*sets([1.0, 1e6], [times * 1e6, 0.0], 1e6))
    assert (far > near)[0] == farther


def test_lemma_3_could_hold_everywhere_if_alphas_had_another_mean():
    problem = one.Coordinate([50, 50], [100, 100], [40, 40], [0.2, 0.3], [0.1, 0.1])
    assert whole.in_range(problem).all()  # ten forget points lie on no coordinate
    assert not whole.in_range(whole.flattened(*sets([50, 50], [10, 15], 0.1))).all()


def test_stopping_early_helps_below_the_range_of_lemma_3():
    """The same claim for other sizes is false: there each stop is nearer at first."""
    low = 0.8**2 / (1 + 1.6)
    alphas = np.array([0.9 * low, 1.1 * low, 0.79, 0.81])
    problem = one.Coordinate(20.0, 100.0, 80.0, alphas, 0.5)
    assert stop.away_at_every_stop(problem).tolist() == [False, True, True, False]


def test_stopping_early_in_the_whole_vector():
    harmful = sets([90, 10], [19, 1], 0.01)
    assert stop.harmful_at_every_stop(*harmful).all()
    inside_one_set = sets([20, 30, 50], [6, 0, 0], 0.05)
    assert not stop.harmful_at_every_stop(*inside_one_set).any()


def test_no_forget_set_inside_one_set_is_harmful_at_every_stop():
    """A world of single sets has no example, so the search over forget sets can say no."""
    p = stop._retained(np.random.default_rng(2), 80)
    for axis in range(stop.AXES):
        forget = np.where(np.arange(stop.AXES) == axis, 0.3 * p["retain"], 0.0)
        assert not stop.harmful_at_every_stop(p["retain"], forget, p["ridge"]).any()


def test_tries_have_one_size():
    retain, fraction = np.array([[20, 30, 50], [5, 5, 90]]), np.array([0.3, 0.1])
    for forget in stop.tries(retain, fraction):
        np.testing.assert_allclose(forget.sum(axis=1), fraction * retain.sum(axis=1))
