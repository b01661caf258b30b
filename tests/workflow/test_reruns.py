"""What is done again: exactly what depends on a change, and nothing where nothing changed.

The run `smoke` has two forget sets (random_8 with a second oracle, pc1_top_8) of one block each.
Every case changes one thing in a copy of the finished run and reads the jobs of a dry run.
"""

import os
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from running import (
    SMOKE,
    Job,
    copy_sources,
    outputs,
    plan,
    rules,
    snakemake,
    sources,
    write_overlay,
)

# The steps from the data to the tables. Figures, notebooks and reports come after them.
STEPS = (
    "prepare_data", "datamodel_block", "estimate_datamodel", "select_forget_set", "train_block",
    "unlearn_block", "score_oracles", "score", "score_number_of_models", "gather",
)  # fmt: skip
TABLES = {"gather": 7}  # klom, accuracy, sharing, number_of_models, null_check; redraws of two
TABLES_OF_SETTINGS = {"gather": 4}  # the first three; redraws of klom
SCORES = {"score_oracles": 2, "score": 8, "score_number_of_models": 2, **TABLES}
SCORES_OF_ONE_SET = {"score_oracles": 1, "score": 4, "score_number_of_models": 1, **TABLES}
SCORES_OF_ONE_METHOD = {"score": 2, **TABLES_OF_SETTINGS}
SCORES_OF_SETTINGS = {"score": 8, **TABLES_OF_SETTINGS}
MODELS = {
    "datamodel_block": 1, "estimate_datamodel": 1, "select_forget_set": 1, "train_block": 4,
    "unlearn_block": 8, **SCORES,
}  # fmt: skip
OF_IMPORTANT_SETS = {
    "estimate_datamodel": 1, "select_forget_set": 1, "train_block": 1, "unlearn_block": 4,
    **SCORES_OF_ONE_SET,
}  # fmt: skip
ONLY_IMPORTANT_SETS = {
    "select_forget_set": "pc1_top_8[.]json$",
    "train_block": "/oracle/pc1_top_8/",
    "unlearn_block": "/pc1_top_8/",
}


@dataclass(frozen=True)
class Case:
    """One change, of a setting or of a source file, and the steps that it must bring about."""

    steps: dict[str, int]
    overlay: dict | None = None
    edit: str | None = None
    only: dict[str, str] = field(default_factory=dict)
    """rule -> pattern that each of its outputs must match"""


def grid_of_ga(**changed: list) -> dict:
    """The grids of GA in `smoke` with values of the first one changed."""
    first = {"lr": [1e-3, 5e-2], "epochs": [1, 3], "forget_batch": [64]}
    first |= {"batch_norm": ["train", "frozen"]} | changed
    control = {"lr": [0.0], "epochs": [1, 3], "forget_batch": [64], "batch_norm": ["train"]}
    return {"ascent": {"grids": {"ga": [first, control]}}}


CASES = {
    "metrics.klom.percentile": Case(SCORES, {"metrics": {"klom": {"percentile": 90}}}),
    "metrics.klom.redraws": Case(
        {"score": 8, "score_number_of_models": 2, **TABLES}, {"metrics": {"klom": {"redraws": 5}}}
    ),
    "populations.stack": Case({}, {"populations": {"stack": 3}}),
    "a learning rate of ga": Case(
        {"unlearn_block": 2, **SCORES_OF_ONE_METHOD},
        grid_of_ga(lr=[1e-3, 1e-2]),
        only={"unlearn_block": "/ga/", "score": "/ga[.]"},
    ),
    "training.epochs": Case(MODELS, {"training": {"epochs": 4}}),
    "data.split_seed": Case(
        {**MODELS, "prepare_data": 1, "select_forget_set": 2}, {"data": {"split_seed": 1}}
    ),
    "forget_sets.random_8.seed": Case(
        {"select_forget_set": 1, "train_block": 2, "unlearn_block": 4, **SCORES_OF_ONE_SET},
        {"forget_sets": {"random_8": {"seed": 1}}},
        only={
            "select_forget_set": "random_8[.]json$",
            "train_block": "/(oracle|second_oracle)/random_8/",
            "unlearn_block": "/random_8/",
            "score_oracles": "random_8",
            "score": "/random_8/",
            "score_number_of_models": "/random_8[.]json$",
        },
    ),
    "ascent.figures.figure_1": Case(
        {}, {"ascent": {"figures": {"figure_1": {"forget_sets": ["random_8"]}}}}
    ),
    "datamodels.held_out": Case(  # a ninth subset is one more block: the first one stays
        {"datamodel_block": 1, **OF_IMPORTANT_SETS},
        {"datamodels": {"held_out": 9}},
        only={"datamodel_block": "/held_out/1[.]npz$", **ONLY_IMPORTANT_SETS},
    ),
    "a setting of the estimator": Case(
        OF_IMPORTANT_SETS,
        {"datamodels": {"estimators": {"last_layer": {"ridge": 0.1}}}},
        only=ONLY_IMPORTANT_SETS,
    ),
    "a setting of an estimator that is not used": Case(
        {}, {"datamodels": {"estimators": {"trak": {"seed": 1}}}}
    ),
    "datamodels/estimators/last_layer.py": Case(
        OF_IMPORTANT_SETS,
        edit="src/palimpsest/datamodels/estimators/last_layer.py",
        only=ONLY_IMPORTANT_SETS,
    ),
    "datamodels/estimators/trak.py": Case({}, edit="src/palimpsest/datamodels/estimators/trak.py"),
    "populations.models": Case(  # likewise
        {"train_block": 4, "unlearn_block": 8, **SCORES},
        {"populations": {"models": 10, "second_oracle_models": 10}},
        only={"train_block": "/1[.]", "unlearn_block": "/1[.]"},
    ),
    "klom/point_scores.py": Case(SCORES, edit="src/palimpsest/klom/point_scores.py"),
    "methods/ga.py": Case(
        {"unlearn_block": 2, **SCORES_OF_ONE_METHOD},
        edit="src/palimpsest/methods/ga.py",
        only={"unlearn_block": "/ga/", "score": "/ga[.]"},
    ),
    "training/sweep.py": Case(
        {"unlearn_block": 8, **SCORES_OF_SETTINGS},
        edit="src/palimpsest/training/sweep.py",
    ),
    "models/resnet9.py": Case(MODELS, edit="src/palimpsest/models/resnet9.py"),
    "data/forget_sets/random.py": Case(
        {"select_forget_set": 1, "train_block": 2, "unlearn_block": 4, **SCORES_OF_ONE_SET},
        edit="src/palimpsest/data/forget_sets/random.py",
        only={"train_block": "/(oracle|second_oracle)/random_8/"},
    ),
    "metrics/accuracy.py": Case(
        {"score_oracles": 2, **SCORES_OF_SETTINGS}, edit="src/palimpsest/metrics/accuracy.py"
    ),
    "config/machine.py": Case({}, edit="src/palimpsest/config/machine.py"),
    "the program score_oracles.py": Case(
        {"score_oracles": 2, **SCORES_OF_SETTINGS}, edit="src/score_oracles.py"
    ),
}  # fmt: skip


