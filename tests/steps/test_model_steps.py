"""The programs that train, unlearn and score, run by hand one after the other on a few points."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from by_hand import ROOT, done, prepare, refused

from palimpsest.data.splits import Split
from palimpsest.files import read_json
from palimpsest.population import Population
from palimpsest.records import Record
from palimpsest.studies.ascent.worlds import WORLDS
from palimpsest.weights import load_states

MODEL = ("--model", '{"name": "resnet9", "width": 2}')
TRAINING = ("--training", '{"epochs": 2, "peak_epoch": 1}')
MASK = {"name": "random_mask", "share": 0.5}
SETTINGS = [{"lr": 0.05, "epochs": 1}, {"lr": 0.05, "epochs": 2, "prepare": MASK}]
KLOM = json.dumps({"klom": {"null_repeats": 2, "redraws": 2}, "accuracy": {}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Originals, oracles, and what GA with a mask makes of the originals."""
    folder = tmp_path_factory.mktemp("models")
    done(*prepare(folder, name="digits", train_size=120, val_size=40))
    data = ("--dataset", folder / "dataset.npz")
    random = '{"kind": "random", "size": 12, "seed": 0}'
    done("select_forget_set", "--split", folder / "base.json", "--definition", random,
         "--out", folder / "forget.json")  # fmt: skip
    for name, split, first in (("original", "base", 0), ("oracle", "forget", 50)):
        done("train_block", *data, "--split", folder / f"{split}.json", "--first-seed", first,
             "--models", 4, *MODEL, *TRAINING, "--stack", 4,
             "--out-weights", folder / f"{name}.safetensors",
             "--out-record", folder / f"{name}.npz")  # fmt: skip
    done("unlearn_block", *unlearning(folder))
    done("score_oracles", "--forget-set", "mine", "--split", folder / "forget.json",
         "--oracles", folder / "oracle.npz", "--metrics", KLOM,
         "--out-references", folder / "references.json",
         "--out-parts", folder / "oracles.json")  # fmt: skip
    return folder


def unlearning(folder, **changed):
    """The words of unlearn_block: GA in two settings, one with a mask, logits kept."""
    words = {
        "dataset": folder / "dataset.npz", "split": folder / "forget.json",
        "weights": folder / "original.safetensors", "method": "ga",
        "settings": json.dumps(SETTINGS), "model": MODEL[1], "stack": 3,
        "out-record": folder / "ga.npz", "out-costs": folder / "ga.json",
    } | changed  # fmt: skip
    named = [word for name, value in words.items() for word in (f"--{name}", value)]
    return (*named, "--record", "margin", "correct", "logits")


def test_a_record_holds_what_was_asked_for(folder):
    record = Record.load([folder / "ga.npz"])
    assert record["margin"].shape == (2, 4, 160)
    assert record["logits"].shape == (2, 4, 160, 10)
    assert record["logits"].dtype == np.float16
    oracle = Record.load([folder / "oracle.npz"])
    assert set(oracle.statistics) == {"margin", "correct"}
    split, settings = Split.load(folder / "forget.json"), read_json(folder / "ga.json")["settings"]
    assert record.population == Population.unlearned(split, "ga", settings)
    assert oracle.population == Population.of("oracle", split)
    original = Record.load([folder / "original.npz"])
    assert original.population == Population.of("original", split)
    for made in (record, oracle, original):
        split.check_labels(made.labels, "made")
    odds = np.exp(record["logits"].astype(float))
    share = odds.max(axis=-1) / odds.sum(axis=-1)
    right = record["correct"]  # there the largest logit is that of the true class
    assert np.allclose(np.log(share / (1 - share))[right], record["margin"][right], atol=0.02)


def test_a_mask_is_a_setting_like_any_other(folder):
    costs = json.loads((folder / "ga.json").read_text())
    assert costs["settings"][0] == {
        "lr": 0.05, "epochs": 1, "forget_batch": 64, "batch_norm": "train", "optimiser": "sgd",
    }  # fmt: skip
    assert costs["settings"][1]["prepare"] == MASK | {"mask_seed": 0, "action": "freeze"}
    assert costs["epochs_separate"] == costs["epochs_shared"] == 3  # the mask parts them
    assert costs["passes"] == [12, 24]


