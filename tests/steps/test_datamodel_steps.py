"""The programs of datamodels, run by hand one after the other on a few points."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import done, prepare, refused

from palimpsest.arrays import read_arrays, write_arrays
from palimpsest.data.splits import Split
from palimpsest.datamodels.components import extreme_points, principal_components
from palimpsest.datamodels.estimators import half_subsets
from palimpsest.datamodels.material import Subsets, membership
from palimpsest.files import read_json, write_json
from palimpsest.weights import load_states, save_states

MODEL = ("--model", '{"name": "resnet9", "width": 2}')
TRAINING = ("--training", '{"epochs": 2, "peak_epoch": 1}')
TRAIN, HELD_OUT, SEEDS, ORIGINALS, HALVES = 60, 6, 2, 4, 8
SETS = [{"component": 1, "top": 4, "bottom": 0}, {"component": 2, "top": 2, "bottom": 2}]
DATA = {"name": "digits", "train_size": TRAIN, "val_size": 20}
SETTINGS = {
    "last_layer": {"checkpoints": ORIGINALS},
    "trak": {"checkpoints": ORIGINALS, "dimension": 16},
    "half_subsets": {"models": HALVES},
}
SHARED = {"shipped": None, "held_out": HELD_OUT, "seeds": SEEDS}


def block(folder, out, first, models, *more):
    """The words of datamodel_block."""
    return ("datamodel_block", "--dataset", folder / "dataset.npz", "--split", folder / "base.json",
            "--fraction", 0.5, "--first-seed", first, "--models", models, *more, *MODEL, *TRAINING,
            "--stack", 4, "--out", out)  # fmt: skip


def estimating(folder, out, estimator="last_layer", **changed):
    """The words of estimate_datamodel; `changed` are other words, or None for none."""
    datamodels = SHARED | {"estimator": estimator, "estimators": {estimator: SETTINGS[estimator]}}
    words = {
        "dataset": folder / "dataset.npz", "split": folder / "base.json",
        "definitions": json.dumps(SETS), "held-out": folder / "held_out.npz",
        "weights": folder / "original.safetensors", "subsets": folder / "halves.npz",
        "datamodels": json.dumps(datamodels), "data": json.dumps(DATA | {"data_dir": "here"}),
        "model": MODEL[1], "out": out,
    } | changed  # fmt: skip
    named = [w for name, value in words.items() if value is not None for w in (f"--{name}", value)]
    return ("estimate_datamodel", *named)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Originals, models of held-out subsets, and models of random subsets."""
    folder = tmp_path_factory.mktemp("datamodels")
    done(*prepare(folder, **DATA))
    done("train_block", "--dataset", folder / "dataset.npz", "--split", folder / "base.json",
         "--first-seed", 0, "--models", ORIGINALS, *MODEL, *TRAINING, "--stack", 4,
         "--out-weights", folder / "original.safetensors",
         "--out-record", folder / "original.npz")  # fmt: skip
    subsets = HELD_OUT * SEEDS
    done(*block(folder, folder / "held_out.npz", 100, subsets, "--models-a-subset", SEEDS))
    done(*block(folder, folder / "halves.npz", 100 + subsets, HALVES))
    return folder


@pytest.fixture(scope="module")
def estimates(folder):
    """What each estimator leaves, by its name."""
    for name in SETTINGS:
        done(*estimating(folder, folder / f"{name}.json", name))
    return {name: read_json(folder / f"{name}.json") for name in SETTINGS}


# Models of random subsets


def test_each_model_has_its_own_half(folder):
    found = np.load(folder / "halves.npz")
    assert found["margins"].shape == (HALVES, TRAIN)
    assert np.array_equal(found["chosen"], membership(range(112, 120), TRAIN, 0.5))
    assert found["seeds"].tolist() == list(range(112, 120))


def test_consecutive_seeds_share_a_subset_and_not_their_margins(folder):
    found = np.load(folder / "held_out.npz")
    chosen = found["chosen"].reshape(HELD_OUT, SEEDS, TRAIN)
    assert np.array_equal(chosen[:, 0], chosen[:, 1])
    assert len(np.unique(chosen[:, 0], axis=0)) == HELD_OUT
    margins = found["margins"].reshape(HELD_OUT, SEEDS, TRAIN)
    assert (margins[:, 0] != margins[:, 1]).any(axis=1).all()


def test_a_subset_depends_on_its_seeds_and_not_on_the_block(folder, tmp_path):
    done(*block(folder, tmp_path / "part.npz", 104, 3, "--models-a-subset", SEEDS))
    part, whole = np.load(tmp_path / "part.npz"), np.load(folder / "held_out.npz")
    assert np.array_equal(part["chosen"], whole["chosen"][4:7])
    assert np.array_equal(part["margins"], whole["margins"][4:7])


# The estimate


