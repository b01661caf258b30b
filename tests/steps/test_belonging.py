"""Whole, sealed files of another forget set, kind, method, setting or run are not scored."""

import importlib.util
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from by_hand import ROOT

from palimpsest.data.splits import Split, digest_of_labels
from palimpsest.files import InputError, read_json, write_json
from palimpsest.oracles import load_oracles
from palimpsest.parts import read_parts, scored_on, write_parts
from palimpsest.population import Population
from palimpsest.records import Record, load_population
from palimpsest.references import read_references, write_references
from palimpsest.studies.classes.figures import overlap

TRAIN, VAL, MODELS = 24, 8, 3
POINTS = np.arange(TRAIN + VAL)
LABELS = POINTS % 4
BASE = Split(POINTS[:TRAIN], POINTS[TRAIN:], dataset_checksum="abc",
             labels_checksum=digest_of_labels(LABELS))  # fmt: skip
SPLIT, OTHER = BASE.with_forget([1, 2, 5]), BASE.with_forget([3, 4, 5])
ANOTHER_RUN = replace(SPLIT, dataset_checksum="another")
SETTINGS = [{"lr": 0.1, "epochs": 1}, {"lr": 0.2, "epochs": 1}]
KLOM = {
    "mode": "ours", "direction": "unlearned||oracle", "bins": 5, "clip": 100.0, "floor": 1e-5,
    "percentile": 95.0, "null_repeats": 2, "redraws": 2,
}  # fmt: skip


def record(of, seeds, settings=0):
    shape = (*([settings] if settings else []), len(seeds), len(POINTS))
    margins = np.random.default_rng(seeds[0]).normal(3, 2, shape).astype(np.float32)
    statistics = {"margin": margins, "correct": margins > 0}
    return Record(statistics, POINTS, np.array(seeds), LABELS, of)


def costs(of, seeds=(0, 1, 2), settings=SETTINGS, **changed):
    number = len(settings)
    return {
        "of": of.as_map(), "method": of.method, "settings": settings, "seeds": list(seeds),
        "models": len(seeds), "passes": [12] * number, "seconds": [1.0] * number,
        "epochs_separate": 2, "epochs_shared": 2,
    } | changed  # fmt: skip


