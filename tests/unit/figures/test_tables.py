"""Tables of results: their columns, and the three splits of a setting in one row."""

import numpy as np
import pytest
from synthetic_results import klom_table

from palimpsest import tables
from palimpsest.files import InputError


def write(table, path):
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def klom():
    return klom_table(["random_30"])


def test_the_percentile_is_taken_from_the_names_of_the_columns(klom, tmp_path):
    renamed = klom.rename(columns={"klom_p95": "klom_p99.5", "null_p95": "null_p99.5"})
    table = tables.read_klom(write(renamed, tmp_path / "klom.csv"))
    assert set(table["percentile"]) == {99.5}
    np.testing.assert_allclose(table["score"], klom["klom_p95"])
    np.testing.assert_allclose(table["null"], klom["null_p95"])


def test_each_setting_is_one_row_with_its_three_splits(klom, tmp_path):
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    assert len(settings) == len(klom) / 3
    assert settings["control"].sum() == 5
    row = settings[(settings["method"] == "ga") & (settings["lr"] == 1e-3)].iloc[2]
    chosen = klom[(klom["method"] == "ga") & (klom["lr"] == 1e-3) & (klom["epochs"] == 5)]
    chosen = chosen[chosen["batch_norm"] == "train"].set_index("split")
    for split in tables.SPLITS:
        assert row[f"{split}_score"] == pytest.approx(chosen.loc[split, "klom_p95"])
        assert row[f"{split}_high"] == pytest.approx(chosen.loc[split, "ci_high"])
    assert row["worst_score"] == pytest.approx(chosen["klom_p95"].max())


def test_nan_points_and_scores_that_are_no_numbers_mark_a_diverged_setting(klom, tmp_path):
    klom["nan_points"] = 0
    klom.loc[[3, 8], ["nan_points", "klom_p95"]] = [[7, 1.0], [0, np.inf]]
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    assert list(np.flatnonzero(settings["diverged"])) == [1, 2]
    assert np.isnan(settings["val_score"][2])


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
        tables.read_klom(tmp_path / "empty.csv")


def test_a_setting_is_described_by_the_columns_it_has(klom, tmp_path):
    settings = tables.by_setting(tables.read_klom(write(klom, tmp_path / "klom.csv")))
    row = settings[settings["method"] == "ga"].iloc[-1]
    text = tables.describe_setting(row, ["lr", "epochs", "ascent_epochs", "batch_norm"])
    assert text == "lr 0.05, epochs 10, batch norm frozen"
    gda = settings[settings["method"] == "gda"]
    columns = ["lr", "epochs", "retain_batch", "batch_norm", "alpha"]
    assert tables.varying(gda, columns) == ["lr", "epochs"]
