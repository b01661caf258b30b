"""Unknown keys, wrong types and values: each one clear sentence."""

from pathlib import Path

import pytest
import yaml

from palimpsest import config

ROOT = Path(__file__).parents[3]
BASE = ROOT / "config.yaml"


def test_the_sentence_names_file_key_found_and_allowed(sentence):
    assert sentence({"training": {"epochs": 0}}) == (
        f"mine.yaml: training.epochs is 0; allowed: {EPOCHS}"
    )


def test_the_file_is_the_one_that_sets_the_value(sentence, project):
    wrong = {"training": {"epochs": 0}}
    fine = {"training": {"momentum": 0.5}}
    assert sentence(wrong).startswith("mine.yaml: training.epochs")
    assert sentence(fine, wrong).startswith("the command line: training.epochs")
    assert sentence(None, {"colour": 1}).startswith("the command line: colour is")
    text = BASE.read_text().replace("epochs: 24 ", "epochs: 0 ")
    (project.root / "config.yaml").write_text(text)
    assert sentence(fine).startswith("config.yaml: training.epochs is 0")


UNKNOWN = [
    ({"trainin": {"epochs": 3}}, "trainin is an unknown key (did you mean training?)"),
    ({"training": {"epoch": 3}}, "training.epoch is an unknown key (did you mean epochs?)"),
    ({"training": {"colour": 3}}, "training.colour is an unknown key; allowed: epochs, batch"),
    ({"ascent": {"grids": {"gaa": []}}},
     "ascent.grids.gaa is an unknown key (did you mean ga?); allowed: badt, ce_ft, ft, ga, gda"),
    ({"datamodels": {"estimators": {"trak": {"dim": 3}}}},
     "datamodels.estimators.trak.dim is an unknown key"),
    ({"datamodels": {"estimators": {"tark": {}}}},
     "datamodels.estimators.tark is an unknown key (did you mean trak?); allowed: half_subsets,"),
    ({"metrics": {"klom": {True: 3}}}, "metrics.klom[True] is an unknown key"),
    (
        {"forget_sets": {"random_100": {"top": 3}}},
        "forget_sets.random_100.top is an unknown key where kind is random; allowed: kind, size, s",
    ),
    (
        {"ascent": {"grids": {"ga": [{"lr": [0.1], "epochs": [1], "forget_batch": [8],
                                      "batch_norm": ["train"], "alpha": [1]}]}}},
        "ascent.grids.ga[0].alpha is an unknown key; allowed: lr, epochs, forget_batch, batch_norm",
    ),
]  # fmt: skip

