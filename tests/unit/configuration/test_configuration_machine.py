"""What this machine lacks for a configuration: each one clear sentence."""

import os
import re
import shutil
import types
from pathlib import Path

import pytest

from palimpsest import config, registry
from palimpsest.config import machine, needs
from palimpsest.files import InputError
from palimpsest.models import resnet9

ROOT = Path(__file__).parents[3]


def test_missing_data_files(project):
    overlay = {"data": {"name": "cifar10"}, "datamodels": {"shipped": None}}
    project(overlay)
    with pytest.raises(InputError) as error:
        project(overlay, machine=True)
    assert str(error.value).startswith("mine.yaml: data.name is cifar10: ")
    assert "data_batch_1: there is no such file; put the CIFAR-10" in str(error.value)
    folder = project.root / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("test_batch", "batches.meta", *(f"data_batch_{n}" for n in range(1, 6))):
        (folder / name).write_bytes(b"cut off")
    with pytest.raises(InputError, match="data_batch_1: damaged or another file"):
        project(overlay, machine=True)


def test_a_results_folder_that_cannot_be_written(sentence, project, monkeypatch):
    (project.root / "results").write_text("a file")
    text = sentence(machine=True)
    assert text.startswith(f"{project.root / 'results'} is not a folder; needed: a folder that can")
    (project.root / "results").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    text = sentence(machine=True)
    assert text.startswith(
        f"{project.root} cannot be written; needed: a folder that can be written"
    )
    assert not (project.root / "results").exists()


def test_a_folder_that_only_an_attempt_shows_to_be_closed():
    # The folder grants root everything and refuses new files all the same.
    with pytest.raises(InputError, match="/proc cannot be written"):
        machine.check_results(Path("/proc/results/digits"))


def test_cuda_where_there_is_no_gpu(sentence, project, monkeypatch):
    overlay = {"device": "cuda"}
    monkeypatch.setattr(machine, "may_have_gpu", lambda: False)
    assert sentence(overlay, machine=True) == (
        "mine.yaml: device is cuda and this machine shows no GPU; allowed: cpu here"
    )
    project(overlay)
    monkeypatch.setattr(machine, "may_have_gpu", lambda: True)
    project(overlay, machine=True)


def test_signs_of_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_GPU_FILES", (str(tmp_path / "nvidia0"),))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(sysname="Linux"))
    assert not machine.may_have_gpu()
    (tmp_path / "nvidia0").touch()
    assert machine.may_have_gpu()
    (tmp_path / "nvidia0").unlink()
    for program in ("nvidia-smi", "sbatch"):
        path = tmp_path / program
        path.touch(mode=0o755)
        assert machine.may_have_gpu()
        path.unlink()
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(sysname="Darwin"))
    assert machine.may_have_gpu()


def test_a_full_disk(sentence, monkeypatch):
    free = types.SimpleNamespace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    text = sentence(machine=True)
    assert re.search(r"has 10\.0 MB free and the run digits writes about \d+\.\d MB; needed", text)


def test_sizes_in_the_unit_that_fits():
    found = [machine.in_units(size) for size in (0, 999, 1000, 2_500_000, 3 * 10**9, 10**13)]
    assert found == ["0 bytes", "999 bytes", "1.0 KB", "2.5 MB", "3.0 GB", "10000.0 GB"]


# What a run needs


def facts_of(merged):
    source = registry.module("data/sources", merged["data"]["name"])
    return source.facts(ROOT / "data", "official")


def needs_of(overlay=None, facts="known", **digits):
    """Memory and minutes of every step, for a shipped configuration."""
    merged = config.load(
        [ROOT / "config.yaml", *([ROOT / f"config/{overlay}.yaml"] if overlay else [])]
    )
    merged = config.merge(merged, digits)
    known = facts_of(merged) if facts == "known" else None
    return {
        step: (needs.memory_mb(step, merged, known), needs.minutes(step, merged, known))
        for step in TODAY
    }


TODAY = {
    "prepare_data": ((4000, 60), (4000, 60)),
    "train_block": ((4000, 240), (4000, 240)),
    "datamodel_block": ((4000, 240), (4000, 240)),
    "unlearn_block": ((8000, 720), (8000, 720)),
    "estimate_datamodel": ((8000, 240), (64000, 240)),
    "select_forget_set": ((2000, 60), (2000, 60)),
    "score": ((16000, 240), (16000, 240)),
}
"""step -> (MB, minutes) of digits and of CIFAR-10, as they were when each rule named a number"""


@pytest.mark.parametrize(("overlay", "column"), [(None, 0), ("cifar10", 1)])
def test_memory_and_minutes_are_those_that_were_enough(overlay, column):
    for step, found in needs_of(overlay).items():
        for value, today in zip(found, TODAY[step][column], strict=True):
            assert today / 2 <= value <= today * 2, (step, found)


