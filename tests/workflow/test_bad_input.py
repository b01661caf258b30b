"""Bad input, through the real command line: one sentence before any job starts, nothing written."""

import os
import pickle
import re
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from official import batch, write_checksums
from running import SMOKE, copy_sources, look, plan, write_overlay

from palimpsest.config.machine import may_have_gpu
from palimpsest.data.sources import cifar10


@dataclass(frozen=True)
class Case:
    """An overlay over `smoke`, perhaps as text, and what the sentence must name."""

    overlay: dict | str
    names: tuple[str, ...]
    command_line: str | None = None


def from_file(path: str) -> dict:
    """A run whose one forget set comes from a file."""
    return {
        "forget_sets": {"mine": {"kind": "file", "path": path}},
        "populations": {"second_oracle": []},
        "ascent": {
            "forget_sets": ["mine"],
            "figures": {
                "figure_1": {"forget_sets": ["mine"]},
                "figure_2": {"forget_set": "mine"},
                "figure_3": {"forget_sets": ["mine"]},
            },
        },
    }


def on_cifar10(data_dir: str, checksums: str = "official") -> dict:
    """The run on files of CIFAR-10."""
    data = {"name": "cifar10", "data_dir": data_dir, "checksums": checksums}
    return {"data": data | {"train_size": None, "val_size": None}}