@pytest.mark.parametrize("name", SETTINGS)
def test_an_estimate_says_what_it_was_made_from(estimates, folder, name):
    content = estimates[name]
    assert content["base_split"] == Split.load(folder / "base.json").checksum
    assert content["data"] == DATA
    assert content["model"] == {"name": "resnet9", "width": 2}
    assert content["estimator"].items() >= {"name": name, **SETTINGS[name]}.items()
    assert content["models"] == (HALVES if name == "half_subsets" else ORIGINALS)
    assert content["diverged_models"] == 0


@pytest.mark.parametrize("name", SETTINGS)
def test_an_estimate_holds_the_sets_that_were_asked_for(estimates, folder, name):
    train = Split.load(folder / "base.json").train
    for wanted, found in zip(SETS, estimates[name]["sets"], strict=True):
        assert found.items() >= wanted.items()
        assert len(set(found["indices"])) == wanted["top"] + wanted["bottom"]
        assert set(found["indices"]) <= set(train.tolist())
        assert 0 <= found["overlap"] <= 4
        assert [set(match) for match in found["matched"]] == [{"component", "correlation"}] * 2


@pytest.mark.parametrize("name", SETTINGS)
def test_an_estimate_says_how_well_it_predicts(estimates, name):
    found = estimates[name]["agreement"]
    assert (found["subsets"], found["seeds"]) == (HELD_OUT, SEEDS)
    assert found["ci_low"] < found["correlation"] < found["ci_high"]
    assert 0 <= found["ceiling_single"] <= found["ceiling"] <= 1


@pytest.mark.parametrize("name", SETTINGS)
def test_an_estimate_has_the_variance_shares_of_its_components(estimates, name):
    shares = estimates[name]["variance_shares"]
    assert len(shares) == 5  # the second is the last asked for, and three more
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-9


def test_the_sets_are_those_of_the_librarys_matrix(estimates, folder):
    found, train = np.load(folder / "halves.npz"), Split.load(folder / "base.json").train
    material = Subsets(found["chosen"], found["margins"])
    ridge = estimates["half_subsets"]["estimator"]["ridge"]
    matrix = half_subsets.estimate(material, models=HALVES, ridge=ridge)
    projections = principal_components(matrix, 2).projections
    expected = [train[extreme_points(projections[:, k], s["top"], s["bottom"])].tolist()
                for k, s in enumerate(SETS)]  # fmt: skip
    assert [entry["indices"] for entry in estimates["half_subsets"]["sets"]] == expected


def test_the_same_models_in_both_halves_share_every_point(folder, tmp_path):
    found, out = np.load(folder / "halves.npz"), tmp_path / "estimate.json"
    half = {key: np.concatenate([found[key][:4]] * 2) for key in ("chosen", "margins")}
    write_arrays(tmp_path / "twice.npz", half | {"of": found["of"]})
    done(*estimating(folder, out, "half_subsets", subsets=tmp_path / "twice.npz"))
    entries = json.loads(out.read_text())["sets"]
    assert [entry["overlap"] for entry in entries] == [4, 4]
    assert all(a == b for a, b in (entry["matched"] for entry in entries))


def test_models_that_diverged_are_left_out_and_counted(folder, tmp_path):
    for name in ("halves", "held_out"):
        found = read_arrays(folder / f"{name}.npz")
        found["margins"][3, 7] = np.nan
        write_arrays(tmp_path / f"{name}.npz", found)
    out = tmp_path / "estimate.json"
    done(*estimating(folder, out, "half_subsets", subsets=tmp_path / "halves.npz",
                     **{"held-out": tmp_path / "held_out.npz"}))  # fmt: skip
    content = json.loads(out.read_text())
    assert content["models"] == HALVES - 1
    assert content["agreement"]["subsets"] == HELD_OUT - 1
    assert content["diverged_models"] == 1 + SEEDS


def test_one_sound_original_is_too_few_for_halves(folder, tmp_path):
    states, metadata = load_states(folder / "original.safetensors")
    for seed in (0, 1, 2):
        for value in states[seed].values():
            value.fill_(torch.nan if value.is_floating_point() else 0)
    save_states(tmp_path / "broken.safetensors", states, metadata)
    words = estimating(folder, tmp_path / "estimate.json", weights=tmp_path / "broken.safetensors")
    assert refused(*words) == "1 models did not diverge; needed: at least 2, for halves"


def test_originals_of_another_training_set_are_refused(folder, tmp_path):
    done(*prepare(tmp_path, **DATA | {"split_seed": 1}))
    words = estimating(tmp_path, tmp_path / "estimate.json",
                       weights=folder / "original.safetensors",
                       **{"held-out": folder / "held_out.npz"})  # fmt: skip
    assert "original.safetensors: is of originals of the training set " in refused(*words)
    words = estimating(tmp_path, tmp_path / "estimate.json", "half_subsets",
                       subsets=folder / "halves.npz",
                       **{"held-out": folder / "held_out.npz"})  # fmt: skip
    assert "halves.npz: is of models of subsets of the training set " in refused(*words)


