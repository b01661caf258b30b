"""The tool that scores margins without the workflow, on folders and on records."""

import json
from dataclasses import replace

import numpy as np
import pytest
from by_hand import refused, run

from palimpsest.data.splits import Split
from palimpsest.klom import klom, null_floor
from palimpsest.population import Population
from palimpsest.records import Record

TOOL = "../tools/score_margins"
TRAIN, VAL, MODELS = 12, 6, 15
FORGET = np.array([2, 7, 9])
PLACES = {
    "forget": FORGET,
    "retain": np.setdiff1d(np.arange(TRAIN), FORGET),
    "val": np.arange(TRAIN, TRAIN + VAL),
}


@pytest.fixture(scope="module")
def margins():
    """Unlearned models off on the forget set, and oracles: (models, train then val)."""
    unlearned, oracle = np.random.default_rng(0).normal(8, 1, (2, MODELS, TRAIN + VAL))
    unlearned[:, FORGET] += 3
    return {"unlearned": unlearned.astype(np.float32), "oracle": oracle.astype(np.float32)}


@pytest.fixture(scope="module")
def folder(margins, tmp_path_factory):
    root = tmp_path_factory.mktemp("dub")
    for kind, population in {"mine": margins["unlearned"], "oracle": margins["oracle"]}.items():
        for part, places in PLACES.items():
            where = root / "margins" / "cifar10" / kind / "forget_5" / part / "resnet9"
            where.mkdir(parents=True)
            for model, row in enumerate(population):
                np.save(where / f"id_{model}_epoch_23.npy", row[places])
    return root


@pytest.fixture(scope="module")
def records(margins, tmp_path_factory):
    root = tmp_path_factory.mktemp("records")
    points = np.arange(TRAIN + VAL)
    split = Split(points[:TRAIN], points[TRAIN:], FORGET)
    split.save(root / "split.json")
    for name, population in margins.items():
        values = population[None] if name == "unlearned" else population
        values = np.concatenate([values, values + 1]) if name == "unlearned" else values
        statistics = {"margin": values, "correct": values > 0}
        seeds, of = np.arange(MODELS), Population.of(name, split)
        Record(statistics, points, seeds, points % 10, of).save(root / f"{name}.npz")
    return root


def from_folder(folder, *more):
    return (TOOL, "--folder", folder, "--forget-set", 5, "--unlearned", "mine",
            "--oracle", "oracle", *more)  # fmt: skip


def from_records(root, *more):
    return (TOOL, "--split", root / "split.json", "--unlearned", root / "unlearned.npz",
            "--oracle", root / "oracle.npz", *more)  # fmt: skip


def test_folders_and_records_give_the_numbers_of_the_library(folder, records, margins, tmp_path):
    chosen = ("--mode", "easydub-2026", "--direction", "oracle||unlearned", "--repeats", 3,
              "--percentile", 90, "--models", 11)  # fmt: skip
    done = run(*from_folder(folder, *chosen, "--out", tmp_path / "a.json"))
    assert done.returncode == 0, done.stderr
    again = run(*from_records(records, *chosen, "--setting", 0, "--out", tmp_path / "b.json"))
    assert again.returncode == 0, again.stderr
    assert done.stdout == again.stdout
    assert "mode easydub-2026, oracle||unlearned" in done.stdout and "P90" in done.stdout
    found = json.loads((tmp_path / "a.json").read_text())
    assert found == json.loads((tmp_path / "b.json").read_text())
    settings = {"mode": "easydub-2026", "direction": "oracle||unlearned"}
    for part, places in PLACES.items():
        pair = [margins[name][:11, places] for name in ("unlearned", "oracle")]
        scores, row = klom(*pair, **settings), found["parts"][part]
        assert row["klom"] == np.percentile(scores, 90)
        assert row["klom_mean"] == scores.mean()
        everything = {"all": np.arange(len(places))}
        floors = null_floor(pair[1], everything, repeats=3, percentile=90, **settings)
        assert row["null"] == floors["all"].mean()
        assert (row["points"], row["oracle_models"]) == (len(places), 11)
        assert f"{part:<8}{len(places):>8}{'11/11':>12}{row['klom']:>10.4f}" in done.stdout


def test_oracles_that_diverged_are_told_and_where_none_is_finite_there_is_no_score(
    folder, records, tmp_path
):
    whole = Record.load([records / "oracle.npz"])
    for diverged, point in ((2, slice(None)), (MODELS, 4)):
        margins = whole["margin"].copy()
        margins[:diverged, point] = np.nan
        path = tmp_path / f"{diverged}.npz"
        replace(whole, statistics={**whole.statistics, "margin": margins}).save(path)
    words = ("--setting", 0, "--repeats", 2, "--oracle")
    some = run(*from_records(records, *words, tmp_path / "2.npz"))
    assert some.returncode == 0, some.stderr
    assert "2.npz: 2 of 15 oracles of the forget set split diverged (a margin" in some.stderr
    assert refused(*from_records(records, *words, tmp_path / f"{MODELS}.npz")) == (
        f"{tmp_path}/15.npz: 15 of 15 oracles of the forget set split diverged, and at 1 of 18 "
        "points none of them has a finite margin, so that there is no score; needed: oracles that "
        "train without diverging"
    )
    place = folder / "margins" / "cifar10" / "bad" / "forget_5" / "forget" / "resnet9"
    place.mkdir(parents=True)
    for model in range(3):
        np.save(place / f"id_{model}_epoch_23.npy", np.full(len(FORGET), np.inf, np.float32))
    text = refused(*from_folder(folder, "--oracle", "bad", "--models", 3))
    assert text.startswith(f"{folder}: 3 of 3 oracles of the forget set 5 (forget) diverged, and")


def test_wrong_words_and_files_get_one_sentence(folder, records, tmp_path):
    assert "holds 2 settings; needed: --setting, 0 to 1" in refused(*from_records(records))
    wrong = from_records(records, "--setting", 0, "--models", 99)
    assert "99 models were asked for; allowed: 1 to 15" in refused(*wrong)
    wrong = from_records(records, "--setting", 5, "--unlearned", records / "oracle.npz")
    assert "oracle.npz: is no sweep of settings, and --setting is 5" in refused(*wrong)
    assert "floor is 2.0" in refused(*from_folder(folder, "--floor", 2))
    wrong = (TOOL, "--folder", folder, "--unlearned", "mine", "--oracle", "oracle")
    assert refused(*wrong) == "--forget-set is missing; needed with --folder: its number"
    assert "there is no such folder" in refused(*wrong, "--forget-set", 6)
    broken = tmp_path / "oracle.npz"
    broken.write_bytes(b"PK")
    assert "damaged" in refused(*from_records(records, "--setting", 0, "--oracle", broken))
