"""Tables of results: their columns, and the three splits of a setting in one row."""

import subprocess

import numpy as np
import pandas as pd
import pytest
from synthetic_results import SETTINGS, klom_table, number_of_models_table, redraws_table

from palimpsest import tables
from palimpsest.data.splits import PARTS
from palimpsest.files import InputError


def write(table, path):
    tables.write_table(table, path, seal=True)
    return path


@pytest.fixture
def klom():
    return klom_table(["random_30"])


def test_a_column_is_a_key_or_a_result_by_its_place_alone(klom):
    """A new metric `ua` and a new setting `tau` are told apart without being written down."""
    table = klom.assign(ua=0.5)
    table.insert(table.columns.get_loc("split"), "tau", 0.1)
    assert tables.key_columns(table) == ["forget_set", "method", *SETTINGS, "tau", "split"]
    assert tables.setting_columns(table) == [*SETTINGS, "tau"]
    settings = tables.by_setting(table)
    assert len(settings) == len(klom) / 3
    assert "tau" in settings
    assert "ua" not in settings
    numbers = number_of_models_table(["random_30"])
    assert tables.key_columns(numbers) == ["forget_set", "comparison", "n_models", "split"]
    assert tables.setting_columns(numbers) == []


def test_the_tables_of_methods_are_joined_in_one_order_whichever_comes_first(klom):
    parts = [part.dropna(axis=1, how="all") for _, part in klom.groupby("method")]
    parts.append(parts[0].assign(forget_set="another"))
    joined = tables.join_tables(parts)
    assert list(joined.columns) == list(klom.columns)  # the settings in the order of the methods'
    pd.testing.assert_frame_equal(joined, tables.join_tables(parts[::-1]))
    keys = tables.key_columns(klom)
    ordered = joined.sort_values(keys, na_position="first", ignore_index=True)
    pd.testing.assert_frame_equal(joined, ordered)
    assert len(joined) == len(klom) + len(parts[0])


def test_a_setting_of_one_method_stands_where_that_method_has_it(klom):
    ga = klom[klom["method"] == "ga"].dropna(axis=1, how="all").assign(ua=0.5)
    new = ga.assign(method="new", rte=1.0)
    new.insert(3, "tau", 0.1)  # after lr, before epochs
    joined = tables.join_tables([new, ga])
    assert tables.setting_columns(joined)[:3] == ["lr", "tau", "epochs"]
    assert joined.loc[joined["method"] == "ga", "tau"].isna().all()
    assert {"ua", "rte"} <= set(joined.columns[joined.columns.get_loc("split") + 1 :])


def test_each_setting_is_one_row_with_its_three_splits(klom, tmp_path):
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    assert len(settings) == len(klom) / 3
    assert settings["control"].sum() == 5
    row = settings[(settings["method"] == "ga") & (settings["lr"] == 1e-3)].iloc[2]
    chosen = klom[(klom["method"] == "ga") & (klom["lr"] == 1e-3) & (klom["epochs"] == 5)]
    chosen = chosen[chosen["batch_norm"] == "train"].set_index("split")
    for split in PARTS:
        assert row[f"{split}_klom"] == pytest.approx(chosen.loc[split, "klom"], rel=1e-5)
        assert row[f"{split}_high"] == pytest.approx(chosen.loc[split, "ci_high"], rel=1e-5)
    assert row["worst_klom"] == pytest.approx(chosen["klom"].max(), rel=1e-5)


def test_nan_points_and_scores_that_are_no_numbers_mark_a_diverged_setting(klom, tmp_path):
    klom["nan_points"] = 0
    klom.loc[[3, 8], ["nan_points", "klom"]] = [[7, 1.0], [0, np.inf]]
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    assert list(np.flatnonzero(settings["diverged"])) == [1, 2]
    assert np.isnan(settings["val_klom"][2])


def test_a_setting_without_one_of_its_splits_is_refused(klom, tmp_path):
    path = write(klom.drop(index=4), tmp_path / "klom.csv")
    with pytest.raises(ValueError, match="one row of split retain for each setting"):
        tables.by_setting(tables.read_klom(path))


def test_a_missing_column_and_a_missing_file_are_named(klom, tmp_path):
    path = write(klom.drop(columns="relative_cost"), tmp_path / "klom.csv")
    with pytest.raises(InputError, match="has no column relative_cost"):
        tables.read_klom(path)
    with pytest.raises(InputError, match="there is no such file"):
        tables.read_klom(tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="not a table"):
        tables.read_table(tmp_path / "empty.csv", own=True)


def test_a_setting_is_described_by_the_columns_it_has(klom, tmp_path):
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    row = settings[settings["method"] == "ga"].iloc[-1]
    text = tables.describe_setting(row, ["lr", "epochs", "ascent_epochs", "batch_norm"])
    assert text == "lr 0.05, epochs 10, batch norm frozen"
    gda = settings[settings["method"] == "gda"]
    columns = ["lr", "epochs", "retain_batch", "batch_norm", "alpha"]
    assert tables.varying(gda, columns) == ["lr", "epochs"]


def test_what_is_one_run_under_two_names_is_marked(klom):
    """With 60 points a forget batch of 32 is another run than one of 64, with 30 it is not."""
    gda = klom[klom["method"] == "gda"]
    assert not tables.by_setting(gda)["again"].any()
    small = gda.assign(points=gda["points"].where(gda["split"] != "forget", 30))
    again = tables.by_setting(small)
    assert again["again"].sum() == len(again) / 2
    assert (again.loc[again["again"], "forget_batch"] == 64).all()


def test_redrawn_scores_stand_row_by_row_with_the_settings(klom):
    redraws = redraws_table(klom, tables.key_columns(klom))
    found, settings = tables.redrawn_by_setting(klom, redraws), tables.by_setting(klom)
    for split in PARTS:
        assert found[split].shape == (len(settings), 12)
        ratio = found[split].mean(axis=1) / settings[f"{split}_klom"]
        assert (abs(ratio - 1) < 0.12).all()
    with pytest.raises(ValueError, match="not about the same settings"):
        tables.redrawn_by_setting(klom, redraws.iloc[1:])


def test_a_sealed_table_that_was_altered_is_refused(tmp_path, klom):
    path = tmp_path / "klom.csv"
    tables.write_table(klom, path, seal=True)
    assert len(tables.read_klom(path)) == len(klom)
    done = subprocess.run(["sha256sum", "-c", "klom.csv.sha256"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(InputError, match=r"klom.csv: damaged or altered.*delete it, then run"):
        tables.read_klom(path)
