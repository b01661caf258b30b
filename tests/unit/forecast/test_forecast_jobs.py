"""The jobs of a dry run, as Snakemake prints them."""

from pathlib import Path

import pytest

from palimpsest.files import InputError
from palimpsest.forecast.jobs import names, parsed

SAID = Path(__file__).with_name("dry_run.txt").read_text(encoding="utf-8")


def test_each_job_has_its_files_wildcards_and_the_words_of_its_program():
    train, unlearn, everything = parsed(SAID.splitlines())
    assert (train.rule, unlearn.rule, everything.rule) == ("train_block", "unlearn_block", "all")
    assert train.inputs[-1] == "results/toy/splits/base.json"
    assert train.outputs[1] == "results/toy/populations/original/0.npz"
    assert train.benchmark == "results/toy/benchmarks/train_block/original/0.tsv"
    assert unlearn.wildcards == {"forget_set": "random_8", "method": "ga", "block": "0"}
    assert (train.gpu, unlearn.gpu) == (True, False)
    assert train.number("--models") == 8
    assert train.words["--record"] == ["margin", "correct"]
    assert train.words["--model"] == ['{"name": "resnet9", "width": 4}']
    assert (everything.words, everything.outputs) == ({}, ())


def test_a_command_of_two_lines_is_whole():
    unlearn = list(parsed(SAID.splitlines()))[1]
    assert unlearn.words["--settings"] == ['[{"lr": 0.005}]']
    assert unlearn.words["--caption"] == ["It is\ntwo lines long."]
    assert unlearn.words["--out"] == ["x"]
    assert unlearn.command.startswith("python src/unlearn_block.py --method ga")
    assert unlearn.command.endswith("> logs/toy/unlearn_block/random_8/ga/0.log 2>&1")


def test_a_command_that_never_ends_is_no_command():
    lines = [line for line in SAID.splitlines() if not line.startswith("two lines")]
    with pytest.raises(ValueError, match="No closing quotation"):
        list(parsed(lines))


def test_jobs_that_are_not_told_of_are_missed():
    lines = SAID.replace("rule unlearn_block:", "a new way to say it").splitlines()
    with pytest.raises(InputError, match="counts 3 jobs and tells of 2"):
        list(parsed(lines))


def test_nothing_to_be_done_is_no_job():
    assert list(parsed(["Building DAG of jobs...", "Nothing to be done."])) == []


def test_an_overlay_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"config/none\.yaml: there is no such overlay"):
        names(["config/none.yaml"])
