"""The file of an estimate: its sets, whose they are, and what is to be doubted."""

import json

import numpy as np
import pytest

from palimpsest.data.splits import Split
from palimpsest.datamodels import estimate
from palimpsest.datamodels.estimate import Estimate, shipped_names, shipped_path
from palimpsest.files import InputError

BASE = Split(np.arange(100, 140), np.arange(140, 150), dataset_checksum="a")


@pytest.fixture
def content():
    """An estimate that predicts, with two sets of which one repeats."""
    return {
        "base_split": BASE.checksum,
        "data": {"name": "digits"},
        "estimator": {"name": "last_layer"},
        "models": 10,
        "agreement": {"correlation": 0.5, "ci_low": 0.4, "ceiling": 0.9},
        "variance_shares": [0.5, 0.2],
        "sets": [
            {"component": 1, "top": 3, "bottom": 1, "overlap": 2, "indices": [101, 103, 107, 130]},
            {"component": 2, "top": 4, "bottom": 0, "overlap": 1, "indices": [104, 105, 111, 112]},
        ],
    }


@pytest.fixture
def written(tmp_path, content):
    """Write the content, with changes, and read it."""

    def run(**changed):
        path = tmp_path / "mine.estimate.json"
        path.write_text(json.dumps(content | changed))
        return Estimate.load(path)

    return run


def test_a_set_is_chosen_by_its_definition(written):
    chosen = written().chosen(BASE, component=1, top=3, bottom=1)
    assert chosen.dtype == np.int64
    assert chosen.tolist() == [101, 103, 107, 130]


def test_the_sets_of_another_split_are_refused(written):
    other = Split(BASE.train, BASE.val, dataset_checksum="b")
    found = written()
    with pytest.raises(InputError) as error:
        found.chosen(other, component=1, top=3, bottom=1)
    assert str(error.value) == (
        f"{found.path}: these sets belong to another data set or split (its checksum is "
        f"{BASE.checksum[:12]}, and {other.checksum[:12]} is needed)"
    )


@pytest.mark.parametrize("wanted", [(3, 3, 1), (1, 4, 1), (1, 3, 0), (2, 3, 1)])
def test_a_set_that_is_not_there_is_told_with_those_that_are(written, wanted):
    found = written()
    with pytest.raises(InputError) as error:
        found.chosen(BASE, *wanted)
    component, top, bottom = wanted
    assert str(error.value) == (
        f"{found.path}: holds no set of component {component}, top {top}, bottom {bottom}; "
        "allowed: component 1, top 3, bottom 1; component 2, top 4, bottom 0"
    )


def test_a_sound_set_is_not_doubted(written):
    assert written().doubt(component=1, top=3, bottom=1) is None


def test_an_estimate_that_does_not_predict_is_doubted(written):
    found = written(agreement={"correlation": 0.04, "ci_low": 0.02, "ceiling": 0.9})
    assert found.doubt(component=1, top=3, bottom=1) == (
        "the estimate does not predict (rank correlation 0.04, ceiling 0.90)"
    )


def test_a_set_that_does_not_repeat_is_doubted(written):
    assert written().doubt(component=2, top=4, bottom=0) == (
        "the set does not repeat (1 of 4 points shared by two halves of the models)"
    )


def test_a_set_repeats_from_half_of_its_points_on(written, content):
    content["sets"][1]["overlap"] = 2
    assert written().doubt(component=2, top=4, bottom=0) is None


def test_the_doubt_of_a_set_that_is_not_there_is_no_answer(written):
    with pytest.raises(InputError, match="holds no set of component 3"):
        written().doubt(component=3, top=4, bottom=0)


@pytest.mark.parametrize("text", ["[]", "{}", '{"sets": []}'])
def test_another_file_is_no_estimate(tmp_path, text):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not an estimate; needed: the keys agreement, base_split"):
        Estimate.load(path)


def test_a_missing_or_damaged_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        Estimate.load(tmp_path / "mine.json")
    (tmp_path / "mine.json").write_text('{"sets": [')
    with pytest.raises(InputError, match="not valid JSON"):
        Estimate.load(tmp_path / "mine.json")


def test_shipped_estimates_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "SHIPPED", tmp_path)
    for name in ("two.estimate.json", "one.estimate.json", "three.json"):
        (tmp_path / name).write_text("{}")
    assert shipped_names() == ["one", "two"]
    assert shipped_path("two") == tmp_path / "two.estimate.json"


def test_an_unknown_shipped_estimate_is_told_with_those_that_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "SHIPPED", tmp_path)
    with pytest.raises(InputError, match="no shipped estimate 'mine'; allowed: none yet"):
        shipped_path("mine")
    (tmp_path / "one.estimate.json").write_text("{}")
    with pytest.raises(InputError, match="no shipped estimate 'mine'; allowed: one"):
        shipped_path("mine")