GRID = {
    "lr": [0.1], "epochs": [2], "ascent_epochs": [1], "forget_batch": [8], "retain_batch": [8],
    "batch_norm": ["train"],
}  # fmt: skip
CASES = {
    "unknown key": Case(
        {"training": {"epoch": 3}},
        ("unknown key.yaml: training.epoch", "unknown key", "did you mean epochs", "peak_lr"),
    ),
    "unknown key on the command line": Case(
        {},
        ("the command line: seed", "unknown key", "allowed: run, studies, data"),
        command_line="seed=1",
    ),
    "wrong type": Case(
        {"training": {"epochs": 2.5}},
        ("wrong type.yaml: training.epochs", "2.5", "an integer of at least 1"),
    ),
    "a number that YAML reads as text": Case(
        {"training": {"weight_decay": "1e-5"}},
        ("a number that YAML reads as text.yaml: training.weight_decay", "'1e-5'", "1.0e-5"),
    ),
    "negative seed": Case(
        {"data": {"split_seed": -1}},
        ("negative seed.yaml: data.split_seed", "-1", "an integer of at least 0"),
    ),
    "forget set larger than the training set": Case(
        {"forget_sets": {"random_8": {"size": 300}}},
        ("training set.yaml: forget_sets.random_8.size", "300", "at most 299"),
    ),
    "forget index outside the training set": Case(
        from_file("outside.json"),
        ("set.yaml: forget_sets.mine.path", "1797", "not in the training set"),
    ),
    "forget index that train_size leaves out": Case(
        {
            **from_file("test.json"),
            "data": {"name": "fashion", "train_size": 300},
            "datamodels": {"held_out": 8},
        },
        ("leaves out.yaml: forget_sets.mine.path", "2000", "not in the training set"),
    ),
    "a path that is an option": Case(
        from_file("-n.json"), ("option.yaml: forget_sets.mine.path", "'-n.json'", "a path of at mo")
    ),
    "a path with a wildcard": Case(
        from_file("{x}.json"), ("wildcard.yaml: forget_sets.mine.path", "'{x}.json'", "a path of")
    ),
    "a forget set of brackets": Case(
        from_file("brackets.json"), ("of brackets.yaml: forget_sets.mine.path", "not valid JSON")
    ),
    "a forget set of huge indices": Case(
        from_file("huge.json"), ("huge indices.yaml: forget_sets.mine.path", "beyond 64 bits")
    ),
    "a rate that overflows": Case(
        {"training": {"peak_lr": 1.0e308}},
        ("overflows.yaml: training.peak_lr is 1e+308", "at most 1000000.0"),
    ),
    "a part without a point of each class": Case(
        {"data": {"val_fraction": 0.996, "train_size": None}},
        ("class.yaml: data.val_fraction 0.996", "7 training", "at least 10 of each"),
    ),
    "a name longer than a file name": Case(
        {"run": "a" * 300}, ("file name.yaml: run", "of 300 characters", "at most 100")
    ),
    "an integer beyond int64": Case(
        {"populations": {"models": 10**30}},
        ("int64.yaml: populations.models", "at most 1000000"),
    ),
    "an overlay that another file does not fit": Case(
        {"training": {"epochs": 1}},
        ("not fit.yaml: training.peak_epoch is 1 (in config/smoke.yaml)", "which is 1"),
    ),
    "a number that looks like another": Case(
        "run: mine\ntraining:\n  epochs: 030\n",
        ("another.yaml: line 3: 030, which YAML reads as 24; allowed: a decimal number",),
    ),
    "two merges of one map": Case(
        "run: mine\nforget_sets:\n  a: &a {size: 8}\n  b: &b {seed: 1}\n  c: {<<: *a, <<: *b}\n",
        ("two merges of one map.yaml: line 5: the key '<<' stands twice",),
    ),
    "a template": Case(
        "__use_yte__: true\nrun: mine\ntraining:\n  epochs: ?2 + 1\n",
        ("a template.yaml: has the key __use_yte__; needed: settings, and no template",),
    ),
    "a forget set that is a pipe": Case(
        from_file("pipe.txt"),
        ("is a pipe.yaml: forget_sets.mine.path: pipe.txt: is a pipe; needed: a file",),
    ),
    "histograms that no memory holds": Case(
        {"metrics": {"klom": {"bins": 2**31 - 1}}},
        ("no memory holds.yaml: metrics.klom.bins is 2147483647", "at most 1000"),
    ),
    "duplicate forget index": Case(
        from_file("duplicate.txt"),
        ("index.yaml: forget_sets.mine.path: duplicate.txt", "3", "twice"),
    ),
    "missing forget file": Case(
        from_file("absent.npy"),
        ("file.yaml: forget_sets.mine.path: absent.npy: there is no such file",),
    ),
    "empty grid": Case(
        {"ascent": {"grids": {"gda": []}}},
        ("empty grid.yaml: ascent.grids.gda", "empty grid", "at least one entry"),
    ),
    "empty list in a grid": Case(
        {"ascent": {"grids": {"gda": [{**GRID, "lr": []}]}}},
        ("in a grid.yaml: ascent.grids.gda[0].lr", "empty", "at least one entry"),
    ),
    "a study that does not exist": Case(
        {"studies": ["ascent", "clases"]},
        ("not exist.yaml: studies", "clases", "alignment, ascent, classes, theory"),
    ),
    "a method that does not exist": Case(
        {"ascent": {"methods": ["nothing", "gaa"]}},
        ("not exist.yaml: ascent.methods", "gaa", "did you mean ga", "gda"),
    ),
    "a metric that does not exist": Case(
        {"ascent": {"metrics": ["klom", "acuracy"]}},
        ("not exist.yaml: ascent.metrics", "acuracy", "did you mean accuracy"),
    ),
    "a statistic that does not exist": Case(
        {"ascent": {"record": ["logit"]}},
        ("not exist.yaml: ascent.record", "logit", "did you mean logits"),
    ),
    "a shipped estimate that does not exist": Case(
        {"datamodels": {"shipped": "mine"}},
        ("not exist.yaml: datamodels.shipped is mine", "null, to estimate anew"),
    ),
    "an estimate of more originals than there are": Case(
        {"datamodels": {"estimators": {"last_layer": {"checkpoints": 9}}}},
        ("are.yaml: datamodels.estimators.last_layer.checkpoints", "9", "at most", "which is 8"),
    ),
    "seeds of subsets that are not in step": Case(
        {"datamodels": {"first_seed": 1_000_001}},
        ("step.yaml: datamodels.first_seed", "1000001", "a multiple of datamodels.seeds"),
    ),
    "missing CIFAR-10 files": Case(
        on_cifar10("nowhere"),
        (
            "missing CIFAR-10 files.yaml: data.name is cifar10",
            "nowhere/cifar-10-batches-py/data_batch_1: there is no such file",
            "download: true",
        ),
    ),
    "missing synset folder": Case(
        {"data": {"name": "living17", "data_dir": "imagenet", "side": 32}},
        (
            "missing synset folder.yaml: data.name is living17",
            "imagenet/train/n01631663: there is no such folder, of eft",
            "needed: ImageNet in",
        ),
    ),
    "corrupt data file": Case(
        on_cifar10("tiny", "MD5SUMS"),
        (
            "corrupt data file.yaml: data.name is cifar10",
            "tiny/cifar-10-batches-py/data_batch_3: damaged",
            "fetch or convert it again",
        ),
    ),
}  # fmt: skip
if not may_have_gpu():  # where there is one, cuda is right
    CASES["cuda without a GPU"] = Case(
        {"device": "cuda"}, ("cuda without a GPU.yaml: device is cuda", "no GPU", "allowed: cpu")
    )


def write_tiny_cifar10(folder: Path) -> None:
    """Files in the format of the python batches, ten images each, the third one damaged."""
    folder.mkdir(parents=True)
    for name in cifar10.OFFICIAL_MD5:
        content = batch(np.zeros((10, 3, 32, 32), np.uint8), np.arange(10), name)
        (folder / name).write_bytes(pickle.dumps(content))
    write_checksums(folder, cifar10.OFFICIAL_MD5, train=50, test=10)
    third = folder / "data_batch_3"
    third.write_bytes(third.read_bytes()[:-10] + bytes(10))


def refused(folder: Path, *arguments: str) -> str:
    """The one sentence of a run that ends before its first job."""
    done = look(folder, "-c", "1", *arguments)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    assert not re.search(r"^(local)?rule ", done.stdout, re.M), done.stdout
    sentences = re.findall(r"^error: (.+)$", done.stdout, re.M)
    assert len(sentences) == 1, done.stdout
    assert done.stdout.rstrip().endswith(sentences[0]), "the sentence is the last thing said"
    return sentences[0]


