"""Parts of tables, written by the jobs that score and joined by one that gathers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palimpsest.data.splits import Split
from palimpsest.files import InputError, write_json
from palimpsest.parts import read_parts, scored_on, write_parts
from palimpsest.tables import write_table

SPLIT = Split([0, 1, 2, 3], [4, 5], [1], "abc")
OF = scored_on(SPLIT, "a")


def read_part(path: Path, name: str) -> pd.DataFrame:
    return read_parts([path], name)[0][0]


def test_no_digit_and_no_column_is_lost(tmp_path: Path) -> None:
    table = pd.DataFrame({"forget_set": ["a", "a"], "klom": [1 / 3, 1e-300], "n_models": [3, 4]})
    write_parts(tmp_path / "part.json", {"klom": table, "accuracy": table[["klom"]]}, OF)
    pd.testing.assert_frame_equal(read_part(tmp_path / "part.json", "klom"), table)
    assert list(read_part(tmp_path / "part.json", "accuracy")) == ["klom"]


def test_one_split_under_two_names_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        table = pd.DataFrame({"forget_set": [name], "klom": [1.0]})
        write_parts(tmp_path / f"{name}.json", {"klom": table}, scored_on(SPLIT, name))
    with pytest.raises(InputError, match=r"b\.json: b is the split \w+, as a is in a file before"):
        read_parts([tmp_path / "a.json", tmp_path / "b.json"], "klom")


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_parts(tmp_path / "part.json", {"klom": pd.DataFrame(columns=["split", "klom"])}, OF)
    back = read_part(tmp_path / "part.json", "klom")
    assert list(back) == ["split", "klom"]
    assert len(back) == 0


def test_what_is_missing_stays_missing(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"accuracy_sd": [np.nan, 0.5], "seconds": [None, None], "lr": [np.inf, -np.inf]}
    )
    write_parts(tmp_path / "part.json", {"accuracy": table}, OF)
    back = read_part(tmp_path / "part.json", "accuracy")
    assert back["accuracy_sd"].isna().tolist() == [True, False]
    assert back["seconds"].isna().all()
    assert back["lr"].tolist() == [np.inf, -np.inf]
    write_table(back, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "accuracy_sd,seconds,lr\n,,inf\n0.5,,-inf\n"


def test_tables_keep_six_digits(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"a": [1 / 3], "b": ["x"]}), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "a,b\n0.333333,x\n"


def test_numbers_of_numpy_are_written(tmp_path: Path) -> None:
    rows = [{"accuracy": np.float64(0.25), "n": np.int64(3), "points": np.float32(0.5)}]
    write_parts(tmp_path / "part.json", {"accuracy": pd.DataFrame(rows)}, OF)
    assert read_part(tmp_path / "part.json", "accuracy").to_dict("records") == [
        {"accuracy": 0.25, "n": 3, "points": 0.5}
    ]


@pytest.mark.parametrize("content", ["{}", '{"klom": 3}', '{"klom": {"columns": ["a"]}}'])
def test_a_file_without_the_part_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "part.json"
    write_json(path, json.loads(content))
    with pytest.raises(InputError, match=r"part\.json: holds no part of the table klom"):
        read_part(path, "klom")
    with pytest.raises(InputError, match="there is no such file"):
        read_part(tmp_path / "none.json", "klom")
