"""The null floor against the truth, and the coverage of the interval over models."""

import numpy as np
import pytest

from palimpsest.klom import klom, klom_intervals, null_floor

SETS = {"all": np.arange(400)}


def _margins(kind, rng, models, points):
    z = rng.normal(size=(models, points))
    if kind == "heavy tails":
        return 8 + rng.standard_t(3, size=z.shape)
    if kind == "skewed":
        return np.exp(0.6 * z)
    if kind == "shared":
        return 8 + z + 0.7 * rng.normal(size=(models, 1))
    if kind == "diverged":
        z[rng.random(models) < 0.1] = np.nan
        z[rng.random(models) < 0.05] = np.inf
    if kind == "two modes":
        z += 8 * (rng.random(z.shape) < 0.5)
    return 8 + z


@pytest.mark.parametrize(
    "kind", ["normal", "heavy tails", "skewed", "shared", "diverged", "two modes"]
)
def test_null_floor_agrees_with_second_oracles(kind):
    """Truth: fresh populations against fresh ones; estimate: from single oracle populations."""
    rng = np.random.default_rng(1)
    models, points = 50, 400
    truth = [
        np.percentile(
            klom(_margins(kind, rng, models, points), _margins(kind, rng, models, points)), 95
        )
        for _ in range(15)
    ]
    floors = [
        null_floor(_margins(kind, rng, models, points), SETS, repeats=4, seed=i)["all"].mean()
        for i in range(10)
    ]
    assert np.mean(floors) == pytest.approx(np.mean(truth), rel=0.08)


def test_null_floor_follows_the_numbers_of_models():
    oracle = _margins("normal", np.random.default_rng(2), 100, 400)
    floors = [
        null_floor(oracle, SETS, unlearned_models=n, oracle_models=n, repeats=4)["all"].mean()
        for n in (20, 50, 100)
    ]
    np.testing.assert_allclose(floors, [5.00, 1.73, 0.68], rtol=0.1)
    unequal = null_floor(oracle, SETS, oracle_models=20, repeats=4)["all"].mean()
    assert floors[2] < unequal < floors[0] * 1.1


def test_one_simulation_serves_all_sets():
    """The points of a hard and of an easy set are scored together; each set keeps its own."""
    oracle = _margins("normal", np.random.default_rng(3), 40, 60)
    sets = {"first": np.arange(30), "all": np.arange(60)}
    found = null_floor(oracle, sets, repeats=3, seed=5)
    assert set(found) == {"first", "all"}
    assert found["first"].shape == found["all"].shape == (3,)
    alone = null_floor(oracle, {"all": np.arange(60)}, repeats=3, seed=5)
    np.testing.assert_array_equal(alone["all"], found["all"])