@pytest.mark.parametrize(
    ("estimator", "changed", "sentence"),
    [
        ("last_layer", {"weights": None}, "this estimator is made from originals; give --weights"),
        ("half_subsets", {"subsets": None}, "this estimator is made from subsets; give --subsets"),
        ("last_layer", {"datamodels": json.dumps(SHARED | {"estimator": "last"})},
         "--datamodels: estimator is the text 'last'"),
        ("last_layer", {"datamodels": json.dumps(SHARED | {"estimator": "last_layer"})},
         "last_layer needs 100 models, and 4 were given"),
        ("last_layer", {"datamodels": json.dumps(SHARED | {"held_out": 5, "estimators": {
            "last_layer": {"checkpoints": 4}}})},
         "hold 12 models; needed: 5 held-out subsets with 2 each"),
        ("last_layer", {"definitions": '[{"component": 1, "top": 4}]'},
         "--definitions: bottom is missing; needed"),
        ("last_layer", {"definitions": '[{"component": 60, "top": 4, "bottom": 0}]'},
         "component is 60; allowed: at most 59, below the 60 training points"),
        ("last_layer", {"definitions": '[{"component": 1, "top": 40, "bottom": 20}]'},
         "top is 60 together with bottom; allowed: at most 59"),
    ],
)  # fmt: skip
def test_wrong_words_of_an_estimate_are_one_sentence(
    folder, tmp_path, estimator, changed, sentence
):
    out = tmp_path / "estimate.json"
    assert sentence in refused(*estimating(folder, out, estimator, **changed))
    assert not out.exists()


def test_held_out_models_of_other_subsets_than_their_neighbours_are_refused(folder, tmp_path):
    found = read_arrays(folder / "held_out.npz")
    found["chosen"] = np.roll(found["chosen"], 1, axis=0)
    write_arrays(tmp_path / "rolled.npz", found)
    words = {"held-out": tmp_path / "rolled.npz"}
    text = refused(*estimating(folder, tmp_path / "estimate.json", **words))
    assert "neighbours were trained on different subsets; needed: 2 of each subset" in text


def test_models_of_another_training_set_are_refused(folder, tmp_path):
    found = read_arrays(folder / "held_out.npz")
    write_arrays(tmp_path / "short.npz", found | {"chosen": found["chosen"][:, 1:]})
    words = {"held-out": tmp_path / "short.npz"}
    text = refused(*estimating(folder, tmp_path / "estimate.json", **words))
    assert "short.npz: chosen has shape (12, 59); needed: a column for each of the 60" in text


# From an estimate to a forget set, and to another estimate


def test_a_forget_set_is_taken_from_an_estimate(estimates, folder, tmp_path):
    definition = json.dumps({"kind": "principal_component", **SETS[1]})
    done("select_forget_set", "--split", folder / "base.json", "--definition", definition,
         "--estimate", folder / "trak.json", "--out", tmp_path / "split.json")  # fmt: skip
    forget = Split.load(tmp_path / "split.json").forget
    assert forget.tolist() == sorted(estimates["trak"]["sets"][1]["indices"])


def test_two_estimates_are_compared_set_by_set(estimates, folder, tmp_path):
    out = tmp_path / "comparison.csv"
    said = done("compare_estimates", "--own", folder / "trak.json",
                "--shipped", folder / "last_layer.json", "--out", out).stdout  # fmt: skip
    table = pd.read_csv(out)
    assert table[["component", "top", "bottom"]].to_dict("records") == SETS
    assert table.points.tolist() == [4, 4]
    both = [
        len(set(a["indices"]) & set(b["indices"]))
        for a, b in zip(*(estimates[n]["sets"] for n in ("trak", "last_layer")), strict=True)
    ]
    assert table.shared.tolist() == both
    assert f"this run's estimate: rank correlation {of(estimates['trak']):.2f}" in said
    assert f"the project's estimate: rank correlation {of(estimates['last_layer']):.2f}" in said


def of(content):
    """The rank correlation of an estimate."""
    return content["agreement"]["correlation"]


def test_an_estimate_shares_all_points_with_itself(estimates, folder, tmp_path):
    out = tmp_path / "comparison.csv"
    shutil.copy(folder / "trak.json", tmp_path / "copy.json")
    done("compare_estimates", "--own", folder / "trak.json", "--shipped", tmp_path / "copy.json",
         "--out", out)  # fmt: skip
    assert pd.read_csv(out).shared.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"base_split": "another"}, "are of two data sets or splits; needed: of one"),
        ({"sets": []}, "holds no set of component 1, top 4, bottom 0"),
    ],
)
def test_estimates_that_cannot_be_compared(estimates, folder, tmp_path, changed, sentence):
    other, out = tmp_path / "other.json", tmp_path / "comparison.csv"
    write_json(other, estimates["trak"] | changed)
    words = ("--own", folder / "trak.json", "--shipped", other, "--out", out)
    assert sentence in refused("compare_estimates", *words)
    assert not out.exists()