def test_needs_grow_with_what_causes_them():
    base, unknown = needs_of(), needs_of(facts=None)
    wide, long = needs_of(model={"width": 64}), needs_of(training={"epochs": 2400})
    small, slow = needs_of(data={"train_size": 100}), needs_of("cifar10", device="cpu")
    for step in ("train_block", "datamodel_block", "unlearn_block"):
        assert wide[step][0] > base[step][0]
        assert wide[step][1] > 1.5 * base[step][1]
        assert slow[step][1] > 10 * needs_of("cifar10")[step][1]
    assert long["train_block"][1] > 2 * base["train_block"][1]
    assert long["unlearn_block"] == base["unlearn_block"]
    assert small["estimate_datamodel"][0] < base["estimate_datamodel"][0]
    logits = needs_of(ascent={"record": ["logits"]})
    assert logits["score"][0] > base["score"][0]
    assert logits["unlearn_block"][0] > base["unlearn_block"][0]
    assert all(unknown[step] >= base[step] for step in base)
    assert needs_of(facts=None, data={"train_size": 10**6}) == unknown


def test_the_disk_need_grows_with_what_is_kept():
    base = config.load([ROOT / "config.yaml"])
    facts = facts_of(base)

    def need(**overlay):
        return needs.disk_bytes(config.merge(base, overlay), facts, 1437, 360)

    models = 100 * (1 + 3 * (1 + 50 + 4 + 4)) + 100
    weights = resnet9.weights(facts, width=4)
    assert need() == models * 1797 * 5 + 100 * weights * 4
    assert need(ascent={"record": ["logits"]}) == need() + models * 1797 * 2 * 10
    assert need(ascent={"forget_sets": ["random_100"]}) < need() / 2.5
    assert need(studies=["theory"]) < need() / 25


def test_models_on_subsets_take_disk_where_an_estimate_is_made():
    base = config.load([ROOT / "config.yaml"])
    facts = facts_of(base)

    def need(**datamodels):
        return needs.disk_bytes(config.merge(base, {"datamodels": datamodels}), facts, 1437, 360)

    halves = need(estimator="half_subsets", shipped=None)
    assert halves == need(shipped=None) + 176 * 1437 * 5
    assert need(shipped="digits") == need(shipped=None) - 200 * 1437 * 5


def test_an_experiment_counts_its_own_models_and_its_own_records():
    facts = facts_of(config.load([ROOT / "config.yaml"]))

    def need(**experiment):
        one = {"forget_sets": ["class_3"], "methods": ["ft"], "metrics": ["accuracy"]}
        merged = config.load([ROOT / "config.yaml"])
        merged["classes"]["experiments"] = {"one": one | {"models": 4} | experiment}
        merged = config.merge(merged, {"studies": ["classes"]})
        disk = needs.disk_bytes(merged, facts, 1437, 360)
        return disk, needs.memory_mb("score", merged, facts)

    few, every = need(), need(models=None)
    assert every[0] - few[0] == 2 * 96 * 1797 * 5  # oracles and unlearned models
    assert need(models=100) == every
    kept = 100 + 2 * 4  # all originals, the experiment's oracles and unlearned models
    assert need(record=["logits"])[0] - few[0] == kept * 1797 * 2 * 10
    assert need(record=["features"])[0] - few[0] == kept * 1797 * 2 * needs.WIDEST
    assert need(record=["features"], models=None)[1] > every[1]


def test_what_two_experiments_share_is_counted_once():
    facts = facts_of(config.load([ROOT / "config.yaml"]))

    def disk(**experiments):
        merged = config.load([ROOT / "config.yaml"]) | {"studies": ["classes"]}
        merged["classes"]["experiments"] = {
            name: {"forget_sets": ["class_3"], "methods": methods, "metrics": ["accuracy"],
                   "models": models}
            for name, (methods, models) in experiments.items()
        }  # fmt: skip
        return needs.disk_bytes(merged, facts, 1437, 360)

    alone = disk(one=(["ft"], 4))
    assert disk(one=(["ft"], 4), two=(["ft"], 2)) == alone
    assert disk(one=(["ft"], 4), two=(["ft", "ce_ft"], 2)) == alone + 2 * 1797 * 5


def test_a_run_that_memory_cannot_hold(sentence, project, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=10**18))
    monkeypatch.setattr(machine, "_SCHEDULERS", ())
    overlay = {
        "model": {"width": 20_000},
        "ascent": {"numbers_of_models": [2, 4]},
        "populations": {"models": 4, "block": 4, "stack": 4, "second_oracle_models": 4},
        "datamodels": {"estimators": {"last_layer": {"checkpoints": 4}}},
    }
    text = sentence(overlay, machine=True)
    assert re.match(
        r"mine\.yaml: a job of \w+_block of the run mine holds at least \d+\.\d GB at once, and "
        r"this machine has \d+\.\d GB of memory; needed: less data, a smaller model, or a smaller",
        text,
    )
    project(overlay)  # which only looks
    project(machine=True)
    monkeypatch.setattr(machine, "_SCHEDULERS", ("python3",))  # jobs may run elsewhere
    monkeypatch.setattr(shutil, "which", lambda name: name == "python3")
    project(overlay, machine=True)


@pytest.mark.parametrize("overlay", [None, "fashion", "cifar10", "digits-full"])
def test_what_is_held_is_less_than_what_is_asked_for(overlay):
    overlays = [ROOT / f"config/{overlay}.yaml"] if overlay else []
    merged = config.load([ROOT / "config.yaml", *overlays])
    for facts in (facts_of(merged), None):
        step, held = needs.least_mb(merged, facts)
        assert 0 < held < needs.memory_mb(step, merged, facts) / 2