EPOCHS = "an integer of at least 1 and at most 100000"
WRONG_VALUES = [
    ({"training": {"epochs": "many"}}, "training.epochs is the text 'many'; allowed: an integer"),
    ({"training": {"epochs": True}}, f"training.epochs is true; allowed: {EPOCHS}"),
    ({"training": {"epochs": 24.0}}, f"training.epochs is 24.0; allowed: {EPOCHS}"),
    ({"training": {"epochs": None}}, "training.epochs is null; allowed: an integer"),
    ({"training": {"peak_lr": True}}, "training.peak_lr is true; allowed: a number above 0"),
    ({"training": {"peak_lr": float("nan")}}, "training.peak_lr is nan; allowed: a number above 0"),
    ({"training": {"peak_lr": float("inf")}}, "training.peak_lr is inf; allowed: a number above 0"),
    ({"training": {"peak_lr": [0.1]}}, "training.peak_lr is a list; allowed: a number above 0"),
    ({"training": {"momentum": 1}}, "training.momentum is 1; allowed: a number of at least 0 and"),
    ({"training": 3}, "training is 3; allowed: a map"),
    ({"data": {"download": "yes, please"}}, "data.download is the text 'yes, please'; allowed: tr"),
    ({"data": {"train_size": 0}}, "data.train_size is 0; allowed: an integer of at least 1 and at"),
    ({"data": {"name": "mnist"}}, "data.name is the text 'mnist'; allowed: cifar10, cifar100, dig"),
    ({"device": "gpu"}, "device is the text 'gpu'; allowed: cpu, cuda"),
    ({"run": "../up"}, "run is the text '../up'; allowed: a text of lower-case letters, digits, _"),
    ({"run": "digits\n"}, "run is the text"),
    ({"run": ""}, "run is an empty text"),
    ({"run": "a" * 300}, f"run is the text '{'a' * 60}'... of 300 characters; allowed: a text of"),
    ({"run": "-a"}, "run is the text '-a'; allowed: a text of lower-case letters, digits, _ and -"),
    ({"forget_sets": {"a" * 260: {"kind": "file", "path": "a"}}}, f"forget_sets.{'a' * 260} is no"),
    ({"forget_sets": {"-a": {"kind": "file", "path": "a"}}}, "forget_sets.-a is no name; allowed"),
    *(({"forget_sets": {"a": {"kind": "file", "path": path}}},
       f"forget_sets.a.path is the text {path!r}; allowed: a path of at most 250 characters")
      for path in ("-a.json", "{x}.json", "<results>/a.json", "a\n")),
    ({"data": {"data_dir": "-a"}}, "data.data_dir is the text '-a'; allowed: a path of at most"),
    ({"data": {"data_dir": "a" * 251}}, "data.data_dir is the text 'aaa"),
    ({"data": {"checksums": "{x}"}}, "data.checksums is the text '{x}'; allowed: a path of at mos"),
    ({"training": {"peak_lr": 1e308}},
     "training.peak_lr is 1e+308; allowed: a number above 0 and at most 1000000.0"),
    ({"training": {"weight_decay": 1e300}},
     "training.weight_decay is 1e+300; allowed: a number of at least 0 and at most 1000000.0"),
    ({"populations": {"models": 10**30}},
     f"populations.models is {10**30}; allowed: an integer of at least 2 and at most 1000000"),
    ({"metrics": {"klom": {"bins": 2**63}}},
     f"metrics.klom.bins is {2**63}; allowed: an integer of at least 2 and at most 1000"),
    ({"data": {"split_seed": 10**100}}, "data.split_seed is an integer of more than 60 digits; al"),
    ({"populations": {"first_seed": -1}}, "populations.first_seed is -1; allowed: an integer"),
    ({"populations": {"first_seed": 1.5}}, "populations.first_seed is 1.5; allowed: an integer"),
    ({"metrics": {"klom": {"mode": "mine"}}},
     "metrics.klom.mode is the text 'mine'; allowed: ours, easydub-2025, easydub-2026, georgiev"),
    ({"metrics": {"klom": {"percentile": 101}}},
     "metrics.klom.percentile is 101; allowed: a number of at least 0 and"),
    ({"forget_sets": {"Mine": {"kind": "file", "path": "a"}}}, "forget_sets.Mine is no name; allo"),
    ({"forget_sets": {5: {"kind": "file", "path": "a"}}}, "forget_sets[5] is no name; allowed"),
    ({"forget_sets": {"a": {"kind": "best"}}}, "forget_sets.a.kind is the text 'best'; allowed: c"),
    ({"datamodels": {"estimator": "track"}},
     "datamodels.estimator is the text 'track' (did you mean trak?); allowed: half_subsets, las"),
    ({"datamodels": {"shipped": 3}}, "datamodels.shipped is 3; allowed: a text or null"),
    ({"datamodels": {"held_out": 4}}, "datamodels.held_out is 4; allowed: an integer of at leas"),
    ({"datamodels": {"seeds": 1}}, "datamodels.seeds is 1; allowed: an integer of at least 2"),
    ({"datamodels": {"first_seed": -5}}, "datamodels.first_seed is -5; allowed: an integer of a"),
    ({"datamodels": {"estimators": {"half_subsets": {"models": 5}}}},
     "datamodels.estimators.half_subsets.models is 5; allowed: an integer of at least 6"),
    ({"datamodels": {"estimators": {"half_subsets": {"ridge": []}}}},
     "datamodels.estimators.half_subsets.ridge is an empty list; allowed: at least one entry"),
    ({"datamodels": {"estimators": {"last_layer": {"checkpoints": 1}}}},
     "datamodels.estimators.last_layer.checkpoints is 1; allowed: an integer of at least 2"),
    ({"datamodels": {"estimators": {"trak": {"dimension": 0}}}},
     "datamodels.estimators.trak.dimension is 0; allowed: an integer of at least 1"),
    ({"ascent": {"methods": ["ga", "gaa"]}},
     "ascent.methods[1] is the text 'gaa' (did you mean ga?); allowed: badt, ce_ft, ft, ga, gda"),
    ({"ascent": {"methods": ["ga", "ga"]}}, "ascent.methods holds the text 'ga' twice; allowed: e"),
    ({"ascent": {"methods": []}}, "ascent.methods is an empty list; allowed: at least one entry"),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), UNKNOWN + WRONG_VALUES)
