"""What this machine lacks for a configuration: each one clear sentence."""

import os
import shutil
import types
from pathlib import Path

import pytest

from palimpsest.config import machine
from palimpsest.files import InputError


def test_missing_data_files(project):
    overlay = {"data": {"name": "cifar10"}}
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
    monkeypatch.setattr(os, "access", lambda path, mode: False)
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
    assert "has 0.0 GB free and the run digits writes about 0.2 GB; needed: as much" in text