def planned_after(case: Case, folder: Path) -> list[Job]:
    """The jobs planned in `folder`, a copy of the finished run, after the change of a case."""
    arguments = ["--configfile", SMOKE]
    if case.overlay is not None:
        arguments.append(write_overlay(folder, case.overlay))
    if case.edit is not None:
        with (folder / case.edit).open("a", encoding="utf-8") as source:
            source.write("\n\ndef _added() -> int:\n    return 1\n")
    return plan(folder, *arguments)


def touch(folder: Path) -> None:
    """Give every source file the time of now."""
    for name in sources():
        os.utime(folder / name)


def remark(folder: Path) -> None:
    """Add a comment to the configuration."""
    for name in ("config.yaml", SMOKE):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("# a remark\n")


SAME = {
    "a bare touch of every source": touch,
    "a fresh checkout of the same bytes": copy_sources,
    "a comment in the configuration": remark,
}


def planned_where_nothing_changed(change: Callable[[Path], object], folder: Path) -> list[Job]:
    """The jobs planned in `folder`, a copy of the finished run, after what is no change."""
    change(folder)
    return plan(folder, "--configfile", SMOKE)


@pytest.fixture(scope="module")
def plans(
    finished_copy: Callable[[], Path], pool: ThreadPoolExecutor
) -> dict[str, Future[list[Job]]]:
    """The plan of every case, made ahead two at a time."""
    planned = {
        name: pool.submit(planned_after, case, finished_copy()) for name, case in CASES.items()
    }
    return planned | {
        name: pool.submit(planned_where_nothing_changed, change, finished_copy())
        for name, change in SAME.items()
    }


def test_a_second_run_does_nothing_and_says_so(undisturbed):
    done = snakemake(undisturbed.folder, "-c", "2", "--configfile", SMOKE)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert "rule " not in done.stdout


@pytest.mark.parametrize("name", CASES)
def test_a_change_rebuilds_exactly_what_depends_on_it(name, plans):
    case, jobs = CASES[name], plans[name].result()
    assert {rule: count for rule, count in rules(jobs).items() if rule in STEPS} == case.steps
    for rule, pattern in case.only.items():
        written = outputs([job for job in jobs if job.rule == rule])
        assert [path for path in written if not re.search(pattern, path)] == []


@pytest.mark.parametrize("name", SAME)
def test_what_is_no_change_rebuilds_nothing(name, plans):
    assert plans[name].result() == []


def drawn(paths: list[str]) -> set[str]:
    """The numbered figures among files."""
    return set(re.findall(r"ascent/(figure_\d)[.]pdf", " ".join(paths)))


def test_the_choice_of_a_figure_redraws_that_figure_alone(plans, undisturbed):
    assert drawn(outputs(plans["ascent.figures.figure_1"].result())) == {"figure_1"}
    present = drawn([str(path) for path in undisturbed.table("klom.csv").parent.iterdir()])
    assert drawn(outputs(plans["metrics.klom.percentile"].result())) == present
    assert len(present) > 1


def test_the_cases_reach_every_step():
    assert set().union(*(case.steps for case in CASES.values())) == set(STEPS)
