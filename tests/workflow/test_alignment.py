"""The study of alignment from nothing to the end, at toy size."""

from pathlib import Path

import pandas as pd
import pytest
from running import check_shown, plan, run_study, snakemake

RFA = {"lr": [0.003], "batch": [64], "forget_per_batch": [8], "rank": [2]}
TINY = {
    "run": "tiny",
    "studies": ["alignment"],
    "data": {"train_size": 200, "val_size": 100},
    "training": {"epochs": 2, "peak_epoch": 1},
    "populations": {"models": 20, "block": 20, "stack": 10, "second_oracle": [],
                    "second_oracle_models": 20},
    "datamodels": {"estimators": {"last_layer": {"checkpoints": 4}}},
    "metrics": {"klom": {"null_repeats": 2, "redraws": 4}},
    "forget_sets": {"random_8": {"kind": "random", "size": 8, "seed": 0}},
    "alignment": {
        "experiments": {
            "table": {
                "forget_sets": ["class_3", "random_8"],
                "models": 20,
                "grids": {
                    "ga": [{"lr": [0.0001, 0.001], "epochs": [1], "optimiser": ["adamw"]}],
                    "ft": [{"lr": [0.001], "epochs": [1], "optimiser": ["adamw"]}],
                    "badt": [{"lr": [0.001]}],
                    "scrub": [{"lr": [0.001], "epochs": [1], "ascent_epochs": [1],
                               "optimiser": ["adamw"]}],
                    "rfa": [RFA],
                },
                "metrics": ["accuracy", "distances", "mia_entropy", "klom"],
            },
            "two_epochs": {
                "forget_sets": ["random_8"],
                "models": 6,
                "methods": ["nothing", "badt", "scrub", "rfa"],
                "grids": {
                    "badt": [{"lr": [0.001], "epochs": [2]}],
                    "scrub": [{"lr": [0.001], "epochs": [2], "ascent_epochs": [2]}],
                    "rfa": [{**RFA, "epochs": [2]}],
                },
                "metrics": ["accuracy", "distances"],
            },
            "gamma": {
                "forget_sets": ["class_3", "random_8"],
                "models": 5,
                "grids": {"rfa": [{**RFA, "gamma": [0.0, 0.5, 1.0]}]},
            },
            "sensitivity": {
                "forget_sets": ["class_3", "random_8"],
                "models": 5,
                "grids": {"rfa": [{**RFA, "rank": [1, 2]}, {**RFA, "mu": [1.0]}]},
            },
        },
        "tuning_models": 1,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study("alignment", TINY, tmp_path_factory.mktemp("alignment"))


def test_every_table_figure_and_verdict_of_the_task_is_made(folder: Path) -> None:
    made = {path.stem for path in (folder / "tables").glob("*.md")}
    assert made == {
        "table_1", "table_2", "table_5", "table_7", "table_9", "table_11", "chosen_rates", "gaps",
        "klom",
    }  # fmt: skip
    check_shown(folder, made, ("dots", "distances", "figure_5", "sensitivity", "klom_plane"))
    assert "Do adapters make a model forget?" in (folder / "report.html").read_text("utf-8")
    assert set(pd.read_csv(folder / "worlds.csv")["world"]) >= {"the original", "the oracle"}


def test_the_models_that_a_rate_is_chosen_on_are_not_reported(folder: Path) -> None:
    rates = pd.read_csv(folder / "tables" / "chosen_rates.csv")
    assert rates.groupby(["scenario", "method"])["chosen"].sum().eq(1).all()
    numbers = pd.read_csv(folder / "tables" / "table_1.csv")
    rows = pd.read_csv(folder / "table" / "accuracy_models.csv")
    row = numbers[(numbers["method"] == "RFA") & (numbers["subset"] == "D_ft")].iloc[0]
    own = rows[(rows["method"] == "rfa") & (rows["split"] == "val_forget")].sort_values("seed")
    assert row["models"] == 19
    assert row["mean"] == pytest.approx(100 * own["accuracy"].iloc[1:].mean(), rel=1e-4)


def test_a_second_time_nothing_is_to_be_done(folder: Path) -> None:
    assert plan(folder.parents[2], "alignment", "--configfile", "overlay.yaml") == []


def test_a_table_of_another_task_is_one_sentence(folder: Path) -> None:
    target = "results/tiny/alignment/tables/table_4.md"
    done = snakemake(folder.parents[2], "-n", target, "--configfile", "overlay.yaml")
    assert done.returncode == 1
    told = f"error: {target} shows what the run tiny does not have; allowed tables: chosen_rates, "
    assert told in done.stdout
