"""Margins files and the rows of the tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.margins import Margins
from palimpsest.results import read_part, settings_columns
from palimpsest.scores import accuracy_rows, klom_rows
from palimpsest.tables import write_table

SPLIT = Split(np.arange(20), np.arange(20, 30), np.arange(4))
KLOM = {"mode": "ours", "direction": "unlearned||oracle", "bins": 20, "clip": 100.0, "floor": 1e-5}


def population(models: int, shift: float = 0.0, seed: int = 0, first_seed: int = 0) -> Margins:
    values = np.random.default_rng(seed).normal(8 + shift, 1, (models, 30)).astype(np.float32)
    return Margins(values, values > 7, SPLIT.points, first_seed + np.arange(models))


def test_blocks_are_joined_and_columns_found(tmp_path: Path) -> None:
    population(3).save(tmp_path / "0.npz")
    population(2, seed=1, first_seed=3).save(tmp_path / "1.npz")
    joined = Margins.load([tmp_path / "0.npz", tmp_path / "1.npz"])
    assert joined.margins.shape == (5, 30)
    assert joined.seeds.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(joined.of(np.array([25, 3])).margins, joined.margins[:, [25, 3]])
    with pytest.raises(InputError, match="a seed occurs twice"):
        Margins.load([tmp_path / "0.npz", tmp_path / "0.npz"])
    with pytest.raises(InputError, match="no margins were recorded for point 99"):
        joined.of(np.array([99]))
    with pytest.raises(InputError, match="no such file"):
        Margins.load([tmp_path / "2.npz"])


def test_klom_rows_hold_score_floor_and_counts_per_set() -> None:
    unlearned = population(40, shift=3.0, seed=1).margins
    unlearned[0, :4] = np.nan
    unlearned[1, 25] = -500.0
    null = {"forget": 0.1, "retain": 0.2, "val": 0.3}
    rows = klom_rows(
        unlearned,
        population(40).margins,
        SPLIT,
        null,
        percentile=95.0,
        repeats=5,
        settings=KLOM,
    )
    table = pd.DataFrame(rows).set_index("split")
    assert list(table.index) == ["forget", "retain", "val"]
    assert table["null_p95"].tolist() == [0.1, 0.2, 0.3]
    assert table["nan_points"].tolist() == [4, 0, 0]
    assert table["clipped_points"].tolist() == [0, 0, 1]
    assert (table["klom_p95"] > 1).all() and np.isfinite(table["klom_p95"]).all()
    assert (table["ci_low"] <= table["klom_p95"]).all()
    assert (table["n_models"] == 40).all()


def test_accuracy_rows_count_diverged_models() -> None:
    record = population(5)
    record.margins[2, 0] = np.nan
    record.correct[:, 20:] = True
    table = pd.DataFrame(accuracy_rows(record, SPLIT)).set_index("split")
    assert (table["diverged_models"] == 1).all()
    assert table.loc["val", "accuracy"] == 1 and table.loc["val", "accuracy_sd"] == 0


def test_tables_keep_six_digits_and_the_order_of_settings(tmp_path: Path) -> None:
    assert settings_columns(["zeta", "epochs", "lr", "beta"]) == ["lr", "epochs", "beta", "zeta"]
    path = tmp_path / "table.csv"
    write_table(pd.DataFrame({"a": [1 / 3], "b": ["x"]}), path)
    assert path.read_text() == "a,b\n0.333333,x\n"
    assert read_part(path)["a"][0] == 0.333333
    with pytest.raises(InputError, match="no such table"):
        read_part(tmp_path / "none.csv")