def test_unknown_keys_and_wrong_values(sentence, overlay, found):
    assert sentence(overlay).startswith(f"mine.yaml: {found}")


@pytest.mark.parametrize(
    ("written", "write"),
    [("1e-5", "1.0e-5"), ("2.5e3", "2.5e+3"), ("'0.1'", "0.1"), ("1e5", "1.0e+5")],
)  # fmt: skip
def test_a_number_that_yaml_reads_as_text(sentence, written, write):
    found = sentence(f"training: {{peak_lr: {written}}}")
    assert found == (
        f"mine.yaml: training.peak_lr is the text {yaml.safe_load(written)!r}, which YAML does not "
        f"read as a number; write {write}"
    )
    assert isinstance(yaml.safe_load(write), float)


def test_an_integer_that_yaml_reads_as_text(sentence):
    assert sentence("training: {epochs: '24'}").endswith("as a number; write 24")
    assert sentence("training: {epochs: 1e1}").endswith("as a number; write 10")
    assert sentence("training: {epochs: '2.5'}").endswith(f"allowed: {EPOCHS}")
    assert sentence("training: {peak_lr: 'nan'}").endswith(
        "allowed: a number above 0 and at most 1000000.0"
    )


def test_the_text_of_a_grid_is_found_too(sentence):
    grids = config.load([BASE])["ascent"]["grids"]["ga"]
    grids[0]["lr"][2] = "1e-4"
    found = sentence({"ascent": {"grids": {"ga": grids}}})
    assert found.startswith("mine.yaml: ascent.grids.ga[0].lr[2] is the text '1e-4', which YAML")


def test_missing_keys(sentence, project):
    found = sentence({"forget_sets": {"mine": {"kind": "random", "size": 3}}})
    assert found == (
        "mine.yaml: forget_sets.mine.seed is missing; needed in forget_sets.mine: size, seed"
    )
    text = BASE.read_text().replace("    bins: 20", "    # bins: 20")
    (project.root / "config.yaml").write_text(text)
    assert sentence().startswith(
        "config.yaml: metrics.klom.bins is missing; needed in metrics.klom: mode"
    )


@pytest.mark.parametrize(
    ("overlay", "found"),
    [
        ({"ascent": {"grids": {"ga": []}}}, "ascent.grids.ga is an empty grid"),
        ({"ascent": {"grids": {"ga": [{"lr": [], "epochs": [1], "batch_norm": []}]}}},
         "ascent.grids.ga[0].lr is an empty list"),
    ],
)  # fmt: skip
def test_an_empty_grid(sentence, overlay, found):
    assert sentence(overlay) == f"mine.yaml: {found}; allowed: at least one entry"
