"""The paper's printed numbers: all there, and what the paper says of them judged by them alone."""

from pathlib import Path

import pandas as pd
import pytest
from synthetic_alignment import SETS, TASKS, TUNING, inputs_of, write_tables

from palimpsest.studies.alignment.measures import judge
from palimpsest.studies.alignment.results import read_printed
from palimpsest.verdicts import FAILS, HOLDS

ROOT = Path(__file__).parents[4]
CLAIMS = ROOT / "reports/alignment/claims.yaml"
PRINTED = ROOT / "reports/alignment/printed.csv"
POINTS = {
    ("CIFAR-10", "sample"): {"D_r": 49_872, "D_f": 128, "D_t": 10_000},
    ("Fashion-MNIST", "sample"): {"D_r": 59_872, "D_f": 128, "D_t": 10_000},
    ("CIFAR-10", "class"): {"D_r": 45_000, "D_f": 5_000, "D_rt": 9_000, "D_ft": 1_000},
    ("Fashion-MNIST", "class"): {"D_r": 54_000, "D_f": 6_000, "D_rt": 9_000, "D_ft": 1_000},
    ("IMDB", "sample"): {"D_r": 24_872, "D_f": 128, "D_t": 25_000},
}
"""of the data sets, where one of ten classes or 128 samples are forgotten"""


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    return read_printed(PRINTED)


def test_every_number_of_the_tables_is_there(printed: pd.DataFrame) -> None:
    """Rows and columns of each table, as the paper has them; six cells have no number."""
    cells = {
        "1": 14 * 14, "2": 4 * 6, "3": 7 * 7, "4": 7 * 7, "5": 10 * 14, "6": 5 * 7, "7": 6 * 14,
        "8": 5 * 7, "9": 7 * 8, "10": 7 * 4, "11": 6 * 8, "text": 2,
    }  # fmt: skip
    assert printed.groupby("table").size().to_dict() == cells
    empty = printed[printed["value"].isna()]
    assert empty["method"].tolist() == ["Retrain"] * 2 + ["NegGrad"] * 4
    assert set(empty["note"]) == {"printed as -", "printed as *"}
    keys = ["table", "dataset", "model", "scenario", "method", "subset", "quantity"]
    assert not printed.duplicated(keys).any()
    assert set(printed["task"]) == set(TASKS)


def test_accuracies_are_counts_of_right_answers(printed: pd.DataFrame) -> None:
    """A misread digit would hardly be a number of right answers of 128 or of 1,000 points."""
    rows = printed[(printed["quantity"] == "accuracy") & printed["value"].notna()]
    checked, wrong = 0, []
    for _, row in rows.iterrows():
        points = POINTS.get((row["dataset"], row["scenario"]), {}).get(row["subset"])
        if points:
            checked += 1
            nearest = round(row["value"] * points / 100) / points * 100
            if abs(nearest - row["value"]) > 0.00501:
                wrong.append((row["table"], row["method"], row["value"]))
    assert checked == 14 * 14 + 4 * 6 + 7 * 3
    assert wrong == [("3", "RFA", 99.21)]  # 127 of 128 are 99.22, as Table I has it


def test_what_the_text_repeats_is_what_the_tables_say(printed: pd.DataFrame) -> None:
    def value(table: str, method: str, **keys: str) -> float:
        rows = printed[(printed["table"] == table) & (printed["method"] == method)]
        for key, wanted in keys.items():
            rows = rows[rows[key] == wanted]
        return float(rows["value"].item())

    cifar = {"dataset": "CIFAR-10", "model": "ResNet18"}
    assert value("9", "RFA", scenario="sample", **cifar) == 0.89
    assert value("9", "Retrain", scenario="sample", **cifar) == 0.86
    assert value("9", "RFA", scenario="class", **cifar) == 0.0
    assert value("9", "Retrain", scenario="class", dataset="CIFAR-10", model="ViT") == 0.53
    assert value("10", "RFA", scenario="class", dataset="ELI5-Category") == 0.50
    assert value("4", "BadT", scenario="sample", subset="D_f") == 36.66
    assert value("text", "RFA") == value("11", "RFA", scenario="class", model="ResNet18") == 90.96
    assert value("text", "RFA, no teacher") == 83.18


def test_the_papers_tables_bear_out_some_of_its_sentences_and_refute_others(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, TASKS[0])
    inputs = inputs_of(tmp_path, PRINTED) | {"claims": [CLAIMS]}
    table = judge(inputs, task=TASKS[0], scenarios=SETS, tuning_models=TUNING, margin=2.0,
                  beside={"dataset": "CIFAR-10", "model": "ResNet18"}, epochs=10)  # fmt: skip
    own = table[table["measured_by"].str.startswith("printed")].set_index("id")
    assert own["verdict"].to_dict() == {
        "printed_rfa_is_among_the_two_closest": HOLDS,  # in 7 of 8 panels
        "printed_falls_after_two_epochs": HOLDS,
        "printed_perplexity_of_retraining": HOLDS,
        "printed_activation_is_generally_lower": HOLDS,  # 38 of 62 that differ
        "printed_activations_of_texts_are_ordered": HOLDS,
        "printed_activations_are_distances_of_probabilities": FAILS,  # 142.27
        "printed_features_move_as_retraining_does": HOLDS,
        "printed_features_of_a_class_move_comparably": FAILS,  # none of four of Fashion-MNIST
        "printed_features_of_retraining_are_level": FAILS,  # 22.70
        "printed_features_are_the_nearest_to_retraining": HOLDS,
        "printed_mia_is_the_closest": FAILS,  # 2 of 4
        "printed_rfa_saves_94_percent": FAILS,  # 82 to 92 %
        "printed_neggrad_is_the_fastest": HOLDS,
        "printed_rfa_takes_the_time_of_badt": HOLDS,  # 6 of 8
        "printed_no_teacher_saves_time": HOLDS,
    }
    counts = own[["yes", "no"]].apply(tuple, axis=1)
    assert counts["printed_rfa_is_among_the_two_closest"] == (7, 1)
    assert counts["printed_activation_is_generally_lower"] == (38, 24)
    assert counts["printed_activations_are_distances_of_probabilities"] == (160, 15)
    assert counts["printed_features_of_retraining_are_level"] == (3, 1)
    assert counts["printed_rfa_saves_94_percent"] == (0, 9)
    assert own["evidence"]["printed_rfa_saves_94_percent"].endswith("in total: 85.7 % less")


def test_a_wrong_number_turns_a_verdict(printed: pd.DataFrame, tmp_path: Path) -> None:
    """Each claim of printed numbers that holds fails when RFA's numbers are others."""
    rfa = printed["method"].str.startswith("RFA")
    far = printed["value"].where(~rfa, 3 * printed["value"] + 60)
    far = far.where(printed["method"] != "NegGrad", far + 1e4)
    far = far.where(~((printed["table"] == "4") & (printed["method"] == "Retrain")), far + 1)
    printed.assign(value=far).to_csv(tmp_path / "printed.csv", index=False)
    write_tables(tmp_path, TASKS[0])
    inputs = inputs_of(tmp_path, tmp_path / "printed.csv") | {"claims": [CLAIMS]}
    table = judge(inputs, task=TASKS[0], scenarios=SETS, tuning_models=TUNING, margin=2.0,
                  beside={"dataset": "CIFAR-10", "model": "ResNet18"}, epochs=10)  # fmt: skip
    own = table[table["measured_by"].str.startswith("printed")].set_index("id")["verdict"]
    assert set(own[own != FAILS].index) == {"printed_no_teacher_saves_time"}  # both are RFA's
