"""Trials of an experiment: what is read, what is said of a setting, by plain arithmetic."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from synthetic_classes import CLASSES, MODELS, write_tables

from palimpsest.intervals import interval
from palimpsest.studies.classes.trials import class_means, read_trials, summary
from palimpsest.tables import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("classes")
    write_tables(root)
    return root


def trials_of(folder: Path, experiment: str) -> pd.DataFrame:
    mia = folder / experiment / "mia_models.csv"
    accuracy = folder / experiment / "accuracy_models.csv"
    return read_trials(accuracy, mia if mia.is_file() else None)


def test_a_row_for_each_trial_in_percent(folder: Path) -> None:
    trials = trials_of(folder, "table")
    rows = read_table(folder / "table/accuracy_models.csv")
    assert len(trials) == len(rows) / 3
    one = rows[(rows.method == "ce_ft") & (rows.forget_set == "class_2") & (rows.seed == 1)]
    found = trials[
        (trials.method == "ce_ft") & (trials.forget_set == "class_2") & (trials.seed == 1)
    ]
    by_split = one.set_index("split")["accuracy"]
    assert found["UA"].item() == pytest.approx(100 * (1 - by_split["forget"]))
    assert found["RA"].item() == pytest.approx(100 * by_split["retain"])
    assert found["TA"].item() == pytest.approx(100 * by_split["val"])
    attack = read_table(folder / "table/mia_models.csv")
    attack = attack[(attack.method == "ce_ft") & (attack.forget_set == "class_2")]
    attack = attack[(attack.seed == 1) & (attack.split == "forget")]
    assert found["MIA"].item() == pytest.approx(100 * attack["confidence"].item())


def test_every_setting_has_a_name_of_its_own(folder: Path) -> None:
    for experiment in ("table", "rates", "alpha", "divergence", "klom"):
        trials = trials_of(folder, experiment)
        keys = [n for n in trials.columns[: trials.columns.get_loc("seed")] if n != "forget_set"]
        settings = trials.drop_duplicates(keys)
        assert settings["variant"].is_unique
        classes = 1 if experiment == "klom" else len(CLASSES)
        assert (trials.groupby("variant").size() == classes * MODELS).all()
    names = set(trials_of(folder, "table")["variant"])
    assert {"Retrain", "original", "FT", "FT + rbm mask, zero", "FT + rbm mask, freeze",
            "random labels + salun mask", "CE-FT", "sparse FT", "zero row"} <= names  # fmt: skip


def test_an_interval_has_one_value_a_class() -> None:
    values = np.array([1.0, 4.0, 7.0, 8.0])
    mean, error, half, freedom = interval(values)
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (mean, freedom) == (5.0, 3)
    assert error == pytest.approx(values.std(ddof=1) / 2)
    assert (mean - half, mean + half) == pytest.approx((expected.low, expected.high))
    alone = interval(values[:1])
    assert alone[0] == 1.0 and np.isnan(alone[1]) and np.isnan(alone[2]) and alone[3] == 0


def test_a_summary_is_the_papers_form_and_what_can_be_said(folder: Path) -> None:
    trials = trials_of(folder, "table")
    table = summary(trials).set_index(["variant", "quantity"])
    own = trials[trials.variant == "KL-FT"]
    row = table.loc[("KL-FT", "RA")]
    by_class = own.groupby("forget_set")["RA"].mean()
    oracle = trials[trials.variant == "Retrain"].groupby("forget_set")["RA"].mean()
    assert row["mean"] == pytest.approx(own["RA"].mean())
    assert row["sd"] == pytest.approx(own["RA"].std(ddof=1))
    assert row["gap"] == pytest.approx(abs(by_class.mean() - oracle.mean()))
    assert (row["classes"], row["trials"]) == (len(CLASSES), len(CLASSES) * MODELS)
    base = trials[trials.variant == "FT"].groupby("forget_set")["RA"].mean()
    test = ttest_1samp(by_class - base, 0.0)
    assert row["difference"] == pytest.approx((by_class - base).mean())
    assert row["p"] == pytest.approx(test.pvalue)
    expected = test.confidence_interval(0.95)
    assert row["difference_low"] == pytest.approx(expected.low)
    assert row["difference_high"] == pytest.approx(expected.high)
    assert np.isnan(table.loc[("FT", "RA"), "difference"])


def test_a_class_counts_once_whatever_its_trials(folder: Path) -> None:
    trials = trials_of(folder, "table")
    doubled = pd.concat([trials, trials[trials.forget_set == "class_0"].assign(seed=99)])
    assert np.allclose(class_means(doubled), class_means(trials))
    one, two = (summary(t).set_index(["variant", "quantity"]) for t in (trials, doubled))
    assert np.allclose(one[["mean", "low", "high"]], two.loc[one.index, ["mean", "low", "high"]])


def test_diverged_models_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = read_table(folder / "table/accuracy_models.csv")
    hit = (rows.method == "ice_ft") & (rows.forget_set == "class_1") & (rows.seed == 0)
    rows.loc[hit, "diverged"] = True
    rows.to_csv(tmp_path / "accuracy_models.csv", index=False)
    table = summary(read_trials(tmp_path / "accuracy_models.csv"))
    assert table[table.variant == "ICE-FT"]["diverged"].eq(1).all()
    assert table[table.variant == "CE-FT"]["diverged"].eq(0).all()


def test_two_shares_of_one_mask_are_two_variants(folder: Path, tmp_path: Path) -> None:
    rows = read_table(folder / "table/accuracy_models.csv")
    other = rows[rows.prepare == "salun_mask"].assign(prepare_share=0.3)
    pd.concat([rows, other]).to_csv(tmp_path / "accuracy_models.csv", index=False)
    names = set(read_trials(tmp_path / "accuracy_models.csv")["variant"])
    assert {"FT + salun mask, prepare share 0.3", "FT + salun mask, prepare share 0.5"} <= names
    assert "FT + rbm mask, zero" in names