def test_a_seed_fixes_the_numbers():
    rng = np.random.default_rng(4)
    unlearned, oracle = _margins("normal", rng, 30, 50), _margins("normal", rng, 40, 50)
    sets = {"a": np.arange(50)}
    first, again, other = (null_floor(oracle, sets, repeats=3, seed=s)["a"] for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    first, again, other = (klom_intervals(unlearned, oracle, sets, seed=s)["a"] for s in (7, 7, 8))
    assert first == again
    assert first.standard_error != other.standard_error


def test_a_constant_point_has_a_null_floor_of_zero():
    assert (null_floor(np.full((9, 2), 3.0), {"a": [0, 1]}, repeats=2)["a"] == 0).all()


def test_diverged_oracles_stay_outcomes():
    """Half of the models NaN or infinite: the null floor stays near that of 30 models."""
    oracle = _margins("normal", np.random.default_rng(5), 60, 100)
    oracle[:15], oracle[15:30] = np.nan, np.inf
    floor = null_floor(oracle, {"a": np.arange(100)}, repeats=4)["a"]
    assert np.isfinite(floor).all() and (floor > 0.5).all() and (floor < 4).all()
    everything = null_floor(np.full((5, 3), np.nan), {"a": [0, 1, 2]}, repeats=2)["a"]
    assert (everything == 0).all()


def test_an_interval_holds_its_score_and_grows_with_its_level():
    rng = np.random.default_rng(6)
    unlearned, oracle = _margins("normal", rng, 40, 80) + 1, _margins("normal", rng, 60, 80)
    sets = {"few": np.arange(10), "all": np.arange(80)}
    wide = klom_intervals(unlearned, oracle, sets, level=0.99)
    for name, narrow in klom_intervals(unlearned, oracle, sets, level=0.8).items():
        score = np.percentile(klom(unlearned, oracle)[sets[name]], 95)
        assert narrow.score == wide[name].score == pytest.approx(score, rel=1e-12)
        assert 0 <= wide[name].ci_low < narrow.ci_low < score < narrow.ci_high < wide[name].ci_high
        assert wide[name].standard_error == narrow.standard_error


def test_the_lower_end_is_never_negative_and_nan_stays_nan():
    rng = np.random.default_rng(7)
    pair = _margins("normal", rng, 100, 4), _margins("normal", rng, 100, 4)
    found = klom_intervals(*pair, {"a": [0]}, level=0.9999)["a"]
    assert found.ci_low == 0 < found.score < found.ci_high
    pair[0][0, 0] = np.nan
    found = klom_intervals(*pair, {"a": [0, 1], "b": [2, 3]}, mode="georgiev")["a"]
    assert np.isnan(found).all()
    assert np.isfinite(klom_intervals(*pair, {"a": [0, 1]})["a"]).all()


COVERAGE = {  # heavy tails, effect of a model on all its margins, broken models, modes apart, shift
    "shifted": (False, 0.0, 0.0, 0, 1.0),
    "shifted, shared": (False, 0.7, 0.0, 0, 1.0),
    "heavy tails, shared": (True, 0.7, 0.0, 0, 1.0),
    "broken models, shared": (False, 0.7, 0.05, 0, 1.0),
    "perfect method, shared": (False, 0.7, 0.0, 0, 0.0),
    "two modes, shared": (False, 0.7, 0.0, 20, 0.6),
}


@pytest.mark.parametrize("case", COVERAGE)
def test_coverage_of_the_interval(case):
    """Nominal 95 %: the share of intervals that hold the mean score over the repetitions.

    Nor may intervals be much too wide: the standard error against the scores' true one.
    """
    heavy, shared, broken, apart, size = COVERAGE[case]
    rng = np.random.default_rng(11)
    models, points, repetitions = 60, 100, 150
    shift, spread = size * rng.normal(size=points), np.exp(size * rng.normal(0, 0.2, points))
    found = []
    for _ in range(repetitions):
        shape = (2, models, points)
        z = rng.standard_t(3, size=shape) if heavy else rng.normal(size=shape)
        z += shared * rng.normal(size=(2, models, 1)) + apart * (rng.random(shape) < 0.5)
        unlearned, oracle = (8 + shift + spread * z[0]).astype(np.float32), z[1].astype(np.float32)
        unlearned[rng.random(models) < broken] = 60
        found.append(klom_intervals(unlearned, oracle + 8, {"all": np.arange(points)})["all"])
    scores, low, high, error = np.array(found).T
    assert np.mean((low <= scores.mean()) & (scores.mean() <= high)) >= 0.90
    assert 0.8 < error.mean() / scores.std() < 1.9


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: null_floor(x, {"a": [0]}, repeats=0), "repeats is 0"),
        (lambda x: null_floor(x, {"a": [0]}, oracle_models=0), "at least 1"),
        (lambda x: null_floor(x, {"a": [9]}), "allowed are 0 to 1"),
        (lambda x: null_floor(x[0], {"a": [0]}), "oracle margins have shape"),
        (lambda x: null_floor(x, {"a": [0]}, mode="best"), "unknown mode"),
        (lambda x: null_floor(x, {"a": [0]}, percentile=-1), "percentile is -1"),
        (lambda x: klom_intervals(x[:1], x, {"a": [0]}), "at least 2 of each"),
        (lambda x: klom_intervals(x, x, {"a": [0]}, repeats=1), "at least 2"),
        (lambda x: klom_intervals(x, x, {"a": [0]}, level=1.0), "level is 1.0"),
        (lambda x: klom_intervals(x, x, {}), "no sets"),
        (lambda x: klom_intervals(x, x[:, :1], {"a": [0]}), "same points"),
    ],
)
def test_bad_settings_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0).normal(size=(5, 2)))
