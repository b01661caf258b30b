"""Redrawn scores: pairs that belong together, and the spread of their difference."""

import numpy as np
import pytest

from palimpsest.contrasts import Contrasts, Scores
from palimpsest.klom import klom, redrawn_percentiles, set_percentiles

SETS = {"all": np.arange(40)}
MARGIN = 0.5


def populations(generator, models=60, points=40, oracle_shift=1.5, unlearned_shift=0.0, noise=0.3):
    """Originals, unlearned models that start from them, and oracles: (models, points) each."""
    place = generator.normal(5, 2, points)
    original = place + generator.normal(size=(models, points))
    oracle = place - oracle_shift + generator.normal(size=(models, points))
    unlearned = original + unlearned_shift + noise * generator.normal(size=(models, points))
    return original, unlearned, oracle


def difference(original, unlearned, oracle, repeats=25):
    """The contrast of the unlearned models' score with the originals'."""
    scores = [
        set_percentiles(klom(population, oracle), SETS)["all"]
        for population in (unlearned, original)
    ]
    redrawn = [
        redrawn_percentiles(population, original, oracle, SETS, repeats=repeats)["all"]
        for population in (unlearned, original)
    ]
    value = np.array([scores[0] - scores[1]])
    return Contrasts.of(Scores(value, (redrawn[0] - redrawn[1])[None]), MARGIN)


def test_originals_put_in_for_unlearned_models_give_the_originals_very_scores():
    original, _, oracle = populations(np.random.default_rng(0))
    found = difference(original, original.copy(), oracle)
    assert found.value[0] == 0
    assert found.error[0] < 1e-6
    assert found.alike() == [True]


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    original, unlearned, oracle = populations(np.random.default_rng(1))
    first, again, other = (
        redrawn_percentiles(unlearned, original, oracle, SETS, repeats=3, seed=seed)["all"]
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pairing_makes_the_difference_of_near_copies_far_surer_than_either_score():
    original, unlearned, oracle = populations(np.random.default_rng(2), noise=0.05)
    found = difference(original, unlearned, oracle)
    single = redrawn_percentiles(original, original, oracle, SETS, repeats=25)["all"].std(ddof=1)
    assert found.error[0] < 0.75 * single


def test_the_standard_error_is_the_spread_over_repetitions_of_the_experiment():
    """Over worlds drawn anew, with the originals and the oracles shared by both scores."""
    values, errors = [], []
    for seed in range(40):
        drawn = populations(np.random.default_rng(seed), unlearned_shift=-0.7, noise=0.5)
        found = difference(*drawn, repeats=12)
        values.append(found.value[0])
        errors.append(found.error[0])
    ratio = np.mean(errors) / np.std(values, ddof=1)
    assert 0.7 < ratio < 1.45


def test_a_method_that_only_redraws_the_originals_is_hardly_ever_called_a_change():
    """False alarms: the unlearned models are other models of the originals' own distribution."""
    alarms = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        place = generator.normal(5, 2, 40)
        original, unlearned = (place + generator.normal(size=(60, 40)) for _ in range(2))
        oracle = place - 1.5 + generator.normal(size=(60, 40))
        found = difference(original, unlearned, oracle, repeats=12)
        alarms += found.above() == [True] or found.below() == [True]
    assert alarms <= 5


def test_fewer_models_score_higher_in_every_repeat_that_they_share():
    original, _, _ = populations(np.random.default_rng(3))
    oracle = np.random.default_rng(4).permutation(original)
    few, all_models = (
        redrawn_percentiles(original, original, oracle, SETS, repeats=5, models=models)["all"]
        for models in (20, None)
    )
    assert (few > all_models).all()


def test_wrong_shapes_and_repeats_are_refused():
    original, unlearned, oracle = populations(np.random.default_rng(5))
    with pytest.raises(ValueError, match="same models and points"):
        redrawn_percentiles(unlearned[:10], original, oracle, SETS, repeats=3)
    with pytest.raises(ValueError, match="repeats is 1"):
        redrawn_percentiles(unlearned, original, oracle, SETS, repeats=1)
