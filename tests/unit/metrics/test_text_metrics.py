"""Perplexity, membership by entropy, and KLoM on records of texts."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from palimpsest.data.splits import PARTS, Split
from palimpsest.files import InputError
from palimpsest.klom import klom as klom_of_points
from palimpsest.metrics import klom, mia_entropy, needs, perplexity
from palimpsest.records import Record

POINTS = 60
SPLIT = Split(np.arange(40), np.arange(40, POINTS), np.arange(8))
LABELS = np.arange(POINTS) % 4
KLOM: dict[str, Any] = {
    "mode": "ours", "direction": "unlearned||oracle", "bins": 10, "clip": 100.0, "floor": 1e-5,
    "percentile": 95.0, "null_repeats": 3, "redraws": 3,
}  # fmt: skip


def record(models: int, seed: int = 0, loss: float = 2.0, **given: np.ndarray) -> Record:
    """Of a language model: texts of 3 to 20 tokens, each with its own level of loss."""
    shared, own = np.random.default_rng(5), np.random.default_rng(seed)
    tokens = shared.integers(3, 21, POINTS)
    level = shared.uniform(-0.5, 0.5, POINTS)
    mean = loss + level + own.normal(0, 0.1, (models, POINTS))
    statistics = {
        "margin": np.float32(-np.log(np.expm1(mean))),  # of one token with that loss
        "correct": mean < np.log(2),
        "token_loss": np.float32(mean * tokens),
        "tokens": np.broadcast_to(np.int32(tokens), (models, POINTS)),
        "entropy": np.float32(mean),
    } | given
    return Record(statistics, np.arange(POINTS), np.arange(models), LABELS)


# ------------------------------------------------------------------------------- perplexity
def test_perplexity_weighs_tokens_and_not_texts() -> None:
    found = record(3)
    rows = pd.DataFrame(perplexity.rows(found, None, found, SPLIT)).set_index("split")
    assert list(rows.index) == list(PARTS)
    for part in PARTS:
        columns = SPLIT.columns(part)
        each = [
            np.exp(found["token_loss"][m, columns].sum() / found["tokens"][m, columns].sum())
            for m in range(3)
        ]
        assert rows.loc[part, "perplexity"] == pytest.approx(np.mean(each), rel=1e-5)
        assert rows.loc[part, "perplexity_sd"] == pytest.approx(np.std(each, ddof=1), rel=1e-3)
        assert rows.loc[part, "models"]["perplexity"] == pytest.approx(each, rel=1e-5)
        assert rows.loc[part, "tokens"] == found["tokens"][0, columns].sum()
        of_texts = np.exp(found["token_loss"][:, columns] / found["tokens"][:, columns]).mean()
        assert rows.loc[part, "perplexity"] != pytest.approx(of_texts, rel=1e-3)
    assert (rows["diverged_models"] == 0).all() and (rows["n_models"] == 3).all()


def test_a_model_that_knows_nothing_has_the_vocabulary_as_perplexity() -> None:
    tokens = record(2)["tokens"]
    flat = record(2, token_loss=np.float32(tokens * np.log(50)))
    rows = perplexity.rows(flat, None, flat, SPLIT)
    assert [row["perplexity"] for row in rows] == pytest.approx([50] * 3, rel=1e-5)
    assert np.isnan(perplexity.rows(record(1), None, record(1), SPLIT)[0]["perplexity_sd"])


def test_the_forgotten_class_is_left_out_of_the_validation_set() -> None:
    whole = Split(np.arange(40), np.arange(40, POINTS), np.arange(0, 40, 4))  # the class 0
    loss = record(2)["token_loss"].copy()
    loss[:, LABELS == 0] = 0.0
    found = record(2, token_loss=loss)
    val = perplexity.rows(found, None, found, whole)[2]
    kept = whole.val[LABELS[whole.val] != 0]
    expected = np.exp(loss[:, kept].sum(1) / found["tokens"][:, kept].sum(1)).mean()
    assert val["perplexity"] == pytest.approx(expected, rel=1e-5) and val["perplexity"] > 5
    assert val["all_classes"] < val["perplexity"]


def test_a_diverged_model_is_counted_and_not_hidden() -> None:
    found = record(3)
    found["margin"][1] = np.nan
    found["token_loss"][1] = np.nan
    found["token_loss"][2] = 1e9
    row = perplexity.rows(found, None, found, SPLIT)[0]
    assert row["diverged_models"] == 1 and np.isnan(row["perplexity"])
    assert np.isfinite(row["models"]["perplexity"]).tolist() == [True, False, False]
    assert row["models"]["perplexity"][2] == np.inf


def test_texts_like_the_forgotten_have_rows_of_their_own() -> None:
    alike = SPLIT.val[3:9]
    split = SPLIT.with_forget(SPLIT.forget, alike)
    found = record(2)
    rows = pd.DataFrame(perplexity.rows(found, None, found, split)).set_index("split")
    assert list(rows.index) == [*PARTS, "val_retain", "val_forget"]
    for part, columns in (("val_forget", alike), ("val_retain", np.setdiff1d(SPLIT.val, alike))):
        loss, tokens = found["token_loss"][:, columns], found["tokens"][:, columns]
        expected = np.exp(loss.sum(1) / tokens.sum(1)).mean()
        assert rows.loc[part, "perplexity"] == pytest.approx(expected, rel=1e-5)


# -------------------------------------------------------------------- membership by entropy
def attacked(inside: float, outside: float, forget: float, **settings: Any) -> pd.DataFrame:
    """The rows of three models whose entropies lie around these values."""
    centre = np.full(POINTS, inside)
    centre[SPLIT.val], centre[SPLIT.forget] = outside, forget
    noise = np.random.default_rng(3).normal(0, 0.05, (3, POINTS))
    entropy = np.float32(centre + noise)
    found = record(3, entropy=entropy, entropy_renormalised=np.float32(noise))
    return pd.DataFrame(mia_entropy.rows(found, None, found, SPLIT, **settings)).set_index("split")


ATTACKS = ("svm", "logistic", "svm_balanced", "logistic_balanced")


def test_an_attack_that_sees_a_difference_tells_members() -> None:
    for forget, expected in ((0.5, 1.0), (2.0, 0.0)):
        rows = attacked(0.5, 2.0, forget)
        assert tuple(rows.loc["forget", "models"]) == ATTACKS
        for attack in ATTACKS:
            assert rows[attack].tolist() == [expected, 1.0, 0.0]
            assert (rows[f"{attack}_training_accuracy"] == 1.0).all()
            assert rows.loc["forget", "models"][attack] == [expected] * 3
            assert (rows[f"{attack}_sd"] == 0).all()
    assert rows["members"].tolist() == pytest.approx([32 / 52] * 3)


def test_an_attack_that_sees_nothing_calls_all_members_unless_it_is_balanced() -> None:
    rows = attacked(1.0, 1.0, 1.0)
    assert rows["logistic"].tolist() == [1.0, 1.0, 1.0]
    assert rows["logistic_training_accuracy"].tolist() == pytest.approx([32 / 52] * 3)
    assert 0.1 < rows.loc["forget", "logistic_balanced"] < 0.9


def test_the_training_accuracy_is_that_of_the_attack_on_what_it_has_learnt_from() -> None:
    from sklearn.svm import SVC

    rows = attacked(1.0, 1.06, 1.0, c=0.7, attacked=1)
    noise = np.random.default_rng(3).normal(0, 0.05, (3, POINTS))[0]
    centre = np.where(np.arange(POINTS) >= 40, 1.06, 1.0)
    values = np.float32(centre + noise)[8:, None].astype(float)
    truth = np.arange(8, POINTS) < 40
    for attack, weight in (("svm", None), ("svm_balanced", "balanced")):
        theirs = SVC(C=0.7, gamma="auto", class_weight=weight).fit(values, truth)
        worth = rows.loc["val", f"{attack}_training_accuracy"]
        assert worth == pytest.approx(theirs.score(values, truth))
        assert rows.loc["retain", attack] == pytest.approx(theirs.predict(values)[truth].mean())
    assert (rows["n_models"] == 1).all() and rows["svm_sd"].isna().all()


def test_the_renormalised_entropy_is_another_statistic() -> None:
    assert needs(mia_entropy, {}) == ("margin", "entropy")
    assert needs(mia_entropy, {"renormalised": True})[-1] == "entropy_renormalised"
    usual, other = (attacked(0.5, 2.0, 0.5, renormalised=choice) for choice in (False, True))
    assert usual.loc["val", "svm"] == 0.0 and other.loc["val", "svm"] > 0.0
    with pytest.raises(InputError, match="the record holds no entropy_renormalised; it holds "):
        mia_entropy.rows(record(2), None, record(2), SPLIT, renormalised=True)


def test_a_diverged_model_has_no_attack_and_few_points_none_at_all() -> None:
    found = record(3)
    found["entropy"][1, 5] = np.nan
    rows = mia_entropy.rows(found, None, found, SPLIT)
    assert rows[0]["diverged_models"] == 1 and np.isnan(rows[0]["svm"])
    assert np.isnan(rows[0]["models"]["svm"]).tolist() == [False, True, False]
    few = Split(np.arange(9), np.array([9]), np.arange(3))
    with pytest.raises(InputError, match="there are 6 and 1; needed: at least 2 of both"):
        mia_entropy.rows(found, None, found, few)


def test_an_attack_learns_nothing_from_test_texts_like_the_forgotten() -> None:
    """They are sure of what they were trained on, and of test texts like the forgotten ones."""
    alike = SPLIT.val[10:]
    entropy = np.full((2, POINTS), 0.5) + np.random.default_rng(0).normal(0, 0.05, (2, POINTS))
    entropy[:, SPLIT.val[:10]] += 2.0
    found = record(2, entropy=np.float32(entropy))
    split = SPLIT.with_forget(SPLIT.forget, alike)
    rows = pd.DataFrame(mia_entropy.rows(found, None, found, split)).set_index("split")
    for attack in ATTACKS:
        assert rows[attack].to_dict() == {
            "forget": 1.0, "retain": 1.0, "val": 0.0, "val_retain": 0.0, "val_forget": 1.0,
        }  # fmt: skip
        assert (rows[f"{attack}_training_accuracy"] == 1.0).all()
    assert rows["members"].tolist() == pytest.approx([32 / 42] * 5)
    mixed = pd.DataFrame(mia_entropy.rows(found, None, found, SPLIT)).set_index("split")
    assert mixed.loc["val", "svm_training_accuracy"] < 0.9


# ------------------------------------------------------------------------------------ KLoM
def test_klom_judges_language_models_by_their_mean_margins() -> None:
    oracles, second, moved = record(40), record(40, seed=1), record(40, seed=2, loss=2.4)
    columns = {part: SPLIT.columns(part) for part in PARTS}
    settings = {key: value for key, value in KLOM.items() if key != "redraws"}
    floors = klom.reference(oracles, SPLIT, **settings)
    scores = {
        name: pd.DataFrame(klom.rows(own, own, oracles, SPLIT, floors, **KLOM)).set_index("split")
        for name, own in (("second", second), ("moved", moved))
    }
    choices = {key: KLOM[key] for key in ("mode", "direction", "bins", "clip", "floor")}
    points = klom_of_points(moved["margin"], oracles["margin"], **choices)
    for part in PARTS:
        expected = np.percentile(points[columns[part]], 95)
        assert scores["moved"].loc[part, "klom"] == pytest.approx(expected)
    assert (scores["moved"]["klom"] > 3 * scores["moved"]["null"]).all()
    assert (scores["second"]["klom"] < 2 * scores["second"]["null"]).all()
    assert (scores["moved"]["margin_gap"] < -0.3).all()
    assert (scores["moved"]["clipped_points"] == 0).all()


def test_klom_counts_margins_that_are_no_numbers() -> None:
    oracles, broken = record(30), record(30, seed=1)
    broken["margin"][3, :5] = np.nan
    broken["margin"][4, 50] = -np.inf
    null = {part: {"null": 0.0, "reversed_null": 0.0} for part in PARTS}
    rows = klom.rows(broken, broken, oracles, SPLIT, null, **KLOM)
    assert [row["nan_points"] for row in rows] == [5, 0, 0]
    assert [row["clipped_points"] for row in rows] == [0, 0, 1]
    assert all(np.isfinite(row["klom"]) for row in rows)
