"""The program that plans a run, given what is wrong: it ends before Snakemake starts."""

import pytest
from by_hand import ROOT, refused, run

from palimpsest.files import InputError
from plan import slots_of


@pytest.fixture(autouse=True)
def _in_the_folder_of_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        ("0", "0 is no number of hours; allowed: above 0"),
        ("-3", "-3 is no number of hours; allowed: above 0"),
        ("nan", "nan is no number of hours; allowed: above 0"),
        ("many", "'many' is not a number"),
    ],
)
def test_hours_that_are_none(hours, found):
    done = run("plan", "--hours", hours)
    assert done.returncode == 2
    assert found in done.stderr


def test_an_unknown_device():
    assert refused("plan", "--device-profile", "h300") == (
        "--device-profile is 'h300'; allowed: epyc, epyc_slower"
    )


def test_a_configuration_that_is_wrong(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("run: mine\npopulations: {modells: 3}\n")
    told = refused("plan", "--configfile", file)
    assert "populations.modells is an unknown key (did you mean models?)" in told


def test_a_profile_that_is_not_there():
    told = refused("plan", "--workflow-profile", "profiles/none")
    assert told == (
        "--workflow-profile is profiles/none, which is not there; needed: a folder with one"
    )


def test_benchmarks_that_are_not_there(tmp_path):
    told = refused("plan", "--check", tmp_path, "--configfile", "config/smoke.yaml")
    assert told == f"--check is {tmp_path}, which has no benchmarks; needed: results/RUN"


def test_a_profile_without_gpus_is_enough_for_a_run_without_them(tmp_path):
    (tmp_path / "profile.yaml").write_text("jobs: 3\nresources:\n")
    assert slots_of(tmp_path, None, gpu=False).jobs == 3
    (tmp_path / "profile.yaml").write_text("jobs: 3\nresources: {gpu: 0}\n")
    assert slots_of(tmp_path, None, gpu=False).gpus == 3
    with pytest.raises(InputError, match="has 3 jobs and gpu=0; allowed: 1 or more of both"):
        slots_of(tmp_path, None, gpu=True)


@pytest.mark.parametrize(
    "lines", ["cores: 0", "cores: 2\nresources: {gpu: many}", "resources: 3.5"]
)
def test_a_profile_that_lets_nothing_run(tmp_path, lines):
    (tmp_path / "profile.yaml").write_text(lines + "\n")
    found = run("plan", "--workflow-profile", tmp_path)
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert f"error: {tmp_path}/profile.yaml: has " in found.stderr
    assert "allowed: 1 or more of both" in found.stderr
