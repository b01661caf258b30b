"""The tables of the study of alignment: numbers, layout, and the paper's beside them."""

import inspect
import math
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from synthetic_alignment import (
    BEST,
    KLOM_MODELS,
    LEVELS,
    SETS,
    TASKS,
    TUNING,
    inputs_of,
    write_tables,
)

from palimpsest.printing import Interval, Value, as_latex, as_markdown
from palimpsest.registry import names
from palimpsest.studies.alignment.results import (
    METHODS,
    ORACLE,
    ORDER,
    SECOND,
    read_values,
    reported,
    summary,
)
from palimpsest.studies.alignment.tables import gaps
from palimpsest.tables import write_table

BESIDE = {
    TASKS[0]: {"dataset": "CIFAR-10", "model": "ResNet18"},
    TASKS[1]: {"dataset": "IMDB", "model": "DistilBERT"},
    TASKS[2]: {"dataset": "ELI5-Category", "model": "DistilGPT2"},
}
SHOWN = {
    TASKS[0]: {1, 2, 5, 7, 9, 11},
    TASKS[1]: {3, 10, 11},
    TASKS[2]: {4, 6, 8, 10, 11},
}
"""task -> the paper's tables of it"""
PAPER = [  # table, task, scenario, method, subset, quantity, value
    (1, 0, "class", "RFA", "D_rt", "accuracy", 95.52),
    (1, 0, "class", "Retrain", "D_rt", "accuracy", 95.89),
    (2, 0, "sample", "RFA", "D_f", "accuracy", 90.62),
    (3, 1, "sample", "BadT", "D_t", "accuracy", 92.92),
    (4, 2, "class", "Finetune", "D_ft", "perplexity", 42.50),
    (5, 0, "sample", "BadT", "D_f", "activation", 0.92),
    (6, 2, "class", "SCRUB", "D_f", "activation", 1.26),
    (7, 0, "sample", "Retrain", "D_f", "feature_1", 1.21),
    (8, 2, "sample", "RFA", "D_f", "feature_2", 0.39),
    (9, 0, "class", "RFA", "D_f", "mia", 0.0),
    (10, 1, "class", "RFA", "D_f", "mia", 0.05),
    (10, 2, "class", "RFA", "D_f", "mia", 0.50),
    (11, 2, "class", "RFA", "", "seconds", 79.05),
    (11, 2, "class", "Retrain", "", "seconds", 684.02),
]


def module(name):
    return import_module(f"palimpsest.studies.alignment.tables.{name}")