def test_scores_of_all_metrics_become_tables(folder, tmp_path):
    ga, oracles = tmp_path / "ga.parts.json", folder / "oracles.json"
    done(*scoring(folder, tmp_path, out=ga))
    for table, parts in (
        ("klom", [ga]), ("klom_redraws", [ga]), ("accuracy", [oracles, ga]),
    ):  # fmt: skip
        done("gather", "--table", table, "--parts", *parts, "--out", tmp_path / f"{table}.csv")
    klom, redraws, accuracy = (
        pd.read_csv(tmp_path / f"{name}.csv") for name in ("klom", "klom_redraws", "accuracy")
    )
    assert list(redraws.columns[-3:]) == ["split", "redraw_0", "redraw_1"]
    pd.testing.assert_frame_equal(redraws[klom.columns[:12]], klom[klom.columns[:12]])
    assert len(klom) == 2 * 3
    assert list(klom.columns[:11]) == [
        "forget_set", "method", "lr", "epochs", "forget_batch", "batch_norm", "optimiser",
        "prepare", "prepare_share", "prepare_mask_seed", "prepare_action",
    ]  # fmt: skip
    assert klom.columns[11] == "split"
    assert set(klom.prepare.dropna()) == {"random_mask"}
    assert np.isfinite(klom.klom).all()
    assert set(accuracy.method) == {"ga", "oracle"}
    assert (accuracy.relative_cost[accuracy.method == "oracle"] == 1).all()


def test_weights_are_ordinary_state_dicts(folder):
    states, metadata = load_states(folder / "original.safetensors")
    assert list(states) == [0, 1, 2, 3]
    assert "resnet9" in metadata["arguments"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"settings": '[{"lr": "1e-3", "epochs": 1}]'},
         "--settings: lr[0] is the text '1e-3', which YAML does not read as a number"),
        ({"settings": '[{"lr": 0.1}]'}, "--settings: epochs is missing; needed: lr, epochs"),
        ({"settings": '[{"lr": 0.1, "epochs": 1, "tau": 2}]'}, "--settings: tau is an unknown key"),
        ({"method": "gda", "settings": '[{"lr": 0.1, "epochs": 1, "ascent_epochs": 2}]'},
         "ascent_epochs is 2; allowed: at most epochs, 1 here"),
        ({"method": "zero_row", "settings": "[{}]"},
         "zero_row: every class of the forget set has points in the retain set; needed: a forget "),
        ({"weights": "oracle.safetensors"}, "oracle.safetensors: is of oracles of the split "),
        ({"split": "base.json"}, "base.json: a base split, which has no forget set; needed: "),
        ({"model": '{"width": 0}'}, "--model: width is 0; allowed: an integer of at least 1"),
        ({"model": '{"name": "resnet9", "width": 3}'}, "is another network than the one asked for"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(folder, tmp_path, changed, sentence):
    changed = {n: folder / v if n in ("weights", "split") else v for n, v in changed.items()}
    changed |= {"out-record": tmp_path / "ga.npz", "out-costs": tmp_path / "ga.json"}
    assert sentence in refused("unlearn_block", *unlearning(folder, **changed))
    assert list(tmp_path.iterdir()) == []


def scoring(folder, base, **changed):
    """The words of score for what was unlearned, with references of the oracles."""
    words = {
        "forget-set": "mine", "method": "ga", "split": folder / "forget.json",
        "originals": folder / "original.npz", "oracles": folder / "oracle.npz",
        "records": folder / "ga.npz", "costs": folder / "ga.json",
        "references": folder / "references.json", "training-epochs": 2, "metrics": KLOM,
        "out": base / "parts.json",
    } | changed  # fmt: skip
    return ("score", *(word for name, value in words.items() for word in (f"--{name}", value)))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"method": "scrub"}, "ga.npz: is of models that ga unlearned on the split "),
        ({"originals": "oracle.npz"}, "oracle.npz: is of oracles of the split "),
        ({"costs": "forget.json"}, "forget.json: not the costs of unlearning (models: Field"),
        ({"references": "forget.json"}, "forget.json: not references of metrics; delete it"),
        ({"metrics": "{}"}, "--metrics names no metric; needed: at least one"),
        ({"metrics": '{"klom": 3}'}, "--metrics: klom: the value is 3; allowed: a map"),
        ({"metrics": '{"klm": {}}'}, "metrics: there is no 'klm'; allowed: accuracy, "),
        ({"settings": '[{"lr": 0.3, "epochs": 1}]'}, "nothing was recorded for the setting"),
    ],
)
def test_wrong_words_of_score_are_one_sentence(folder, tmp_path, changed, sentence):
    for name in ("originals", "costs", "references"):
        if name in changed:
            changed = changed | {name: folder / changed[name]}
    assert sentence in refused(*scoring(folder, tmp_path, **changed))
    assert not (tmp_path / "parts.json").exists()


def test_a_metric_without_a_reference_is_scored_of_part_of_its_settings(folder, tmp_path):
    """What the rules hand in of KLoM for the oracles alone; accuracy has no reference."""
    part = {"klom": {"null_repeats": 2, "percentile": 90.0}, "accuracy": {}}
    done("score_oracles", "--forget-set", "mine", "--split", folder / "forget.json",
         "--oracles", folder / "oracle.npz", "--metrics", json.dumps(part),
         "--out-references", tmp_path / "references.json",
         "--out-parts", tmp_path / "oracles.json")  # fmt: skip
    assert set(read_json(tmp_path / "references.json")["references"]) == {"klom"}
    tables = set(read_json(tmp_path / "oracles.json")) - {"made_by", "of"}
    assert tables == {"accuracy", "accuracy_models"}