def leave(folder, split):
    """What a run leaves of a split: GA and FT of its originals, oracles, a second population."""
    folder.mkdir()
    split.save(folder / "split.json")
    original = record(Population.trained_on(replace(split, forget=[])), [0, 1, 2])
    original.save(folder / "original.npz")
    for name, first in (("oracle", 10), ("second", 20)):
        seeds = range(first, first + MODELS)
        record(Population.trained_on(split), list(seeds)).save(folder / f"{name}.npz")
    of = Population.of("oracle", split)
    write_json(folder / "oracle.json", {"of": of.as_map(), "models": MODELS, "seconds": 1.5})
    oracles = load_oracles([folder / "oracle.npz"], split, "mine")
    floors = {part: {"null": 1.0, "reversed_null": 1.0} for part in ("forget", "retain", "val")}
    write_references(folder / "references.json", {"klom": floors}, {"klom": KLOM}, oracles, split)
    for method in ("ga", "ft"):
        made = Population.unlearned(split, method, SETTINGS)
        record(made, [0, 1, 2], len(SETTINGS)).save(folder / f"{method}.npz")
        write_json(folder / f"{method}.json", costs(made))
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What a run leaves of two forget sets, and another run of another data set."""
    folder = tmp_path_factory.mktemp("runs")
    splits = {"mine": SPLIT, "other": OTHER, "another": ANOTHER_RUN}
    for name, split in splits.items():
        leave(folder / name, split)
    BASE.save(folder / "base.json")
    return folder


def words(runs, **changed):
    """Options of a program as words; paths are in the folder of runs."""
    named = []
    for option, value in changed.items():
        if value is not None:
            paths = [runs / value] if str(value).endswith((".json", ".npz")) else [value]
            named += [f"--{option.replace('_', '-')}", *map(str, paths)]
    return named


def refusal(monkeypatch, program, given):
    """The sentence with which the main function of a program ends."""
    spec = importlib.util.spec_from_file_location(program, ROOT / "src" / f"{program}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [program, *given])
    with pytest.raises(InputError) as told:
        module.main()
    assert "\n" not in str(told.value)
    return str(told.value)


COMMON = {"forget_set": "mine", "split": "mine/split.json", "oracles": "mine/oracle.npz"}
METRICS = {"metrics": json.dumps({"klom": KLOM, "accuracy": {}})}
PROGRAMS = {
    "score": COMMON | METRICS | {
        "method": "ga", "records": "mine/ga.npz", "costs": "mine/ga.json",
        "originals": "mine/original.npz", "references": "mine/references.json",
        "training_epochs": 2, "out": "out.json",
    },
    "score_oracles": COMMON | METRICS | {
        "costs": "mine/oracle.json", "out_references": "out.json", "out_parts": "parts.json",
    },
    "score_number_of_models": COMMON | METRICS | {
        "originals": "mine/original.npz", "second_oracles": "mine/second.npz", "numbers": 2,
        "out": "out.json",
    },
    "score_worlds": COMMON | METRICS | {
        "study": "ascent", "originals": "mine/original.npz", "numbers": 2, "out": "out.json",
        "second_oracles": "mine/second.npz",
    },
}  # fmt: skip
OF_OTHER = f"oracles of the split {OTHER.checksum[:12]}"
NEEDED = f"needed: oracles of the split {SPLIT.checksum[:12]}"
ORIGINALS = f"originals of the training set {SPLIT.train_checksum[:12]}"
ATTACKS = [
    *((program, {"oracles": "other/oracle.npz"}, f"oracle.npz: is of {OF_OTHER}; {NEEDED}")
      for program in PROGRAMS),
    *((program, {"oracles": "mine/original.npz"}, f"original.npz: is of {ORIGINALS}; {NEEDED}")
      for program in PROGRAMS),
    *((program, {"split": "base.json"}, "base.json: a base split, which has no forget set; needed")
      for program in PROGRAMS),
    *((program, {"originals": "mine/oracle.npz"}, f"; needed: {ORIGINALS}")
      for program in PROGRAMS if "originals" in PROGRAMS[program]),
    *((program, {"originals": "another/original.npz"}, f"; needed: {ORIGINALS}")
      for program in PROGRAMS if "originals" in PROGRAMS[program]),
    *((program, {"second_oracles": "mine/oracle.npz"}, "the model of seed 10 is in ")
      for program in PROGRAMS if "second_oracles" in PROGRAMS[program]),
    ("score", {"split": "other/split.json"}, f"oracle.npz: is of {NEEDED.partition(' ')[2]}; "),
    ("score", {"records": "other/ga.npz"}, "other/ga.npz: is of models that ga unlearned on the s"),
    ("score", {"records": "mine/ft.npz"}, "mine/ft.npz: is of models that ft unlearned on the spl"),
    ("score", {"records": "mine/original.npz"}, f"original.npz: is of {ORIGINALS}; needed: models"),
    ("score", {"costs": "other/ga.json"}, "other/ga.json: is of models that ga unlearned on the s"),
    ("score", {"costs": "mine/ft.json"}, "mine/ft.json: is of models that ft unlearned on the spl"),
    ("score", {"costs": "mine/oracle.json"}, "mine/oracle.json: not the costs of unlearning (met"),
    ("score", {"references": "other/references.json"}, f"references.json: is of {OF_OTHER}; "),
    ("score", {"models": 2}, "references.json: is of other oracles than those that are scored"),
    ("score", {"metrics": json.dumps({"klom": KLOM | {"bins": 9}})},
     "references.json: its reference of the metric klom was made with"),
    ("score_oracles", {"costs": "other/oracle.json"}, f"oracle.json: is of {OF_OTHER}; {NEEDED}"),
    ("score_oracles", {"costs": "mine/ga.json"}, "mine/ga.json: not the costs of training (se"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "changed", "sentence"), ATTACKS)
def test_files_of_another_population_are_refused(
    runs, monkeypatch, tmp_path, program, changed, sentence
):
    given = words(runs, **(PROGRAMS[program] | changed))
    outs = [place for place, word in enumerate(given) if word.startswith("--out")]
    for place in outs:
        given[place + 1] = str(tmp_path / f"{place}.json")
    assert sentence in refusal(monkeypatch, program, given)
    assert list(tmp_path.iterdir()) == []


GA = Population.unlearned(SPLIT, "ga", SETTINGS)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"settings": SETTINGS[:1]}, r"the costs of 1 settings, which are not the 2 of "),
        ({"settings": SETTINGS[::-1]}, r"the costs of 2 settings, which are not the 2 of "),
        ({"passes": [12]}, r"the costs of 2 settings, which are not the 2 of "),
        ({"seeds": [3, 4, 5]}, r"the costs of other models than those of .*ga\.npz; needed"),
        ({"seconds": 3}, r"not the costs of unlearning \(seconds: Input should be a valid list\)"),
        ({"passes": ["a", "b"]}, r"not the costs of unlearning \(passes\.0: "),
        ({"settings": {"lr": 1}}, r"not the costs of unlearning \(settings: "),
        ({"models": 0}, r"not the costs of unlearning \(models: "),
        ({"of": None}, r"does not say what models it is of; needed: models that ga unlearned on"),
        ({"of": {"kind": "unlearned"}}, r"does not say what models it is of; needed: models that"),
        ({"of": 3}, r"does not say what models it is of"),
    ],
)
def test_costs_of_another_shape_or_of_others_are_refused(
    runs, monkeypatch, tmp_path, changed, sentence
):
    write_json(tmp_path / "ga.json", costs(GA) | changed)
    given = words(runs, **(PROGRAMS["score"] | {"costs": None, "out": None}))
    told = refusal(
        monkeypatch, "score", [*given, "--costs", str(tmp_path / "ga.json"), "--out", "out.json"]
    )
    assert told.startswith(str(tmp_path / "ga.json"))
    assert re.search(sentence, told), told


FLOOR = {"null": 1.0, "reversed_null": 1.0}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"references": {}}, "holds no reference of the metric klom; delete it"),
        ({"references": {"klom": 3}}, "not a reference of the metric (klom: "),
        ({"references": {"klom": {"forget": FLOOR}}}, "not a reference of the metric (klom: "),
        ({"references": {"klom": {"forget": {"null": "a"}}}}, "(klom.forget.null: "),
        ({"references": [1]}, "not references of metrics; delete it"),
        ({"seeds": [10, 11]}, "is of other oracles than those that are scored against"),
        ({"of": {}}, "does not say what models it is of; needed: oracles"),
    ],
)
def test_references_of_another_shape_are_refused(runs, tmp_path, changed, sentence):
    path = tmp_path / "references.json"
    content = read_json(runs / "mine/references.json")
    write_json(path, content | changed)
    oracles = load_oracles([runs / "mine/oracle.npz"], SPLIT, "mine")
    with pytest.raises(InputError, match=rf"references\.json: .*{re.escape(sentence)}"):
        read_references(path, {"klom": KLOM}, oracles, SPLIT)
    del content["made_by"]  # and no seal
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"references\.json: damaged or altered"):
        read_references(path, {"klom": KLOM}, oracles, SPLIT)


def test_records_with_points_twice_other_labels_or_other_axes_are_refused(runs, tmp_path):
    whole, path = Record.load([runs / "mine/oracle.npz"]), tmp_path / "oracle.npz"
    points = np.where(POINTS == 1, 0, POINTS)
    more = {name: values[:, [*POINTS, 0]] for name, values in whole.statistics.items()}
    longer = replace(whole, statistics=more, points=np.r_[POINTS, 0], labels=np.r_[LABELS, 0])
    swept = {name: values[None] for name, values in whole.statistics.items()}
    for altered, sentence in (
        (replace(whole, points=points), "not a record .a point stands twice.; delete it"),
        (longer, "not a record .a point stands twice.; delete it"),
        (replace(whole, labels=3 - LABELS), "its labels are not those of the split's data set"),
        (replace(whole, statistics=swept), "its margins have 3 axes; needed: models, points"),
        (replace(whole, population=None), "does not say what models it is of; needed: oracles"),
    ):
        altered.save(path)
        with pytest.raises(InputError, match=rf"oracle\.npz: {sentence}"):
            load_population([path], SPLIT, "oracle")
    other = replace(whole, seeds=whole.seeds + 3, population=Population.of("oracle", OTHER))
    other.save(path)
    with pytest.raises(InputError, match=r"oracle\.npz: its models are not those of "):
        Record.load([runs / "mine/oracle.npz", path])


def test_what_judges_by_records_asks_the_same(runs):
    for name, split in (("mine/oracle.npz", "base.json"), ("another/original.npz", "base.json")):
        inputs = {"base": [runs / split], "originals": [runs / name]}
        with pytest.raises(InputError, match=rf"{name}: is of .*; needed: originals of the train"):
            overlap.draw(inputs | {"table_accuracy_models": []}, classes={})


def test_parts_of_two_runs_or_splits_are_refused(tmp_path):
    rows = pd.DataFrame([{"forget_set": "mine", "method": "ga", "split": "val", "klom": 1.0}])
    for name, split in (("mine", SPLIT), ("other", OTHER), ("another", ANOTHER_RUN)):
        write_parts(tmp_path / f"{name}.json", {"klom": rows}, scored_on(split, "mine"))
    paths = {name: tmp_path / f"{name}.json" for name in ("mine", "other", "another")}
    assert read_parts([paths["mine"]] * 2, "klom")[1] == SPLIT.train_checksum
    with pytest.raises(InputError, match=r"other\.json: mine is the split .*; needed: parts of on"):
        read_parts([paths["mine"], paths["other"]], "klom")
    with pytest.raises(InputError, match=r"another\.json: is of the training set .*; needed: part"):
        read_parts([paths["mine"], paths["another"]], "klom")
    write_parts(paths["other"], {"klom": rows}, scored_on(OTHER, "other"))
    with pytest.raises(InputError, match=r"other\.json: has rows of other forget sets than other"):
        read_parts([paths["other"]], "klom")
    write_json(paths["other"], {"klom": {"columns": ["split"], "data": [["val"]]}})
    with pytest.raises(InputError, match=r"other\.json: does not say what forget set it is of"):
        read_parts([paths["other"]], "klom")
