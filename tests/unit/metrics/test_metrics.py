"""The rows that metrics give, from records."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from palimpsest import registry
from palimpsest.data.splits import PARTS, Split
from palimpsest.files import InputError
from palimpsest.klom import klom as klom_of_points
from palimpsest.klom import null_floor
from palimpsest.metrics import accuracy, distances, klom, mia, needs_of, recorded
from palimpsest.records import STATISTICS, Record
from palimpsest.scoring import metric_rows

SPLIT = Split(np.arange(20), np.arange(20, 30), np.arange(4))
LABELS = np.arange(30) % 5
KLOM = {
    "mode": "ours", "direction": "unlearned||oracle", "bins": 20, "clip": 100.0, "floor": 1e-5,
    "percentile": 95.0, "null_repeats": 5, "redraws": 5,
}  # fmt: skip

MIA = {"features": ["confidence", "entropy"], "c": 3.0, "attacked": None}


def population(models: int, shift: float = 0.0, seed: int = 0, first_seed: int = 0) -> Record:
    values = np.random.default_rng(seed).normal(8 + shift, 1, (models, 30)).astype(np.float32)
    statistics = {"margin": values, "correct": values > 7}
    return Record(statistics, SPLIT.points, first_seed + np.arange(models), LABELS)


def test_klom_rows_hold_score_floor_and_counts_per_set() -> None:
    unlearned = population(40, shift=3.0, seed=1)
    unlearned["margin"][0, :4] = np.nan
    unlearned["margin"][1, 25] = -500.0
    floors = {"forget": 0.1, "retain": 0.2, "val": 0.3}
    null = {part: {"null": value, "reversed_null": 2 * value} for part, value in floors.items()}
    oracles = population(40)
    oracles["margin"][3, 25] = np.nan
    rows = klom.rows(unlearned, population(40, seed=2), oracles, SPLIT, null, **KLOM)
    table = pd.DataFrame(rows).set_index("split")
    assert list(table.index) == ["forget", "retain", "val"]
    assert table["null"].tolist() == [0.1, 0.2, 0.3]
    assert table["percentile"].tolist() == [95.0] * 3
    assert table["reversed_null"].tolist() == [0.2, 0.4, 0.6]
    assert table["points"].tolist() == [4, 16, 10]
    assert table["nan_points"].tolist() == [4, 0, 0]  # an oracle's is not the method's
    assert table["oracle_nan_points"].tolist() == [0, 0, 1]
    assert table["redraws"].map(len).tolist() == [5] * 3
    assert table["clipped_points"].tolist() == [0, 0, 1]
    assert (table["klom"] > 1).all() and np.isfinite(table["klom"]).all()
    assert (table["ci_low"] <= table["klom"]).all()
    assert (table["klom"] <= table["ci_high"]).all()
    assert (table["n_models"] == 40).all()


def test_the_reference_of_klom_is_the_mean_null_floor_of_the_oracles() -> None:
    oracles = population(40)
    settings = {name: value for name, value in KLOM.items() if name != "redraws"}
    found = klom.reference(oracles, SPLIT, **settings)
    columns = {part: SPLIT.columns(part) for part in ("forget", "retain", "val")}
    floors = null_floor(oracles["margin"], columns, repeats=5)
    reverse = null_floor(oracles["margin"], columns, repeats=5, direction="oracle||unlearned")
    assert found == {
        part: {"null": floors[part].mean(), "reversed_null": reverse[part].mean()}
        for part in columns
    }
    own = population(40, seed=1)
    table = pd.DataFrame(klom.rows(own, own, oracles, SPLIT, found, **KLOM))
    assert table["null"].tolist() == [found[part]["null"] for part in columns]


def test_both_directions_the_mean_and_the_halves_are_those_of_klom() -> None:
    unlearned, oracles = population(40, shift=1.0, seed=1), population(40)
    null = {part: {"null": 0.0, "reversed_null": 0.0} for part in PARTS}
    row = klom.rows(unlearned, unlearned, oracles, SPLIT, null, **KLOM)[2]
    where = SPLIT.columns("val")

    def score(first: np.ndarray, second: np.ndarray, **settings: str) -> np.ndarray:
        return klom_of_points(first[:, where], second[:, where], **settings)

    margins, others = unlearned["margin"], oracles["margin"]
    assert row["klom"] == np.percentile(score(margins, others), 95)
    assert row["klom_mean"] == pytest.approx(score(margins, others).mean())
    gaps = margins.mean(0) - others.mean(0)
    assert row["margin_gap"] == pytest.approx(gaps[where].mean(), rel=1e-4)
    backwards = score(margins, others, direction="oracle||unlearned")
    assert row["reversed"] == np.percentile(backwards, 95)
    assert row["even_half"] == np.percentile(score(margins[::2], others[::2]), 95)
    assert row["odd_half"] == np.percentile(score(margins[1::2], others[1::2]), 95)


def test_accuracy_rows_count_diverged_models() -> None:
    record = population(5)
    record["margin"][2, 0] = np.nan
    record["correct"][:, 20:] = True
    table = pd.DataFrame(accuracy.rows(record, None, record, SPLIT)).set_index("split")
    assert list(table.index) == ["forget", "retain", "val"]
    assert (table["diverged_models"] == 1).all()
    assert table.loc["val", "accuracy"] == 1 and table.loc["val", "accuracy_sd"] == 0
    assert table.loc["forget", "accuracy"] == record["correct"][:, :4].mean()


def test_the_accuracy_of_one_model_has_no_spread() -> None:
    table = pd.DataFrame(accuracy.rows(population(1), None, population(1), SPLIT))
    assert table["accuracy_sd"].isna().all() and table["accuracy"].notna().all()


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_a_metric_says_what_it_needs_and_a_record_without_it_is_refused(name: str) -> None:
    metric = registry.module("metrics", name)
    assert set(metric.NEEDS) <= set(STATISTICS)
    assert isinstance(metric.OF_ORACLES, bool)
    settings = {"klom": KLOM, "mia": MIA}.get(name, {})
    bare = Record({"margin": population(3)["margin"]}, SPLIT.points, np.arange(3), LABELS)
    if missing := "|".join(set(metric.NEEDS) - {"margin"}):
        with pytest.raises(InputError, match=f"the record holds no ({missing}); it holds margin"):
            metric.rows(bare, bare, population(3), SPLIT, None, **settings)
    else:
        null = {part: {"null": 0.0, "reversed_null": 0.0} for part in PARTS}
        assert len(metric.rows(bare, bare, population(3), SPLIT, null, **settings)) == 3


def test_accuracy_leaves_a_forgotten_class_out_of_the_validation_set() -> None:
    labels = np.arange(30) % 5
    split = Split(np.arange(20), np.arange(20, 30), np.flatnonzero(labels[:20] == 2))
    record = population(3)
    record["correct"][:] = labels != 2
    table = pd.DataFrame(accuracy.rows(record, None, record, split)).set_index("split")
    assert table["accuracy"].tolist() == [0.0, 1.0, 1.0]
    assert table["all_classes"].tolist() == pytest.approx([0.0, 1.0, 0.8])
    some = Split(np.arange(20), np.arange(20, 30), np.arange(4))  # of several classes: none is lost
    table = pd.DataFrame(accuracy.rows(record, None, record, some)).set_index("split")
    assert table.loc["val"].loc[["accuracy", "all_classes"]].tolist() == pytest.approx([0.8, 0.8])


def test_what_is_like_the_forgotten_class_has_rows_of_its_own() -> None:
    labels, groups = np.arange(30) % 5, np.arange(30) % 3
    for kinds in (labels, groups):  # a class; a group of which no class is lost
        forget, alike = (np.flatnonzero(kinds == 2) for _ in range(2))
        split = Split(np.arange(20), np.arange(20, 30), forget[forget < 20], "",
                      alike[alike >= 20])  # fmt: skip
        record = population(3)
        record["correct"][:] = kinds != 2
        table = pd.DataFrame(accuracy.rows(record, None, record, split)).set_index("split")
        assert list(table.index) == ["forget", "retain", "val", "val_retain", "val_forget"]
        assert table.loc[["forget", "val_forget"], "accuracy"].tolist() == [0.0, 0.0]
        assert table.loc[["retain", "val_retain"], "accuracy"].tolist() == [1.0, 1.0]
        share = 1.0 if kinds is labels else (groups[20:] != 2).mean()
        assert table.loc["val", "accuracy"] == pytest.approx(share)
        assert table.loc["val_forget", "all_classes"] == 0.0


def test_distances_are_means_over_the_points_of_each_set() -> None:
    record = population(3, first_seed=5)
    values = np.random.default_rng(1).uniform(0, 2, (5, 3, 30)).astype(np.float32)
    record.statistics.update(zip(distances.COLUMNS.values(), values, strict=True))
    record["margin"][1, 0] = np.nan
    split = SPLIT.with_forget(SPLIT.forget, [21, 23])
    found = metric_rows({"distances": {"layers": "3"}}, record, None, record, split, {}, {}, {})
    table = pd.DataFrame(found["distances"]).set_index("split")
    assert list(table.index) == ["forget", "retain", "val", "val_retain", "val_forget"]
    models = pd.DataFrame(found["distances_models"])
    assert list(models.columns) == ["split", "seed", *distances.COLUMNS, "diverged"]
    assert models["seed"].tolist() == [5, 6, 7] * 5
    for name, own in zip(distances.COLUMNS, values, strict=True):
        for part, columns in (("forget", [0, 1, 2, 3]), ("val_forget", [21, 23])):
            each = own[:, columns].mean(axis=1)
            assert models.loc[models["split"] == part, name].tolist() == pytest.approx(each)
            assert table.loc[part, name] == pytest.approx(each.mean())
            assert table.loc[part, f"{name}_sd"] == pytest.approx(each.std(ddof=1), rel=1e-4)
    assert (table["diverged_models"] == 1).all() and (table["n_models"] == 3).all()
    assert models["diverged"].tolist() == [False, True, False] * 5


def test_what_each_model_scores_goes_into_a_table_of_its_own() -> None:
    record = population(3, first_seed=7)
    head, tail = {"forget_set": "f", "method": "ft", "lr": 0.1}, {"relative_cost": 0.5}
    found = metric_rows({"accuracy": {}}, record, None, record, SPLIT, {}, head, tail)
    assert list(found) == ["accuracy", "accuracy_models"]
    table = pd.DataFrame(found["accuracy_models"])
    assert list(table.columns[:5]) == ["forget_set", "method", "lr", "split", "seed"]
    assert table["seed"].tolist() == [7, 8, 9] * 3
    means = table.groupby("split", sort=False)["accuracy"].mean()
    assert np.allclose(means, pd.DataFrame(found["accuracy"])["accuracy"])


FEATURES = ["confidence", "correctness", "entropy", "modified_entropy", "probabilities"]


def trained(models: int, points: int, far: float, seed: int = 0) -> tuple[Record, Split]:
    """Models that are surer of what they were trained on by `far`, not of the forget set."""
    generator = np.random.default_rng(seed)
    split = Split(np.arange(points), np.arange(points, 2 * points), np.arange(points // 4))
    labels = generator.integers(0, 3, 2 * points)
    logits = generator.normal(0, 1, (models, 2 * points, 3))
    known = np.arange(2 * points)[points // 4 : points]
    logits[:, known, labels[known]] += far
    own = np.take_along_axis(logits, np.broadcast_to(labels, logits.shape[:2])[..., None], 2)[
        ..., 0
    ]
    others = np.log(np.exp(logits).sum(2) - np.exp(own))
    statistics = {
        "margin": (own - others).astype(np.float32),
        "correct": logits.argmax(2) == labels,
        "logits": logits.astype(np.float16),
    }
    return Record(statistics, split.points, np.arange(models), labels), split


def test_an_attack_that_can_see_calls_members_members_and_the_forgotten_strangers() -> None:
    record, split = trained(2, 200, far=6.0)
    table = pd.DataFrame(
        mia.rows(record, None, record, split, features=FEATURES, c=3.0, attacked=None)
    ).set_index("split")
    for feature in ("confidence", "modified_entropy", "probabilities"):
        assert table.loc["retain", feature] < 0.1 and table.loc["val", feature] > 0.8
        assert table.loc["forget", feature] > 0.8
        assert table.loc["forget", f"{feature}_balanced_accuracy"] > 0.8
        assert table.loc["forget", f"{feature}_auc"] > 0.9
        assert abs(table.loc["forget", f"{feature}_forget_auc"] - 0.5) < 0.1


def test_an_attack_that_is_worth_nothing_says_so() -> None:
    record, split = trained(2, 200, far=0.0)
    table = pd.DataFrame(
        mia.rows(record, None, record, split, features=FEATURES, c=3.0, attacked=None)
    ).set_index("split")
    worth = table.loc["forget", [f"{feature}_balanced_accuracy" for feature in FEATURES]]
    assert ((worth > 0.4) & (worth < 0.6)).all()


def test_an_attack_is_the_classifier_of_scikit_learn_on_the_confidence() -> None:
    record, split = trained(1, 60, far=2.0)
    found = mia.rows(record, None, record, split, features=["confidence"], c=3.0, attacked=None)
    chance = np.exp(record["logits"][0].astype(float))
    chance /= chance.sum(1, keepdims=True)
    values = chance[np.arange(120), record.labels][:, None]
    retain, test = np.arange(15, 60), np.arange(60, 120)
    known = [1] * len(retain) + [0] * len(test)
    attack = SVC(C=3, gamma="auto").fit(values[[*retain, *test]], known)
    by_hand = (attack.predict(values[:15]) == 0).mean()
    assert found[0]["confidence"] == pytest.approx(by_hand, abs=1 / 15)  # logits are kept in half


def test_an_attack_on_diverged_models_is_no_number_and_few_can_be_asked_for() -> None:
    record, split = trained(3, 40, far=2.0)
    record["margin"][2, 0] = np.nan
    asked = {"features": ["confidence"], "c": 3.0}
    whole = mia.rows(record, None, record, split, **asked, attacked=None)[0]
    assert np.isnan(whole["confidence"]) and whole["diverged_models"] == 1
    assert np.isnan(whole["models"]["confidence"][2]) and whole["n_models"] == 3
    few = mia.rows(record, None, record, split, **asked, attacked=2)[0]
    assert few["n_models"] == 2 and np.isfinite(few["confidence"])


def test_an_attack_needs_points_of_both_kinds() -> None:
    record, split = trained(1, 40, far=2.0)
    lone = Split(split.train, np.empty(0, int), split.forget)
    with pytest.raises(InputError, match="there are 30 and 0; needed: at least 4 of both"):
        mia.rows(record.of(lone.points), None, record, lone, features=["confidence"], c=3.0,
                 attacked=None)  # fmt: skip


def test_records_hold_what_the_metrics_of_an_experiment_need() -> None:
    settings: dict[str, Any] = {"mia_entropy": {"renormalised": True}, "distances": {}}
    assert needs_of(["accuracy", "mia_entropy"], settings) == {
        "margin", "correct", "entropy", "entropy_renormalised",
    }  # fmt: skip
    assert needs_of(["distances"], {}) == {"margin", *distances.COLUMNS.values()}
    assert recorded(["accuracy", "distances"], settings) == {}
    settings["distances"] = {"layers": "hidden"}
    assert recorded(["accuracy", "distances"], settings) == {"layers": "hidden"}
    assert recorded(["accuracy"], settings) == {}
