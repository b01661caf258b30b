"""Tiny language models through the programs: trained, unlearned, scored; and what is refused."""

import json

import by_hand
import numpy as np
import pandas as pd
import pytest
from by_hand import refused
from synthetic_texts import VOCABULARY, texts

from palimpsest.data.splits import base_split
from palimpsest.records import Record
from palimpsest.weights import load_states

MODEL = ("--model", '{"name": "distilgpt2", "dim": 8, "layers": 1, "heads": 2}')
TRAINING = ("--training", '{"epochs": 2, "peak_epoch": 1, "batch_size": 16, "peak_lr": 0.5}')
KEPT = ("--record", "margin", "correct", "token_loss", "tokens", "entropy")
SETTINGS = '[{"lr": 0.05, "epochs": 1}, {"lr": 0.05, "epochs": 2}]'
METRICS = json.dumps({
    "klom": {"null_repeats": 2, "redraws": 2}, "perplexity": {}, "accuracy": {}, "mia_entropy": {},
})  # fmt: skip


def done(program, *args):
    """Run a program that must succeed; nothing of the libraries is on its screen."""
    ran = by_hand.done(program, *args)
    assert ran.stdout == ""
    assert all(line[2] == line[5] == ":" for line in ran.stderr.splitlines()), ran.stderr
    return ran


def trained(folder, name, split, first, models=2):
    done("train_block", "--dataset", folder / "dataset.npz", "--split", folder / f"{split}.json",
         "--first-seed", first, "--models", models, *MODEL, *TRAINING, *KEPT,
         "--out-weights", folder / f"{name}.safetensors",
         "--out-record", folder / f"{name}.npz")  # fmt: skip


def unlearning(folder, **changed):
    """The words of unlearn_block: GA in two settings."""
    words = {
        "dataset": folder / "dataset.npz", "split": folder / "forget.json",
        "weights": folder / "original.safetensors", "method": "ga", "settings": SETTINGS,
        "model": MODEL[1], "out-record": folder / "ga.npz", "out-costs": folder / "ga.json",
    } | changed  # fmt: skip
    return (*(word for name, value in words.items() for word in (f"--{name}", value)), *KEPT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two originals, two oracles, and what GA makes of the originals."""
    folder = tmp_path_factory.mktemp("texts")
    dataset = texts(90)
    dataset.save(folder / "dataset.npz")
    base = base_split(dataset, val_fraction=0.3, train_size=None, val_size=None, seed=0)
    base.save(folder / "base.json")
    base.with_forget(base.train[:8]).save(folder / "forget.json")
    trained(folder, "original", "base", 0)
    trained(folder, "oracle", "forget", 50)
    done("unlearn_block", *unlearning(folder))
    return folder


def test_a_record_holds_the_statistics_of_texts(folder):
    record = Record.load([folder / "ga.npz"])
    assert set(record.statistics) == set(KEPT[1:])
    assert {values.shape for values in record.statistics.values()} == {(2, 2, 90)}
    lengths = (texts(90).pool != 0).sum(1) - 1
    assert np.array_equal(record["tokens"][0, 1], lengths[record.points])
    assert np.array_equal(record.labels, texts(90).labels[record.points])
    original = Record.load([folder / "original.npz"])
    mean = original["token_loss"].sum(1) / original["tokens"].sum(1)
    assert (mean < np.log(VOCABULARY)).all()  # something was learned
    forget = np.flatnonzero(np.isin(record.points, record.points[:8]))
    worse = record["token_loss"][1][:, forget] - original["token_loss"][:, forget]
    assert worse.mean() > 0  # and ascended


def test_a_head_is_stored_once_and_a_model_has_its_bits_in_any_block(folder, tmp_path):
    states, metadata = load_states(folder / "original.safetensors")
    assert list(states) == [0, 1] and "distilgpt2" in metadata["arguments"]
    shapes = [tuple(value.shape) for value in states[0].values()]
    assert shapes.count((VOCABULARY, 8)) == 1
    for name in ("dataset.npz", "base.json"):
        (tmp_path / name).symlink_to(folder / name)
    trained(tmp_path, "again", "base", 1, models=1)
    again = load_states(tmp_path / "again.safetensors")[0][1]
    assert all(again[name].equal(value) for name, value in states[1].items())
    records = [Record.load([at / name]) for at, name in
               ((folder, "original.npz"), (tmp_path, "again.npz"))]  # fmt: skip
    for name in KEPT[1:]:
        assert np.array_equal(records[0][name][1:], records[1][name])


def test_language_models_are_scored_by_every_metric_of_records(folder, tmp_path):
    oracle = ("--split", folder / "forget.json", "--oracles", folder / "oracle.npz")
    done("score_oracles", "--forget-set", "mine", *oracle, "--metrics", METRICS,
         "--out-references", tmp_path / "references.json",
         "--out-parts", tmp_path / "oracles.json")  # fmt: skip
    done("score", "--forget-set", "mine", "--method", "ga", *oracle, "--records", folder / "ga.npz",
         "--originals", folder / "original.npz", "--costs", folder / "ga.json",
         "--references", tmp_path / "references.json", "--training-epochs", 2,
         "--metrics", METRICS, "--out", tmp_path / "ga.json")  # fmt: skip
    tables = {}
    for table in ("klom", "perplexity", "perplexity_models", "mia_entropy"):
        parts = [tmp_path / "ga.json", *([tmp_path / "oracles.json"] if table != "klom" else [])]
        done("gather", "--table", table, "--parts", *parts, "--out", tmp_path / f"{table}.csv")
        tables[table] = pd.read_csv(tmp_path / f"{table}.csv")
    assert np.isfinite(tables["klom"]["klom"]).all() and len(tables["klom"]) == 2 * 3
    assert tables["perplexity"]["perplexity"].between(1, VOCABULARY).all()
    assert set(tables["perplexity"]["method"]) == {"ga", "oracle"}
    assert len(tables["perplexity_models"]) == 2 * 3 * 2 + 3 * 2
    assert tables["mia_entropy"][["svm", "logistic"]].stack().between(0, 1).all()
    for name in ("perplexity", "mia_entropy"):
        columns = list(tables[name])
        assert columns.index("epochs") < columns.index("split") < columns.index("n_models")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"record": ["logits"]}, "--record names logits, and the model predicts the next token"),
        ({"method": "random_labels", "settings": '[{"epochs": 1}]'},
         "the method teaches wrong classes (random_including), and the model predicts the next to"),
        ({"model": '{"name": "resnet9", "width": 2}'},
         "model.name is resnet9, which reads images, and the data set holds texts; allowed: "),
        ({"model": '{"name": "distilgpt2", "dim": 8, "heads": 3}'},
         "model.heads is 3; allowed: a divisor of dim, which is 8"),
        ({"model": '{"name": "distilgpt2", "pretrained": "nowhere"}'},
         "model.pretrained is nowhere, which is not there; allowed: a folder with config.json and"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(folder, tmp_path, changed, sentence):
    own = {"out-record": tmp_path / "ga.npz", "out-costs": tmp_path / "ga.json"}
    record = changed.get("record", ["margin", "correct"])
    words = unlearning(folder, **{k: v for k, v in changed.items() if k != "record"} | own)
    assert sentence in refused("unlearn_block", *words, "--record", *record)
    assert list(tmp_path.iterdir()) == []
