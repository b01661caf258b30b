"""Tables that lack what a run asked for, or are not of one run."""

import json
import subprocess

import pandas as pd
import pytest
from synthetic_results import klom_table

from palimpsest.complete import Grid, check_complete, check_tables, grid
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.tables import SEAL, check_training_set, key_columns, read_table, write_table

SPLIT, OTHER = Split([0, 1, 2], [3], [1], "abc"), Split([0, 1], [3], [1], "abc")
SETS = ["random_30", "pc1_top_30"]


@pytest.fixture
def klom():
    return klom_table(SETS)


@pytest.fixture
def whole(klom):
    """What the table has to hold."""
    settings = klom[klom["forget_set"] == SETS[0]].drop_duplicates(key_columns(klom)[:-1])
    return {"forget_sets": SETS, "settings": settings["method"].value_counts().to_dict()}


def test_a_table_that_lacks_settings_splits_or_sets_is_refused(klom, whole):
    check_complete(klom, grid(whole), "klom.csv")
    check_complete(klom, Grid(), "klom.csv")
    ga, ft = whole["settings"]["ga"] + 1, whole["settings"] | {"ft": 2}
    more = grid(whole | {"settings": whole["settings"] | {"ga": ga}})
    with pytest.raises(InputError, match="of ga on random_30 there are"):
        check_complete(klom, more, "klom.csv")
    last = klom.index[klom["method"] == "ga"][-1]
    with pytest.raises(InputError, match=r"of ga on pc1_top_30.*delete the scores of ga on pc1_to"):
        check_complete(klom.drop(index=last), grid(whole), "klom.csv", joined=True)
    with pytest.raises(InputError, match="of ft on random_30 there are 0 rows of 0 settings"):
        check_complete(klom, grid(whole | {"settings": ft}), "klom.csv")
    with pytest.raises(InputError, match=r"no rows of the forget set random_30; delete it, then"):
        check_complete(klom[klom["forget_set"] != "random_30"], grid(whole), "klom.csv")
    for needed in (Grid(), grid(whole)):
        twice = pd.concat([klom, klom[:1]])
        with pytest.raises(InputError, match="a row of nothing on random_30 stands twice"):
            check_complete(twice, needed, "klom.csv")


def test_a_table_of_models_that_lacks_a_model_is_refused(klom, whole):
    keys = key_columns(klom)
    models = pd.concat([klom[keys].assign(seed=seed, accuracy=0.5) for seed in range(3)])
    models = models.reset_index(drop=True)
    check_complete(models, grid(whole), "accuracy_models.csv")
    last = models.index[models["method"] == "gda"][-1]
    with pytest.raises(InputError, match=r"of gda on pc1_top_30 there are .* needed: 9 of each of"):
        check_complete(models.drop(index=last), grid(whole), "accuracy_models.csv")


@pytest.mark.parametrize(
    "given", [3, {"settings": 3}, {"settings": {"ga": "4"}}, {"forget_sets": "a"}, {"more": 1}]
)
def test_what_is_no_grid_is_one_sentence(given):
    with pytest.raises(InputError, match=r"^--grid: [a-z_.]+") as told:
        grid(given)
    assert "\n" not in str(told.value)


def sealed(table, path, training_set=SPLIT.train_checksum):
    write_table(table, path, seal=True, training_set=training_set)
    return path


def test_a_table_whose_seal_was_deleted_is_refused(klom, tmp_path):
    path = sealed(klom, tmp_path / "klom.csv")
    assert len(read_table(path)) == len(klom)
    (tmp_path / f"klom.csv{SEAL}").unlink()
    with pytest.raises(InputError, match=r"klom.csv: its checksum .* is not beside it; delete it"):
        read_table(path)
    with pytest.raises(InputError, match="is not beside it"):
        check_tables({"klom": [path]}, {"klom": {}})
    assert len(read_table(path, own=True)) == len(klom)


def sealed_by_hand(table, path):
    """Rows in the place of a table's, with the checksum of these."""
    table.to_csv(path, index=False, float_format="%.6g")
    made = subprocess.run(
        ["sha256sum", path.name], cwd=path.parent, capture_output=True, text=True, check=True
    )
    return made.stdout


def test_rows_cut_and_sealed_again_are_refused(klom, tmp_path):
    path = sealed(klom, tmp_path / "klom.csv")
    seal = path.with_name(f"klom.csv{SEAL}")
    before = seal.read_text().splitlines(keepends=True)
    line = sealed_by_hand(klom[(klom["method"] != "ga") | (klom["lr"] > 1e-4)], path)
    for forged in (line, line + "".join(before[1:])):
        seal.write_text(forged)
        subprocess.run(["sha256sum", "-c", "--strict", seal.name], cwd=tmp_path, check=True)
        with pytest.raises(InputError, match=r"klom.csv: holds \d+ rows, and its seal says: .*;"):
            read_table(path)


def test_rows_cut_by_the_project_itself_are_refused_by_whoever_knows_the_grid(
    klom, whole, tmp_path
):
    path = sealed(klom, tmp_path / "klom.csv")
    check_tables({"klom": [path], "note": [tmp_path / "any"]}, {"klom": whole})
    sealed(klom[(klom["method"] != "ga") | (klom["lr"] > 1e-4)], path)
    check_tables({"klom": [path]}, {})
    with pytest.raises(
        InputError, match=r"klom.csv: of ga on random_30 there are .*; delete it, th"
    ):
        check_tables({"klom": [path]}, json.loads(json.dumps({"klom": whole})))


def test_tables_of_two_runs_are_refused(klom, tmp_path):
    one, other = sealed(klom, tmp_path / "a.csv"), tmp_path / "b.csv"
    check_tables({"a": [one], "b": [sealed(klom, other)]}, {})
    check_training_set(one, SPLIT)
    sealed(klom, other, OTHER.train_checksum)
    with pytest.raises(
        InputError, match=r"b.csv: is of the training set .*; needed: tables of one"
    ):
        check_tables({"a": [one], "b": [other]}, {})
    with pytest.raises(InputError, match=r"b.csv: is of the training set .*; needed: that of the"):
        check_training_set(other, SPLIT)