TABLES = names("studies/alignment/tables")
CASES = [(task, name) for task in TASKS for name in TABLES if task in module(name).TASKS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Task -> inputs."""
    found = {}
    for task in TASKS:
        folder = tmp_path_factory.mktemp("run")
        write_tables(folder, task, klom=True)
        rows = pd.DataFrame(
            PAPER, columns=["table", "task", "scenario", "method", "subset", "quantity", "value"]
        )
        rows["task"] = [TASKS[number] for number in rows["task"]]
        rows[["dataset", "model"]] = [tuple(BESIDE[name].values()) for name in rows["task"]]
        write_table(rows.assign(note=""), folder / "printed.csv")
        found[task] = inputs_of(folder, folder / "printed.csv")
    return found


def make(runs, task, name, **changed):
    table = module(name)
    settings = {"scenarios": SETS, "tuning_models": TUNING, "beside": BESIDE[task], **changed}
    known = inspect.signature(table.make).parameters
    inputs = {key: runs[task][key] for key in table.INPUTS}
    return table.make(inputs, **{key: own for key, own in settings.items() if key in known})


@pytest.mark.parametrize(("task", "name"), CASES)
def test_a_table_is_written_in_both_forms(runs, task, name):
    numbers, cells = make(runs, task, name)
    assert len(numbers) and len(cells)
    text = as_markdown(cells, "caption", "note")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    latex = as_latex(cells, "caption", "note")
    assert latex.count("{") == latex.count("}")
    assert "nan" not in text + latex


def test_each_task_has_the_papers_tables_of_it():
    for task, numbers in SHOWN.items():
        own = {name for one, name in CASES if one == task}
        assert own == {"chosen_rates", "gaps", "klom", *(f"table_{one}" for one in numbers)}


@pytest.mark.parametrize(("task", "name"), [
    (task, name) for task, name in CASES
    if name not in ("table_2", "table_11", "chosen_rates", "gaps", "klom")
])  # fmt: skip
def test_rows_are_the_papers_and_the_second_retrained_model(runs, task, name):
    _, cells = make(runs, task, name)
    methods = [one for one in cells["", "Methods"] if one]
    to_oracle = name in ("table_5", "table_6", "table_8")
    assert methods == [one for one in ORDER if not (to_oracle and one == ORACLE)]
    lines = set(cells["", ""])
    assert f"less {SECOND if to_oracle else ORACLE}" in lines
    assert f"paper, {', '.join(BESIDE[task].values())}" in lines
    shown = ["D_f"] if name in ("table_9", "table_10") else ["D_r", "D_f", "D_t"]
    assert cells["Sample unlearning"].columns.tolist() == shown
    shown = ["D_f"] if name in ("table_9", "table_10") else ["D_r", "D_f", "D_rt", "D_ft"]
    assert cells["Class unlearning"].columns.tolist() == shown


@pytest.mark.parametrize(("number", "task", "scenario", "method", "subset", "quantity", "value"),
                         [row for row in PAPER if row[0] != 11])  # fmt: skip
def test_the_papers_numbers_stand_beside_ours(
    runs, number, task, scenario, method, subset, quantity, value
):
    numbers, cells = make(runs, TASKS[task], f"table_{number}")
    row = numbers[(numbers["scenario"] == scenario) & (numbers["method"] == method)]
    row = row[(row["subset"] == subset) & (row["quantity"] == quantity)]
    assert row["paper"].item() == value
    named = cells["", "Methods"].replace("", None).ffill()
    line = cells[(named == method) & cells["", ""].str.startswith("paper")]
    title = {"sample": "Sample unlearning", "class": "Class unlearning"}[scenario]
    assert line[title, subset].item() == Value(value)


def test_cells_are_means_and_paired_differences(runs):
    _, cells = make(runs, TASKS[0], "table_1")
    values, _ = reported(read_values(runs[TASKS[0]], "table", SETS), TUNING)
    row = summary(values).set_index(["scenario", "method", "subset", "quantity"]).loc[
        ("class", "SCRUB", "D_ft", "accuracy")
    ]  # fmt: skip
    own = cells[cells["", "Methods"].replace("", None).ffill() == "SCRUB"].set_index(("", ""))
    cell = own["Class unlearning", "D_ft"]
    assert cell["this run"] == Value(row["mean"], row["sd"])
    assert cell["less Retrain"] == Interval(
        row["difference_low"], row["difference_high"], row["difference"]
    )


def test_methods_stand_at_their_chosen_rates(runs):
    numbers, _ = make(runs, TASKS[0], "table_1")
    rates = numbers.groupby("method")["lr"].agg(lambda own: set(own.dropna()))
    for method, rate in BEST.items():
        assert rates[METHODS[method]] == {rate}


def test_two_epochs_are_an_experiment_of_their_own(runs):
    numbers, _ = make(runs, TASKS[0], "table_2")
    assert set(numbers["scenario"]) == {"sample"}
    assert set(numbers["method"]) == {"Original", ORACLE, SECOND, "BadT", "SCRUB", "RFA"}
    rows = pd.read_csv(runs[TASKS[0]]["two_epochs_quality_models"][0])
    rows = rows[(rows["method"] == "scrub") & (rows["split"] == "forget")].sort_values("seed")
    own = numbers[(numbers["method"] == "SCRUB") & (numbers["subset"] == "D_f")]["mean"].item()
    assert own == pytest.approx(100 * rows["accuracy"].iloc[TUNING:].mean())


def test_the_attack_stands_beside_what_it_is_worth(runs):
    _, cells = make(runs, TASKS[1], "table_10")
    own = cells[cells["", "Methods"].replace("", None).ffill() == "RFA"].set_index(("", ""))
    worth = own.loc["attack right (all members)", ("Class unlearning", "D_f")]
    assert (worth.mean, worth.gap) == (0.8, 0.75)
    assert "logistic regression" in own.index


def test_seconds_and_what_they_save(runs, tmp_path):
    numbers, cells = make(runs, TASKS[2], "table_11")
    own = numbers[(numbers["method"] == "RFA") & (numbers["scenario"] == "class")].iloc[0]
    assert (own["mean"], own["saved"], own["passes"]) == pytest.approx((8.0, 80.0, 20.0))
    assert own["paper_saved"] == pytest.approx(100 * (1 - 79.05 / 684.02))
    oracle = numbers[numbers["method"] == ORACLE]
    assert oracle["saved"].isna().all() and (oracle["mean"] == 40).all()
    table = pd.read_csv(runs[TASKS[2]]["table_quality"][0]).assign(seconds=np.nan)
    write_table(table, tmp_path / "quality.csv", seal=True)
    inputs = {**runs[TASKS[2]], "table_quality": [tmp_path / "quality.csv"]}
    _, cells = make({TASKS[2]: inputs}, TASKS[2], "table_11")
    assert "this run" not in set(cells[""])
    assert "gradient passes, of Retrain's (%)" in set(cells[""])


def test_every_rate_stands_with_its_gap(runs):
    numbers, cells = make(runs, TASKS[0], "chosen_rates")
    row = cells[cells["Method"] == "RFA"].iloc[0]
    assert row["Rate"] == "0.001"
    assert row["An end of its grid"] == "no"
    own = numbers[(numbers["scenario"] == "sample") & (numbers["method"] == "RFA")]
    others = own[~own["chosen"]]
    assert row["Gap at the other rates"] == ", ".join(
        f"{lr:g}: {gap:.2f}" for lr, gap in zip(others["lr"], others["gap"], strict=True)
    )


def test_gaps_are_of_single_models_and_paired_with_those_of_rfa(runs):
    values, _ = reported(read_values(runs[TASKS[0]], "table", SETS), TUNING)
    wide = values[values["quantity"] == "accuracy"].pivot_table(
        "value", ["scenario", "place", "subset"], "method"
    )
    apart = wide.sub(wide[ORACLE], axis=0).abs().groupby(["scenario", "place"]).mean()
    numbers, _ = make(runs, TASKS[0], "gaps")
    found = numbers.set_index(["scenario", "method"])
    for method in ("NegGrad", SECOND, "RFA"):
        assert found.loc[("class", method), "mean"] == pytest.approx(
            apart.loc["class", method].mean()
        )
    expected = (apart.loc["class", "BadT"] - apart.loc["class", "RFA"]).mean()
    assert found.loc[("class", "BadT"), "difference"] == pytest.approx(expected)
    assert math.isnan(found.loc[("class", "RFA"), "difference"])
    assert found.loc[("sample", SECOND), "mean"] > 0
    assert set(gaps.average_gaps(values)["place"]) == set(values["place"])


def test_diverged_models_are_told_in_the_name(runs, tmp_path):
    rows = pd.read_csv(runs[TASKS[0]]["table_quality_models"][0])
    lost = (rows["method"] == "badt") & (rows["seed"] == TUNING) & (rows["lr"] == BEST["badt"])
    write_table(
        rows.assign(accuracy=rows["accuracy"].where(~lost)), tmp_path / "lost.csv", seal=True
    )
    inputs = {**runs[TASKS[0]], "table_quality_models": [tmp_path / "lost.csv"]}
    _, cells = make({TASKS[0]: inputs}, TASKS[0], "table_1")
    assert f"BadT (1 of {KLOM_MODELS - TUNING} diverged)" in set(cells["", "Methods"])


def test_klom_stands_beside_its_floor(runs):
    numbers, cells = make(runs, TASKS[2], "klom")
    row = numbers[(numbers["scenario"] == "class") & (numbers["method"] == "SCRUB")]
    row = row[row["subset"] == "D_f"].iloc[0]
    apart = LEVELS["class"]["scrub"][1] - LEVELS["class"]["oracle"][1]
    assert row["mean"] == pytest.approx(0.6 + apart / 10)
    assert (row["floor"], row["lr"]) == (0.6, BEST["scrub"])
    own = cells[cells["", "Methods"].replace("", None).ffill() == "SCRUB"].set_index(("", ""))
    assert own["Class unlearning", "D_f"]["null floor"] == Value(0.6)
    assert own["Class unlearning", "D_f"]["KLoM"] == Value(row["mean"])