@pytest.fixture
def diverged(folder, tmp_path):
    """Oracles of which every margin is no number."""
    whole, path = Record.load([folder / "oracle.npz"]), tmp_path / "diverged.npz"
    margins = np.full_like(whole["margin"], np.nan)
    replace(whole, statistics={**whole.statistics, "margin": margins}).save(path)
    return path


@pytest.mark.parametrize("program", ["oracles", "score", "number_of_models", "worlds"])
def test_oracles_that_all_diverged_have_no_score(folder, tmp_path, diverged, program):
    out = tmp_path / "out"
    out.mkdir()
    set_of = ("--forget-set", "mine", "--split", folder / "forget.json", "--metrics", KLOM)
    words = {
        "oracles": ("score_oracles", *set_of, "--oracles", diverged,
                    "--out-references", out / "references.json", "--out-parts", out / "a.json"),
        "score": scoring(folder, tmp_path, oracles=diverged, out=out / "a.json"),
        "number_of_models": ("score_number_of_models", *set_of, "--oracles", diverged,
                             "--originals", folder / "original.npz", "--numbers", 2,
                             "--out", out / "a.json"),
        "worlds": worlds(folder, out, oracles=diverged),
    }  # fmt: skip
    text = refused(*words[program])
    name = "pc1_mine" if program == "worlds" else "mine"
    assert text.startswith(
        f"{diverged}: 4 of 4 oracles of the forget set {name} diverged, and at 160 of 160 points "
    )
    assert list(out.iterdir()) == []


def worlds(folder, out, **changed):
    """The words of score_worlds on the few models."""
    words = {
        "study": "ascent", "forget-set": "pc1_mine", "split": folder / "forget.json",
        "originals": folder / "original.npz", "oracles": folder / "oracle.npz", "numbers": 2,
        "metrics": KLOM, "out": out / "worlds.json",
    } | changed  # fmt: skip
    return ("score_worlds", *(w for name, value in words.items() for w in (f"--{name}", value)))


def test_the_worlds_are_scored_and_judged(folder, tmp_path):
    done(*worlds(folder, tmp_path))
    done("judge_worlds", "--study", "ascent", "--parts", tmp_path / "worlds.json",
         "--claims", ROOT / "reports/ascent/claims.yaml", "--margin", 0.5,
         "--out", tmp_path / "worlds.csv")  # fmt: skip
    table = pd.read_csv(tmp_path / "worlds.csv")
    assert list(table) == ["id", "world", "verdict", "cases", "yes", "no", "undecided"]
    assert set(table["world"]) == set(WORLDS)
    assert (table.groupby("world")["id"].nunique() == table["id"].nunique()).all()
    original = table[table["world"] == "the original"].set_index("id")
    assert original.loc["scrub_stays_near_the_original", "verdict"] == "holds"


@pytest.mark.parametrize(
    ("program", "changed", "sentence"),
    [
        ("score", {"study": "theory"}, "--study is 'theory'; allowed: a"),
        ("score", {"originals": "forget.json"}, "forget.json: damaged or not a"),
        ("judge", {"margin": 0}, "--margin is 0.0; allowed: a number above 0"),
    ],
)
def test_wrong_words_of_worlds_are_one_sentence(folder, tmp_path, program, changed, sentence):
    if program == "judge":
        words = {
            "study": "ascent", "parts": folder / "forget.json", "margin": 0.5,
            "claims": ROOT / "reports/ascent/claims.yaml", "out": tmp_path / "worlds.csv",
        } | changed  # fmt: skip
        found = refused("judge_worlds", *(w for n, v in words.items() for w in (f"--{n}", v)))
    else:
        changed = {n: folder / v if n == "originals" else v for n, v in changed.items()}
        found = refused(*worlds(folder, tmp_path, **changed))
    assert sentence in found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--study", "nothing"), "--study is 'nothing'; allowed: a"),
        (("--study", "ascent"), "study ascent: margin is missing; needed"),
        (("--study", "ascent", "--settings", '{"foo": 1}'), "study ascent: unknown setting foo"),
        (("--study", "ascent", "--settings", '{"margin": 1, "definitions": {}}'),
         "is judged by claims; give"),
        (("--study", "theory", "--settings", '{"cases": "a", "seed": 0}'),
         'cases is "a"; allowed: a whole number'),
    ],
)  # fmt: skip
def test_wrong_words_of_judge_are_one_sentence(tmp_path, words, sentence):
    assert sentence in refused("judge", *words, "--out", tmp_path / "claims.csv")
