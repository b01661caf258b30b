"""Settings of methods: combinations of grids, plans, columns of tables, and sections by hand."""

from pathlib import Path

import pytest

from palimpsest import config
from palimpsest.files import InputError
from palimpsest.plans.plan import Plan, Prepare

BASE = Path(__file__).parents[3] / "config.yaml"
GA = {"forget_batch": 64, "batch_norm": "train", "optimiser": "sgd"}


def test_combinations_are_products_of_each_grid():
    grids = [{"lr": [1, 2], "epochs": [3, 4]}, {"epochs": [5], "lr": [0]}]
    settings = config.combinations("ga", grids)
    assert settings == [
        {"lr": 1, "epochs": 3, **GA}, {"lr": 1, "epochs": 4, **GA}, {"lr": 2, "epochs": 3, **GA},
        {"lr": 2, "epochs": 4, **GA}, {"lr": 0, "epochs": 5, **GA},
    ]  # fmt: skip
    assert {tuple(setting) for setting in settings} == {("lr", "epochs", *GA)}
    assert {type(setting["lr"]) for setting in settings} == {float}
    assert config.combinations("nothing", [{}]) == [{}]


def test_a_grid_by_hand_that_is_wrong():
    with pytest.raises(InputError) as error:
        config.combinations("ga", [{"lr": [0.1], "epochs": 5}])
    assert str(error.value) == "a grid of ga: epochs is 5; allowed: a list"
    with pytest.raises(
        InputError, match=r"^methods: there is no 'gaa'; allowed: badt, ce_ft, ft, ga, gda"
    ):
        config.combinations("gaa", [{}])


def test_a_grid_may_name_preparations_for_whatever_method():
    mask = {"name": "random_mask", "share": 0.5}
    grids = [
        {"lr": [1.0], "epochs": [3], "prepare": [None, mask]},
        {"lr": [2.0], "epochs": [3]},
    ]
    complete = mask | {"mask_seed": 0, "action": "freeze"}
    settings = config.combinations("ga", grids)
    assert [list(setting)[-1] for setting in settings] == ["prepare"] * 3
    assert [setting["prepare"] for setting in settings] == [None, complete, None]
    assert all("prepare" not in setting for setting in config.combinations("ga", grids[1:]))
    without, prepared, _ = (config.plan_of("ga", setting) for setting in settings)
    assert without.prepare is None
    assert prepared.prepare == Prepare(
        "random_mask", (("share", 0.5), ("mask_seed", 0), ("action", "freeze"))
    )
    assert prepared.epochs == without.epochs
    columns = {"prepare": "random_mask", "prepare_share": 0.5, "prepare_mask_seed": 0}
    columns["prepare_action"] = "freeze"
    assert config.flat(settings[1]) == {"lr": 1.0, "epochs": 3, **GA, **columns}
    assert config.flat(settings[0]) == {"lr": 1.0, "epochs": 3, **GA, "prepare": None}
    assert config.flat({"lr": 1.0}) == {"lr": 1.0}


def test_a_method_that_prepares_by_itself_takes_no_other_preparation(monkeypatch):
    own = Plan(epochs=(), prepare=Prepare("low_rank"))
    monkeypatch.setattr("palimpsest.methods.ga.plan", lambda **settings: own)
    assert config.plan_of("ga", {"lr": 0.1}) is own
    with pytest.raises(InputError) as error:
        config.plan_of("ga", {"lr": 0.1, "prepare": {"name": "random_mask", "share": 0.5}})
    assert str(error.value) == (
        "prepare names random_mask, and ga prepares the network by itself; "
        "allowed: no prepare here, or null"
    )


@pytest.mark.parametrize("name", ["data", "model", "training", "populations", "datamodels"])
def test_a_section_by_hand_is_given_back(name):
    section = config.load([BASE])[name]
    assert config.section(name, section, "--settings") == section


def test_settings_by_hand_are_complete_and_each_there_once():
    one = {"lr": 0, "epochs": 1}
    found = config.complete("ga", [one, {**one, "prepare": None}], "--settings")
    assert found[0] == one | {"forget_batch": 64, "batch_norm": "train", "optimiser": "sgd"}
    assert found[1] == found[0] | {"prepare": None}
    with pytest.raises(InputError, match=r'--settings names \{"lr": 0\.0, .* twice; allowed: each'):
        config.complete("ga", [one, {**one, "lr": 0.0, "forget_batch": 64}], "--settings")


def test_a_section_by_hand_is_complete():
    mine = {"kind": "file", "path": "mine.npz"}
    assert config.section("forget_set", mine, "--definition") == mine | {"key": None}
    klom = config.load([BASE])["metrics"]["klom"]
    mia = {"renormalised": False, "c": 3.0, "attacked": None}
    free = {
        "accuracy": {}, "distances": {"layers": None}, "mia_entropy": mia, "perplexity": {},
    }  # fmt: skip
    assert config.section("metrics", {"klom": klom}, "--metrics") == free | {"klom": klom}
    assert config.section("metrics", {}, "--metrics") == free


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("training", 3, "--settings: the value is 3; allowed: a map"),
        ("training", {"epoch": 3}, "--settings: epoch is an unknown key (did you mean epochs?); a"),
        ("training", {"epochs": 3}, "--settings: batch_size is missing; needed: epochs, batch_siz"),
        (
            "datamodels",
            {"estimators": {"trak": {"seed": -1}}},
            "--settings: estimators.trak.seed is -1; allowed: an integer",
        ),
        ("model", {"name": "resnet", "width": 4}, "--settings: name is the text 'resnet'"),
        ("forget_set", {"size": 4}, "--settings: kind is missing; needed: kind"),
        ("metrics", {"klm": {}}, "--settings: klm is an unknown key (did you mean klom?); allowed"),
    ],
)
def test_a_section_by_hand_that_is_wrong(name, value, found):
    with pytest.raises(InputError) as error:
        config.section(name, value, "--settings")
    assert str(error.value).startswith(found)
