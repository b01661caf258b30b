"""The claims where the truth is known: each can hold, each can fail, and does where it should."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palimpsest.claims import read_claims
from palimpsest.data.splits import PARTS, Split
from palimpsest.files import InputError
from palimpsest.records import Record
from palimpsest.studies.ascent.measures import KEYS, MEASURES
from palimpsest.studies.ascent.results import TABLES
from palimpsest.studies.ascent.worlds import (
    COLUMNS,
    WORLDS,
    check_whole,
    judged,
    scored,
    truth_of,
)
from palimpsest.verdicts import FAILS, HOLDS

CLAIMS = read_claims(
    Path(__file__).parents[4] / "reports" / "ascent" / "claims.yaml", MEASURES, KEYS
)
MODELS, TRAIN, VAL = 100, 900, 300
SETS = {"random_20": 20, "random_500": 500, "pc1_top_20": 20, "pc2_top_20": 20}
METRICS = {
    "klom": {
        "mode": "ours", "direction": "unlearned||oracle", "bins": 20, "clip": 100.0,
        "floor": 1e-5, "percentile": 95.0, "null_repeats": 12, "redraws": 12,
    },
    "accuracy": {},
}  # fmt: skip


def record(generator, means, deviation=1.0):
    """Models whose margins scatter about the points' means."""
    margins = (means + deviation * generator.normal(size=(MODELS, len(means)))).astype(np.float32)
    return Record({"margin": margins, "correct": margins > 0}, np.arange(len(means)),
                  np.arange(MODELS), np.zeros(len(means), int))  # fmt: skip


def truth(name, points):
    """Originals right of what they were trained on, oracles that take the set for new data."""
    generator = np.random.default_rng(len(name) + points)
    split = Split(np.arange(TRAIN), np.arange(TRAIN, TRAIN + VAL), np.arange(points))
    means = np.where(np.arange(TRAIN + VAL) < TRAIN, 6.0, 1.0) + generator.normal(0, 1, TRAIN + VAL)
    learnt = means.copy()
    means[split.columns("forget")] -= 5.0
    original, oracle, second = (record(generator, m) for m in (learnt, means, means))
    large = name == "random_500"
    return truth_of(name, split, original, oracle, second, large)


@pytest.fixture(scope="module")
def tables():
    """All worlds, scored."""
    tables = {}
    for name, points in SETS.items():
        rows = scored(truth(name, points), METRICS, [20, 50, 80, 100], report=lambda _: None)
        for key, found in rows.items():
            tables.setdefault(key, []).append(pd.DataFrame(found))
    return {key: pd.concat(parts, ignore_index=True) for key, parts in tables.items()}


@pytest.fixture(scope="module")
def table(tables):
    """The verdicts: a row for each claim, a column for each world."""
    found = judged(tables, CLAIMS, 0.5)
    assert list(found.columns) == list(COLUMNS)
    return found.pivot(index="id", columns="world", values="verdict")


def test_worlds_that_lack_rows_or_have_them_twice_are_refused(tables):
    check_whole(tables)
    for name, own in tables.items():
        if name not in TABLES:
            continue
        world = own["world"] == "perfect"
        random = own["forget_set"] == "random_20"
        for cut, sentence in (
            (own[~world], rf"{name}: of \w+ in the world 'perfect' there are 0 rows; needed: \d+,"),
            (
                own.drop(index=own.index[world & random][-1]),
                "of random_20 in the world 'perfect' t",
            ),
            (pd.concat([own, own[world][:1]]), "in the world 'perfect' stands twice"),
        ):
            with pytest.raises(InputError, match=sentence):
                check_whole(tables | {name: cut})


def test_every_claim_holds_in_some_world_and_fails_in_another(table):
    assert set(table.columns) == set(WORLDS)
    can_hold, can_fail = (table.eq(word).any(axis=1) for word in (HOLDS, FAILS))
    assert list(table.index[~can_hold]) == []
    assert list(table.index[~can_fail]) == []


@pytest.mark.parametrize(
    ("claim", "world", "verdict"),
    [
        ("some_ascent_seems_to_unlearn", "perfect", HOLDS),
        ("some_ascent_seems_to_unlearn", "the original", FAILS),
        ("second_component_can_be_unlearned", "perfect", HOLDS),
        ("second_component_can_be_unlearned", "the original", FAILS),
        ("scrub_stays_near_the_original", "the original", HOLDS),
        ("scrub_stays_near_the_original", "perfect", FAILS),
        ("scrub_stays_near_the_original", "all broken", FAILS),
        ("first_component_shows_no_sign", "the original", HOLDS),
        ("first_component_shows_no_sign", "perfect", FAILS),
        ("first_component_shows_no_sign", "half perfect, half original", FAILS),
        ("first_component_is_hardest", "perfect but on the first component", HOLDS),
        ("first_component_is_hardest", "perfect", FAILS),
        ("ascent_does_nothing_or_breaks", "all models diverged", HOLDS),
        ("ascent_does_nothing_or_breaks", "perfect", FAILS),
        ("most_runs_do_nothing_or_break", "perfect, one model diverged", FAILS),
        ("random_improves_at_the_models_cost", "forget set perfect, validation broken", HOLDS),
        ("random_improves_at_the_models_cost", "perfect", FAILS),
        ("rate_and_stopping_must_be_known", "one setting perfect, the others broken", HOLDS),
        ("rate_and_stopping_must_be_known", "perfect", FAILS),
        ("small_rates_add_nothing", "the original", HOLDS),
        ("small_rates_add_nothing", "one setting perfect, the others broken", FAILS),
        ("the_highest_rate_adds_harm", "only the highest rate breaks", HOLDS),
        ("the_highest_rate_adds_harm", "all broken", FAILS),
        ("original_has_equal_retain_and_validation", "originals are broken", FAILS),
        ("larger_sets_are_harder", "perfect on small sets, nothing on large", HOLDS),
        ("larger_sets_are_harder", "nothing on small sets, perfect on large", FAILS),
        ("original_far_from_oracle_on_forget_set", "originals are oracles", FAILS),
        ("original_near_oracle_on_validation", "originals are broken", FAILS),
        ("original_near_oracle_on_validation", "perfect", HOLDS),
        ("stable_after_80_models", "the last originals have diverged", FAILS),
        ("few_models_show_large_differences", "the last originals have diverged", FAILS),
        ("random_set_is_like_new_data", "oracles have seen the forget set", FAILS),
        ("random_set_is_like_new_data", "perfect", HOLDS),
        ("statistics_alone_do_harm", "all broken", HOLDS),
        ("statistics_alone_do_harm", "perfect", FAILS),
    ],
)
def test_a_verdict_is_the_truth_of_its_world(table, claim, world, verdict):
    assert table.loc[claim, world] == verdict


def test_a_world_leaves_the_records_of_the_run_as_they_are():
    found = truth("random_20", 20)
    before = {name: getattr(found, name)["margin"].copy() for name in ("original", "oracle")}
    for make in WORLDS.values():
        make(found)
    assert all(np.array_equal(getattr(found, name)["margin"], m) for name, m in before.items())


def test_a_run_without_a_second_population_gets_perfect_models_from_its_oracles():
    own = truth("random_20", 20)
    made = truth_of("random_20", own.split, own.original, own.oracle, None, large=False)
    assert made.perfect["margin"].shape == own.original["margin"].shape
    for part in PARTS:
        where = own.split.columns(part)
        means = [r["margin"][:, where].mean() for r in (made.perfect, own.oracle)]
        assert means[0] == pytest.approx(means[1], abs=0.15)