def contents(folder: Path) -> set[str]:
    """The files below `folder` but for what Snakemake and Python keep for themselves."""
    paths = (path.relative_to(folder) for path in folder.rglob("*"))
    return {str(path) for path in paths if not {".snakemake", "__pycache__"} & {*path.parts}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the repository with files of data, two of them wrong."""
    folder = copy_sources(tmp_path_factory.mktemp("bad_input"))
    (folder / "outside.json").write_text("[1797]")  # digits has 1797 points, counted from 0
    (folder / "test.json").write_text("[2000]")  # fashion: the first of its test part
    (folder / "brackets.json").write_text("[" * 100_000)
    (folder / "huge.json").write_text(f"[1, {10**30}]")
    (folder / "duplicate.txt").write_text("3\n4\n3\n")
    os.mkfifo(folder / "pipe.txt")
    write_tiny_cifar10(folder / "tiny" / cifar10.FOLDER)
    for name, case in CASES.items():
        write_overlay(folder, case.overlay, f"{name}.yaml")
    return folder


@pytest.fixture(scope="module")
def before(project: Path) -> set[str]:
    """What lies in the project before the first run."""
    return contents(project)


@pytest.fixture(scope="module")
def sentences(project: Path, before: set[str], pool: ThreadPoolExecutor) -> dict[str, Future[str]]:
    """What every case says, two at a time."""
    answers = {}
    for name, case in CASES.items():
        arguments = ["--configfile", SMOKE, f"{name}.yaml"]
        arguments += ["--config", case.command_line] if case.command_line else []
        answers[name] = pool.submit(refused, project, *arguments)
    return answers


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_and_nothing_written(name, project, before, sentences):
    sentence = sentences[name].result()
    assert [part for part in CASES[name].names if part not in sentence] == [], sentence
    assert contents(project) == before


def test_several_errors_are_told_together(project):
    overlay = {"training": {"epochs": 1}, "populations": {"stack": 101}}
    name = write_overlay(project, overlay, "several.yaml")
    done = look(project, "-n", "--configfile", SMOKE, name)
    (project / name).unlink()
    assert done.returncode == 1
    assert [line.split(" (")[0].split(";")[0] for line in done.stdout.splitlines()[-2:]] == [
        "error: several.yaml: training.peak_epoch is 1",
        "error: several.yaml: populations.stack is 101",
    ]


def test_an_overlay_without_a_run_of_its_own(project):
    name = write_overlay(project, {"training": {"epochs": 30}}, "no run.yaml")
    sentence = refused(project, "--configfile", name)
    assert sentence.startswith("no run.yaml: run is missing, and its results would lie among those")
    assert len(plan(project, "--configfile", name, "--config", "run=mine")) > 20
    (project / name).unlink()


@pytest.mark.parametrize("target", ["classes", "results/smoke/classes/alpha/accuracy.csv"])
def test_a_target_of_a_study_that_is_not_listed(target, project, before):
    assert refused(project, target, "--configfile", SMOKE) == (
        f"config.yaml: studies is [ascent], and the target {target} belongs to classes; needed: "
        "classes among them, as in --config 'studies=[ascent, classes]'"
    )
    assert contents(project) == before


def test_a_target_after_configfile(project):
    (project / "results").mkdir()
    (project / "results" / "base.json").write_text("{}")
    sentence = refused(project, "--configfile", SMOKE, "results/base.json")
    assert sentence.startswith("results/base.json: is no file of settings; needed: ")
    assert sentence.endswith("targets before --configfile")
    shutil.rmtree(project / "results")


@pytest.mark.parametrize("place", ["results", "results/smoke"])
def test_a_file_in_the_place_of_the_results(place, tmp_path):
    folder = copy_sources(tmp_path / "project")
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text("mine")
    before = contents(folder)
    sentence = refused(folder, "--configfile", SMOKE)
    assert re.search(rf"{place} is not a folder; needed: a folder that can be written", sentence)
    assert contents(folder) == before
    assert (folder / place).read_text() == "mine"


def test_seed_0_is_allowed(project):
    overlay = {
        "data": {"split_seed": 0},
        "forget_sets": {"random_8": {"seed": 0}},
        "populations": {"first_seed": 500},
        "datamodels": {"first_seed": 0, "estimators": {"trak": {"seed": 0}}},
    }
    name = write_overlay(project, overlay, "seed 0.yaml")
    assert len(plan(project, "--configfile", SMOKE, name)) > 20
    (project / name).unlink()


def test_a_batch_may_exceed_the_forget_set(undisturbed):
    table = pd.read_csv(undisturbed.table("klom.csv"))
    large = table[table.forget_batch > 8]  # both forget sets of `smoke` have 8 points
    assert set(large.method) >= {"ga", "scrub"}
    assert set(large.split) == {"forget", "retain", "val"}
    assert np.isfinite(large.klom).all()
    assert (large.relative_cost[large.lr > 0] > 0).all()
