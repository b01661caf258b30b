"""How far models are from others, through the programs: unlearned, retrained, in several blocks."""

import json

import numpy as np
import pandas as pd
import pytest
from by_hand import done, prepare, refused

from palimpsest.data.splits import Split
from palimpsest.metrics.distances import COLUMNS
from palimpsest.records import ALWAYS, COMPARED, Record

MODEL = ("--model", '{"name": "resnet9", "width": 2}')
TRAINING = ("--training", '{"epochs": 2, "peak_epoch": 1}')
METRICS = json.dumps({"distances": {}, "accuracy": {}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four originals, four oracles of the class 3 in one block, and the same in two blocks."""
    folder = tmp_path_factory.mktemp("distances")
    done(*prepare(folder, name="digits", train_size=120, val_size=40))
    definition = '{"kind": "classes", "classes": [3]}'
    done("select_forget_set", "--split", folder / "base.json", "--definition", definition,
         "--dataset", folder / "dataset.npz", "--out", folder / "forget.json")  # fmt: skip
    for name, split, first, models in (
        ("original", "base", 0, 4), ("oracle", "forget", 50, 4), ("original_1", "base", 2, 2),
        ("oracle_0", "forget", 50, 2), ("oracle_1", "forget", 52, 2),
    ):  # fmt: skip
        done("train_block", "--dataset", folder / "dataset.npz",
             "--split", folder / f"{split}.json", "--first-seed", first, "--models", models,
             *MODEL, *TRAINING, "--stack", 4, "--out-weights", folder / f"{name}.safetensors",
             "--out-record", folder / f"{name}.npz")  # fmt: skip
    done("compare_block", *comparing(folder))
    done("unlearn_block", *unlearning(folder))
    return folder


def words(named):
    return [word for name, value in named.items() for word in (f"--{name}", value)]


def comparing(folder, **changed):
    """The words of compare_block."""
    return words({
        "dataset": folder / "dataset.npz", "split": folder / "forget.json",
        "weights": folder / "oracle.safetensors", "originals": folder / "original.safetensors",
        "model": MODEL[1], "stack": 3, "out-record": folder / "compared.npz",
    } | changed)  # fmt: skip


def unlearning(folder, **changed):
    """The words of unlearn_block: no step at all, for four originals, and all distances kept."""
    named = {
        "dataset": folder / "dataset.npz", "split": folder / "forget.json",
        "weights": folder / "original.safetensors", "oracles": folder / "oracle.safetensors",
        "method": "nothing", "settings": "[{}]", "model": MODEL[1], "stack": 2,
        "out-record": folder / "nothing.npz", "out-costs": folder / "nothing.json",
    } | changed  # fmt: skip
    record = ("--record", *ALWAYS, *COMPARED)
    return [*words({name: value for name, value in named.items() if value is not None}), *record]


def test_a_class_has_its_part_of_the_validation_set(folder):
    split = Split.load(folder / "forget.json")
    labels = Record.load([folder / "original.npz"]).labels
    assert (labels[split.columns("val_forget")] == 3).all()
    assert (labels[split.columns("val_retain")] != 3).all()
    assert len(split.val_forget) == (labels[split.columns("val")] == 3).sum() > 0


def test_an_original_is_at_no_distance_from_itself(folder):
    record = Record.load([folder / "nothing.npz"])
    assert set(record.statistics) == {*ALWAYS, *COMPARED}
    for name in COMPARED:
        assert record[name].shape == (1, 4, 160)
        assert (record[name] == 0).all() if name.endswith("_original") else (record[name] > 0).any()


def test_an_oracle_is_as_far_from_its_original_as_the_original_from_it(folder):
    """Seed 50 is the oracle of the original 0, and the distance of two models is symmetric."""
    original, oracle = Record.load([folder / "nothing.npz"]), Record.load([folder / "compared.npz"])
    assert oracle.seeds.tolist() == [50, 51, 52, 53]
    for kind in ("activation", "feature"):
        there, back = original[f"{kind}_to_oracle"][0], oracle[f"{kind}_to_original"]
        assert np.allclose(there, back, rtol=1e-5)
        assert not np.allclose(back, back[[1, 2, 3, 0]], rtol=0.1)


def test_the_oracle_after_the_last_is_the_first_whatever_the_blocks(folder, tmp_path):
    blocks = [tmp_path / f"{number}.npz" for number in range(2)]
    for number, path in enumerate(blocks):
        original = folder / ("original_1.safetensors" if number else "original.safetensors")
        changed = {
            "weights": folder / f"oracle_{number}.safetensors", "originals": original,
            "after": folder / f"oracle_{1 - number}.safetensors", "out-record": path, "stack": 2,
        }  # fmt: skip
        done("compare_block", *comparing(folder, **changed))
    joined, whole = Record.load(blocks), Record.load([folder / "compared.npz"])
    assert np.array_equal(joined.seeds, whole.seeds)
    for name in (*ALWAYS, *COMPARED):
        assert np.array_equal(joined[name], whole[name]), name
    pair = tmp_path / "pair.npz"  # of two alone, each comes after the other
    changed = {"weights": folder / "oracle_0.safetensors", "out-record": pair}
    done("compare_block", *comparing(folder, **changed))
    first, second = Record.load([pair])["feature_to_oracle"]
    assert np.allclose(first, second, rtol=1e-5)


def test_settings_that_are_compared_together_have_records_of_their_own(folder, tmp_path):
    settings = [{"lr": rate, "epochs": 1} for rate in (0.0, 0.01, 0.05)]
    more = {"method": "ga", "settings": json.dumps(settings)}
    records = {}
    for name, record in (("plain", ALWAYS), ("compared", [*ALWAYS, *COMPARED])):
        out = {"out-record": tmp_path / f"{name}.npz", "out-costs": tmp_path / f"{name}.json"}
        named = unlearning(folder, **more, **out)
        done("unlearn_block", *named[: named.index("--record")], "--record", *record)
        records[name] = Record.load([tmp_path / f"{name}.npz"])
    for name in ALWAYS:
        assert np.array_equal(records["plain"][name], records["compared"][name])
    apart = records["compared"]["feature_to_original"].mean(axis=2)
    assert (apart[0] < apart[1]).all() and (apart[1] < apart[2]).all()


def test_distances_become_tables_beside_those_of_the_oracles(folder, tmp_path):
    oracle = ("--split", folder / "forget.json", "--oracles", folder / "oracle.npz")
    done("score_oracles", "--forget-set", "three", *oracle, "--metrics", METRICS,
         "--compared", folder / "compared.npz", "--models", 3,
         "--out-references", tmp_path / "references.json",
         "--out-parts", tmp_path / "oracles.json")  # fmt: skip
    done("score", "--forget-set", "three", "--method", "nothing", *oracle,
         "--records", folder / "nothing.npz", "--costs", folder / "nothing.json",
         "--originals", folder / "original.npz", "--references", tmp_path / "references.json",
         "--training-epochs", 2, "--metrics", METRICS, "--models", 3,
         "--out", tmp_path / "nothing.parts.json")  # fmt: skip
    tables = {}
    for name in ("distances", "distances_models", "accuracy_models"):
        done("gather", "--table", name, "--grid", '{"settings": {"nothing": 1}}',
             "--parts", tmp_path / "oracles.json", tmp_path / "nothing.parts.json",
             "--out", tmp_path / f"{name}.csv")  # fmt: skip
        tables[name] = pd.read_csv(tmp_path / f"{name}.csv")
    models = tables["distances_models"]
    assert list(models)[:4] == ["forget_set", "method", "split", "seed"]
    parts = ["forget", "retain", "val", "val_forget", "val_retain"]
    for method, first, path in (
        ("nothing", 0, "nothing.npz"), ("oracle", 50, "compared.npz"),
    ):  # fmt: skip
        record, split = Record.load([folder / path]), Split.load(folder / "forget.json")
        own = models[models["method"] == method].set_index(["split", "seed"])
        assert list(own.index) == [(part, first + n) for part in parts for n in range(3)]
        for name, statistic in COLUMNS.items():
            for part in parts:
                values = record[statistic].reshape(-1, 160)[:3, split.columns(part)].mean(axis=1)
                assert np.allclose(own.loc[part, name], values, rtol=1e-5)
    shared = ["forget_set", "method", "split", "seed"]
    pd.testing.assert_frame_equal(models[shared], tables["accuracy_models"][shared])
    wide = tables["distances"].set_index(["method", "split"])
    assert (wide.loc["nothing", "feature_original"] == 0).all()
    assert (wide.loc["oracle", list(COLUMNS)] > 0).all().all()


UNLEARNING = [
    ({"oracles": None},
     "--record names activation_to_oracle; needed: --oracles, from which it is"),
    ({"oracles": "oracle_0.safetensors"}, "oracle_0.safetensors: holds 2 models; needed: 4"),
    ({"oracles": "original.safetensors"},
     "original.safetensors: is of originals of the training set "),
    ({"layers": "layer4.*"},
     "layers names 'layer4.*', and no linear layer or convolution is called that; allowed: "),
]  # fmt: skip
COMPARING = [
    ({"weights": "original.safetensors"},
     "original.safetensors: is of originals of the training set "),
    ({"after": "original.safetensors"},
     "original.safetensors: is of originals of the training set "),
    ({"weights": "oracle_1.safetensors", "models": 1},
     "oracle_1.safetensors: begins with the oracle of seed 52, the last of "),
    ({"originals": "original_1.safetensors"}, "original_1.safetensors: holds 2 models; needed: 4"),
    ({"layers": "layer4.*"},
     "layers names 'layer4.*', and no linear layer or convolution is called that; allowed: "),
]  # fmt: skip


def placed(folder, tmp_path, changed):
    """The changed words, weights with their folder, results elsewhere."""
    return {
        name: folder / value if str(value).endswith("safetensors") else value
        for name, value in changed.items()
    } | {"out-record": tmp_path / "record.npz"}


@pytest.mark.parametrize(("changed", "sentence"), UNLEARNING)
def test_unlearning_says_in_one_sentence_what_is_wrong(folder, tmp_path, changed, sentence):
    changed = placed(folder, tmp_path, changed) | {"out-costs": tmp_path / "costs.json"}
    assert sentence in refused("unlearn_block", *unlearning(folder, **changed))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("changed", "sentence"), COMPARING)
def test_comparing_says_in_one_sentence_what_is_wrong(folder, tmp_path, changed, sentence):
    changed = placed(folder, tmp_path, changed)
    assert sentence in refused("compare_block", *comparing(folder, **changed))
    assert list(tmp_path.iterdir()) == []


def test_distances_of_other_models_are_refused(folder, tmp_path):
    other = tmp_path / "other.npz"
    changed = {
        "weights": folder / "oracle_1.safetensors", "after": folder / "oracle_0.safetensors",
        "originals": folder / "original_1.safetensors", "out-record": other,
    }  # fmt: skip
    done("compare_block", *comparing(folder, **changed))
    for compared, found in (
        (folder / "nothing.npz", "nothing.npz: is of models that nothing unlearned on the split "),
        (other, "records of the seeds 50 to 51 and 52 to 53 stand side by side; needed: records"),
    ):
        told = refused(
            "score_oracles", "--forget-set", "three", "--split", folder / "forget.json",
            "--oracles", folder / "oracle.npz", "--metrics", METRICS, "--models", 2,
            "--compared", compared, "--out-references", tmp_path / "references.json",
            "--out-parts", tmp_path / "oracles.json",
        )  # fmt: skip
        assert found in told
