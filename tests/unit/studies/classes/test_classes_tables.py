"""The tables of the study of classes: their numbers by plain arithmetic, and the paper's."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from synthetic_classes import CLASSES, LEVELS, MODELS, write_tables

from palimpsest.printing import Interval, Value, as_latex, as_markdown
from palimpsest.registry import names
from palimpsest.studies.classes.tables import masks, table_1, table_2, table_4
from palimpsest.tables import write_table

ROOT = Path(__file__).parents[4]
PRINTED = ROOT / "reports" / "classes" / "printed.csv"
TABLES = {"table_1": table_1, "table_2": table_2, "table_4": table_4, "masks": masks}
KEYS = ["table", "dataset", "method", "quantity"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    write_tables(folder)
    found = {
        f"{experiment}_{table}": [folder / experiment / f"{table}.csv"]
        for experiment in ("table", "alpha")
        for table in ("accuracy", "accuracy_models", "mia_models")
    }
    return found | {"printed": [PRINTED]}


def trials_of(inputs, method, split="forget", table="accuracy_models", column="accuracy"):
    """Values (classes, models) of a method without preparation, as they stand in a table."""
    rows = pd.read_csv(inputs[f"table_{table}"][0])
    rows = rows[(rows["method"] == method) & (rows["split"] == split) & rows["prepare"].isna()]
    return rows.sort_values(["forget_set", "seed"])[column].to_numpy().reshape(len(CLASSES), -1)


def quantities(inputs, method):
    """UA, RA, MIA and TA of each trial in percent, worked out anew."""
    return {
        "UA": 100 - 100 * trials_of(inputs, method),
        "RA": 100 * trials_of(inputs, method, "retain"),
        "MIA": 100 * trials_of(inputs, method, table="mia_models", column="confidence"),
        "TA": 100 * trials_of(inputs, method, "val"),
    }


@pytest.mark.parametrize("method", ["ft", "ce_ft", "kl_ft"])
def test_the_numbers_are_plain_arithmetic(inputs, method):
    numbers, _ = table_2.make(inputs)
    name = {"ft": "FT", "ce_ft": "CE-FT", "kl_ft": "KL-FT"}[method]
    rows = numbers[numbers["variant"] == name].set_index("quantity")
    own, oracle, ft = (quantities(inputs, m) for m in (method, "oracle", "ft"))
    gaps, signed, base = [], [], []
    for quantity, values in own.items():
        row, classes = rows.loc[quantity], values.mean(axis=1)
        half = t.ppf(0.975, len(CLASSES) - 1) * classes.std(ddof=1) / math.sqrt(len(CLASSES))
        gap = values.mean() - oracle[quantity].mean()
        assert row["mean"] == pytest.approx(values.mean())
        assert row["sd"] == pytest.approx(values.std(ddof=1))
        assert row["gap"] == pytest.approx(abs(gap))
        assert (row["low"], row["high"]) == pytest.approx(
            (classes.mean() - half, classes.mean() + half)
        )
        assert (row["classes"], row["trials"]) == (len(CLASSES), len(CLASSES) * MODELS)
        if method != "ft":
            assert row["difference"] == pytest.approx(values.mean() - ft[quantity].mean())
        gaps.append(abs(gap))
        signed.append(np.sign(gap) * (classes - oracle[quantity].mean(axis=1)))
        apart = ft[quantity] - oracle[quantity]
        base.append(np.sign(apart.mean()) * apart.mean(axis=1))
    average, by_class = rows.loc["average_gap"], np.mean(signed, axis=0)
    half = t.ppf(0.975, len(CLASSES) - 1) * by_class.std(ddof=1) / math.sqrt(len(CLASSES))
    assert average["mean"] == pytest.approx(np.mean(gaps)) == pytest.approx(by_class.mean())
    assert average["high"] - average["mean"] == pytest.approx(half)
    if method != "ft":
        assert average["difference"] == pytest.approx(by_class.mean() - np.mean(base))


def test_run_times_are_seconds_of_one_model_and_empty_where_left_out(inputs, tmp_path):
    numbers, shown = table_1.make(inputs)
    times = numbers[numbers["quantity"] == "run_time"].set_index("variant")["mean"]
    assert times.to_dict() == {"Retrain": 4.0, "FT": 1.0}
    without = pd.read_csv(inputs["table_accuracy"][0]).assign(seconds=np.nan)
    write_table(without, tmp_path / "accuracy.csv", seal=True)
    _, shown = table_1.make({**inputs, "table_accuracy": [tmp_path / "accuracy.csv"]})
    told = [cell.markdown() for cell in shown["Run Time"]]
    assert told == ["", "", "77.00", "", "", "4.48"]


def test_the_papers_numbers_stand_beside_ours(inputs):
    numbers, shown = table_2.make(inputs)
    row = numbers[(numbers["variant"] == "CE-FT") & (numbers["quantity"] == "RA")].iloc[0]
    assert (row["paper_mean"], row["paper_sd"], row["paper_gap"]) == (75.76, 5.03, 24.24)
    assert numbers[numbers["variant"] == "sparse FT"]["paper_mean"].isna().all()
    methods = [name for name in shown["Methods"] if name]
    assert methods == ["Retrain", "FT", "sparse FT", "CE-FT", "ICE-FT", "KL-FT"]
    assert list(shown.columns[2:]) == [
        "UA", "MIA-Efficacy", "RA", "TA", "Average gap", "Run Time"
    ]  # fmt: skip
    numbers, shown = table_4.make(inputs)
    own = numbers[(numbers["method"] == "ICE-FT") & (numbers["alpha"] == 0.3)].set_index("quantity")
    assert own.loc["TA", "paper_mean"] == 77.92
    assert [name for name in shown[("", "α")] if name] == [f"0.{n}" for n in range(1, 10)]
    assert shown["CE-FT"].iloc[2].map(Value.markdown).tolist() == [
        "100.00", "100.00", "68.48", "61.11"
    ]  # fmt: skip


def test_the_masks_stand_beside_what_they_are_compared_with(inputs):
    numbers, shown = masks.make(inputs)
    methods = [name for name in shown["Methods"] if name]
    assert methods[:4] == ["Retrain", "original", "zero row", "FT"]
    assert {
        "FT + salun mask", "FT + rbm mask, zero", "FT + rbm mask, freeze", "FT + zero row",
        "FT + random mask, zero", "FT + random mask, freeze", "random labels + salun mask",
    } <= set(methods)  # fmt: skip
    lines = shown.assign(Methods=shown["Methods"].replace("", None).ffill())
    assert list(lines[lines["Methods"] == "FT"][""]) == ["this run", "95 % interval"]
    zero = numbers[(numbers["variant"] == "zero row") & (numbers["quantity"] == "UA")].iloc[0]
    assert zero["difference"] == pytest.approx(LEVELS["zero_row"][0] - LEVELS["ft"][0], abs=1)


def test_a_method_that_was_not_run_has_no_row_and_missing_oracles_are_told(inputs, tmp_path):
    less = dict(inputs)
    for without in ("sparse_ft", "oracle"):
        for table in ("accuracy", "accuracy_models", "mia_models"):
            rows = pd.read_csv(less[f"table_{table}"][0])
            path = tmp_path / f"{without}_{table}.csv"
            write_table(rows[rows["method"] != without], path, seal=True)
            less[f"table_{table}"] = [path]
        if without == "sparse_ft":
            numbers, _ = table_2.make(less)
            assert set(numbers["variant"]) == {"Retrain", "FT", "CE-FT", "ICE-FT", "KL-FT"}
    with pytest.raises(ValueError, match=r"oracle_accuracy_models.csv: holds .*, and not oracle"):
        table_2.make(less)


def test_a_cell_is_told_in_both_forms():
    table = pd.DataFrame(
        [["a|b_c 5 %", Value(100, 0, 0), Value(99.5, 0.25), Value(math.nan)],
         ["", Interval(-0.001, 2), Interval(1, 3, 2), Interval(math.nan, math.nan)]],
        columns=["Methods", "UA", "RA", "α"],
    )  # fmt: skip
    text = as_markdown(table, "what", "where")
    assert text.startswith("what\n\n| Methods") and text.endswith("|\n\nwhere\n")
    assert "100.00 ± 0.00 (0.00)" in text and "99.50 ± 0.25 " in text and r"a\|b_c 5 %" in text
    assert "[0.00, 2.00]" in text and "+2.00 [1.00, 3.00]" in text and "nan" not in text
    latex = as_latex(table, "5 % of a_b", "where")
    assert r"a|b\_c 5 \% & $100.00_{\pm 0.00}(0.00)$ & $99.50_{\pm 0.25}$ &  \\" in latex
    assert r"\caption{5 \% of a\_b where}" in latex and r"$\alpha$" in latex


def test_every_table_of_the_study_is_tried_and_has_its_caption():
    assert sorted(TABLES) == names("studies/classes/tables")
    for name in TABLES:
        text = (PRINTED.parent / "captions" / f"{name}.rst").read_text()
        assert 1 <= len(text.splitlines()) <= 20


def test_what_the_paper_prints_is_whole_and_says_where_it_does_not_add_up():
    printed = pd.read_csv(PRINTED)
    assert list(printed) == [*KEYS[:3], "alpha", "quantity", "mean", "sd", "gap", "note"]
    assert printed["table"].value_counts().to_dict() == {1: 2 * 5, 2: 3 * 5 * 5, 4: 9 * 2 * 4}
    assert not printed.duplicated([*KEYS, "alpha"]).any()
    assert printed["mean"].notna().all()
    first, second = (
        printed[(printed["table"] == n) & (printed["dataset"] == "CIFAR-10")].set_index(
            ["method", "quantity"]
        )
        for n in (1, 2)
    )
    columns = ["mean", "sd", "gap"]
    pd.testing.assert_frame_equal(first[columns], second.loc[first.index, columns])
    means = printed[printed["table"] == 2].set_index(["dataset", "method", "quantity"])["mean"]
    for row in printed[printed["gap"].notna()].itertuples():
        place = (row.dataset, row.method, row.quantity)
        true = round(abs(means[place] - means[(row.dataset, "Retrain", row.quantity)]), 2)
        told = f"the printed means differ by {true:.2f}"
        assert (abs(true - row.gap) > 0.001) == (row.note == told)
