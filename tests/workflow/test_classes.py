"""The study of classes from nothing to the end, at toy size."""

from pathlib import Path

import pandas as pd
import pytest
from running import check_shown, plan, run_study

TINY = {
    "run": "tiny",
    "studies": ["classes"],
    "data": {"train_size": 200, "val_size": 100},
    "training": {"epochs": 2, "peak_epoch": 1},
    "populations": {"models": 4, "block": 4, "stack": 4, "second_oracle": [],
                    "second_oracle_models": 4},
    "datamodels": {"estimators": {"last_layer": {"checkpoints": 4}}},
    "metrics": {"klom": {"null_repeats": 2, "redraws": 4}, "mia": {"features": ["confidence"]}},
    "classes": {
        "experiments": {
            "table": {
                "forget_sets": ["class_3", "class_6"],
                "models": 2,
                "methods": ["nothing", "ft", "ce_ft", "ice_ft", "kl_ft"],
                "grids": {
                    "ft": [{"epochs": [1], "prepare": [None, {"name": "rbm_mask"}]}],
                    "ce_ft": [{"epochs": [1]}],
                    "ice_ft": [{"epochs": [1]}],
                    "kl_ft": [{"epochs": [1]}],
                },
            },
            "rates": {"forget_sets": ["class_3"], "models": 2,
                      "grids": {"ft": [{"epochs": [1], "lr": [0.01, 0.1]}]}},
            "alpha": {
                "forget_sets": ["class_3"],
                "models": 2,
                "grids": {name: [{"epochs": [1], "alpha": [0.1, 0.9]}]
                          for name in ("ce_ft", "ice_ft", "kl_ft")},
            },
            "divergence": {
                "forget_sets": ["class_3"],
                "models": 2,
                "grids": {
                    "ice_ft": [{"epochs": [1], "forward": ["retain_first", "joint"]}],
                    "kl_ft": [{"epochs": [1], "kl_reduction": ["batchmean", "mean"]}],
                },
            },
            "klom": {"forget_sets": ["class_3"], "models": 4, "methods": ["nothing", "ft"],
                     "grids": {"ft": [{"epochs": [1]}]}},
            "features": {"models": 2, "grids": {"ft": [{"epochs": [1]}]}},
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study("classes", TINY, tmp_path_factory.mktemp("classes"))


def test_every_table_figure_and_verdict_is_made(folder: Path) -> None:
    check_shown(
        folder,
        ("table_1", "table_2", "table_4", "masks"),
        (
            "figure_3",
            "dots",
            "figure_4",
            "figure_5",
            "klom_plane",
            "rates",
            "divergence",
            "overlap",
        ),
    )
    assert "Does fine-tuning forget a class?" in (folder / "report.html").read_text("utf-8")
    claims = pd.read_csv(folder / "claims.csv").set_index("id")["verdict"]
    assert claims["printed_gaps_are_differences"] == "fails"
    worlds = pd.read_csv(folder / "worlds.csv")
    assert set(worlds["world"]) >= {"the original", "the oracle", "half way"}


def test_each_experiment_has_its_own_number_of_models(folder: Path) -> None:
    table = pd.read_csv(folder / "table" / "accuracy_models.csv")
    klom = pd.read_csv(folder / "klom" / "accuracy_models.csv")
    assert table.groupby(["forget_set", "method"])["seed"].nunique().unique().tolist() == [2]
    assert klom.groupby("method")["seed"].nunique().unique().tolist() == [4]
    shared = ["forget_set", "method", "split", "seed"]
    both = klom[klom["method"] != "oracle"].merge(
        table[(table["forget_set"] == "class_3") & table["prepare"].isna()], on=shared
    )
    assert len(both) and (both["accuracy_x"] == both["accuracy_y"]).all()


def test_a_second_time_nothing_is_to_be_done(folder: Path) -> None:
    assert plan(folder.parents[2], "classes", "--configfile", "overlay.yaml") == []
