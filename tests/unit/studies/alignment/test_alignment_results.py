"""What is read off the tables of the study of alignment, by plain arithmetic."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from synthetic_alignment import (
    BEST,
    KLOM_MODELS,
    LEVELS,
    MODELS,
    RATES,
    SETS,
    TASKS,
    TUNING,
    inputs_of,
    write_tables,
)

from palimpsest.files import InputError
from palimpsest.studies.alignment.changes import BASE, base_of, changes
from palimpsest.studies.alignment.results import (
    METHODS,
    ORACLE,
    SECOND,
    choose_rates,
    differences,
    read_chosen_klom,
    read_costs,
    read_sensitivity,
    read_values,
    reported,
    summary,
    with_second,
)
from palimpsest.tables import write_table

NAMES = {name: method for method, name in METHODS.items()}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    write_tables(folder)
    return inputs_of(folder)


@pytest.fixture(scope="module")
def generation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generation")
    write_tables(folder, TASKS[2], klom=True)
    return inputs_of(folder)


def rows_of(inputs, table, **wanted):
    """Rows of a table of single models, in the order of their seeds."""
    rows = pd.read_csv(inputs[table][0])
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    return rows.sort_values("seed")


def test_values_are_in_the_papers_words_and_units(images):
    values = read_values(images, "table", SETS)
    assert set(values["subset"]) == {"D_r", "D_f", "D_t", "D_rt", "D_ft"}
    assert set(values.loc[values["scenario"] == "sample", "subset"]) == {"D_r", "D_f", "D_t"}
    own = values[(values["method"] == "BadT") & (values["lr"] == 1e-4)]
    own = own[(own["scenario"] == "class") & (own["subset"] == "D_rt")].set_index("place")
    rows = rows_of(images, "table_quality_models", forget_set="class_3", method="badt", lr=1e-4,
                   split="val_retain")  # fmt: skip
    found = own[own["quantity"] == "accuracy"]["value"]
    assert found.to_numpy() == pytest.approx(100 * rows["accuracy"].to_numpy())
    assert (found.to_numpy() > 50).all()
    assert set(values["quantity"]) == {
        "accuracy", "activation", "feature_1", "feature_2", "feature_1_relative",
        "feature_2_relative", "mia", "mia_logistic", "mia_balanced", "mia_logistic_balanced",
    }  # fmt: skip


def test_models_are_paired_by_their_place_whatever_their_seeds(images, tmp_path):
    rows = pd.read_csv(images["table_quality_models"][0])
    moved = rows.assign(seed=rows["seed"] + 17).sample(frac=1.0, random_state=0)
    write_table(moved, tmp_path / "moved.csv", seal=True)
    other = read_values({"table_quality_models": [tmp_path / "moved.csv"]}, "table", SETS)
    values = read_values({"table_quality_models": images["table_quality_models"]}, "table", SETS)
    keys = ["scenario", "method", "lr", "place", "subset"]
    both = values.merge(other, on=keys, suffixes=("", "_moved"))
    assert len(both) == len(values)
    assert (both["value"] == both["value_moved"]).all()
    assert set(values["place"]) == set(range(MODELS))


def test_of_an_oracle_the_distance_to_another_oracle_is_that_of_the_second(images):
    values = read_values(images, "table", SETS)
    kinds = values.groupby("method")["quantity"].agg(set)
    assert kinds[SECOND] == {"activation", "feature_2", "feature_2_relative"}
    assert not kinds[ORACLE] & kinds[SECOND]
    assert "feature_1" in kinds[ORACLE]


def test_the_second_is_the_oracle_of_the_next_place(images):
    values = with_second(read_values(images, "table", SETS))
    one = values[(values["scenario"] == "sample") & (values["subset"] == "D_f")]
    one = one[one["quantity"] == "accuracy"].set_index("place").sort_index()
    oracle = one.loc[one["method"] == ORACLE, "value"]
    second = one.loc[one["method"] == SECOND, "value"]
    assert second.tolist() == [*oracle.tolist()[1:], oracle.tolist()[0]]
    assert not values.duplicated(["scenario", "method", "lr", "place", "subset", "quantity"]).any()


@pytest.mark.parametrize("task", TASKS)
def test_the_rate_of_the_smallest_gap_is_chosen(images, generation, task):
    inputs = generation if task == TASKS[2] else images
    rates = choose_rates(read_values(inputs, "table", SETS), TUNING)
    best = rates[rates["chosen"]]
    assert len(best) == 2 * len(BEST)
    for _, row in best.iterrows():
        assert row["lr"] == BEST[NAMES[row["method"]]]
    assert rates.groupby("method")["lr"].agg(set).to_dict() == {
        METHODS[method]: set(own) for method, own in RATES.items()
    }
    ends = best.set_index(["scenario", "method"])["at_end"]
    assert not ends["sample", "NegGrad"] and ends["sample", "BadT"]


def test_a_gap_is_the_mean_over_subsets_of_absolute_means_over_the_tuning_models(images):
    rates = choose_rates(read_values(images, "table", SETS), TUNING)
    row = rates[(rates["scenario"] == "class") & (rates["method"] == "RFA") & rates["chosen"]]
    gaps = []
    for split in ("retain", "forget", "val_retain", "val_forget"):
        own, oracle = (
            rows_of(images, "table_quality_models", forget_set="class_3", split=split, **wanted)
            for wanted in ({"method": "rfa", "lr": 1e-3}, {"method": "oracle"})
        )
        apart = own["accuracy"].to_numpy() - oracle["accuracy"].to_numpy()
        gaps.append(abs(100 * apart[:TUNING].mean()))
    assert row["gap"].item() == pytest.approx(np.mean(gaps))


def test_a_gap_of_perplexities_is_of_logarithms(generation):
    rates = choose_rates(read_values(generation, "table", SETS), TUNING)
    row = rates[(rates["scenario"] == "sample") & (rates["method"] == "BadT") & rates["chosen"]]
    gaps = []
    for split in ("retain", "forget", "val"):
        own, oracle = (
            rows_of(generation, "table_quality_models", forget_set="random_128", split=split,
                    **wanted)["perplexity"].to_numpy()
            for wanted in ({"method": "badt", "lr": 1e-4}, {"method": "oracle"})
        )  # fmt: skip
        gaps.append(abs(100 * np.log(own / oracle)[:TUNING].mean()))
    assert row["gap"].item() == pytest.approx(np.mean(gaps))


def test_reported_models_have_no_say_in_the_choice(images):
    values = read_values(images, "table", SETS)
    later = values["place"] >= TUNING
    worse = values.assign(value=values["value"].where(~later | values["lr"].isna(), 0.0))
    _, rates = reported(values, TUNING)
    _, same = reported(worse, TUNING)
    pd.testing.assert_frame_equal(rates, same)
    shown, _ = reported(values, TUNING)
    assert set(shown["place"]) == set(range(TUNING, MODELS))


def test_equal_gaps_go_to_the_smaller_rate_and_diverged_models_are_not_chosen(images):
    values = read_values(images, "table", SETS)
    own = values["method"] == "NegGrad"
    same = values.copy()
    same.loc[own, "value"] = 50.0
    rates = choose_rates(same, TUNING)
    assert set(rates.loc[rates["chosen"] & (rates["method"] == "NegGrad"), "lr"]) == {1e-5}
    lost = own & (values["lr"] == BEST["ga"]) & (values["place"] == 0)
    rates = choose_rates(values.assign(value=values["value"].where(~lost)), TUNING)
    row = rates[(rates["method"] == "NegGrad") & (rates["lr"] == BEST["ga"])]
    assert (row["gap"] == math.inf).all() and not row["chosen"].any()


def test_a_summary_is_of_single_models_and_its_difference_is_paired(images):
    values, _ = reported(read_values(images, "table", SETS), TUNING)
    table = summary(values)
    row = table[(table["scenario"] == "sample") & (table["method"] == "Finetune")]
    row = row[(row["quantity"] == "accuracy") & (row["subset"] == "D_f")].iloc[0]
    own, oracle = (
        100 * rows_of(images, "table_quality_models", forget_set="random_128", split="forget",
                      **wanted)["accuracy"].to_numpy()[TUNING:]
        for wanted in ({"method": "ft", "lr": 1e-3}, {"method": "oracle"})
    )  # fmt: skip
    apart, n = own - oracle, MODELS - TUNING
    half = t.ppf(0.975, n - 1) * apart.std(ddof=1) / math.sqrt(n)
    assert (row["mean"], row["sd"]) == pytest.approx((own.mean(), own.std(ddof=1)))
    assert row["difference"] == pytest.approx(apart.mean())
    assert row["difference_high"] - row["difference"] == pytest.approx(half)
    assert (row["models"], row["diverged"]) == (n, 0)
    oracles = table[(table["method"] == ORACLE) & (table["quantity"] == "accuracy")]
    assert oracles["difference"].isna().all()
    second = table[(table["method"] == SECOND) & (table["quantity"] == "accuracy")]
    assert second["difference"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert (second["difference_high"] > 0.05).all()


def test_distances_to_the_oracle_are_compared_with_those_of_the_second(images):
    values, _ = reported(read_values(images, "table", SETS), TUNING)
    table = summary(values[values["quantity"].isin(["activation", "feature_1"])])
    methods = table.groupby("quantity")["method"].agg(set)
    assert ORACLE not in methods["activation"] and SECOND in methods["activation"]
    assert {ORACLE, SECOND} <= methods["feature_1"]
    own = table[(table["quantity"] == "activation") & (table["method"] == "RFA")].set_index(
        ["scenario", "subset"]
    )
    floor = table[(table["quantity"] == "activation") & (table["method"] == SECOND)].set_index(
        ["scenario", "subset"]
    )
    expected = (own["mean"] - floor["mean"]).sort_index()
    assert own["difference"].sort_index().to_numpy() == pytest.approx(expected.to_numpy())


def test_a_diverged_model_is_counted_and_left_out(images):
    values, _ = reported(read_values(images, "table", SETS), TUNING)
    one = (values["method"] == "BadT") & (values["place"] == TUNING)
    table = summary(values.assign(value=values["value"].where(~one)))
    own = table[(table["method"] == "BadT") & (table["quantity"] == "accuracy")]
    assert (own["diverged"] == 1).all() and (own["models"] == MODELS - TUNING).all()
    assert np.isfinite(own[["mean", "sd", "difference", "difference_low"]].to_numpy()).all()


def test_costs_are_those_of_every_setting(images):
    costs = read_costs(images["table_quality"][0], SETS)
    oracle = costs[costs["method"] == ORACLE]
    assert oracle["seconds"].tolist() == [40.0, 40.0]
    assert costs.loc[costs["method"] == "RFA", "relative_cost"].to_numpy() == pytest.approx(0.2)
    assert len(costs) == 2 * (2 + sum(map(len, RATES.values())))


def test_klom_is_of_the_chosen_rates_with_its_redraws(generation):
    values = read_values(generation, "table", SETS)
    assert set(values["place"]) == set(range(KLOM_MODELS))
    table, redrawn = read_chosen_klom(generation, choose_rates(values, TUNING), SETS)
    assert len(table) == 2 * 6
    assert not table.duplicated(["scenario", "method"]).any()
    row = table[(table["scenario"] == "class") & (table["method"] == "SCRUB")]
    level, oracle = LEVELS["class"]["scrub"][1], LEVELS["class"]["oracle"][1]
    assert row["forget_klom"].item() == pytest.approx(0.6 + (level - oracle) / 10)
    assert redrawn["forget"].mean(axis=1) == pytest.approx(table["forget_klom"].to_numpy())


def test_a_run_without_klom_has_none(images):
    values = read_values(images, "table", SETS)
    assert read_chosen_klom(images, choose_rates(values, TUNING), SETS) == (None, {})


def test_settings_of_the_sensitivity_are_named_by_what_they_change(images):
    values = read_sensitivity(images, SETS)
    told = values.groupby("method")["setting"].agg(set)
    assert told["RFA"] == {
        BASE, "rank 2", "rank 32", "alpha 0.1", "alpha 10", "mu 1", "forget per batch 4",
        "layers layer4.*",
    }  # fmt: skip
    assert told[ORACLE] == told["Original"] == told[SECOND] == {""}


def test_the_base_is_what_most_settings_have():
    settings = [{"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 1, "b": 0.5}]
    assert base_of(settings) == {"a": 1, "b": None}
    assert changes({"a": 2, "b": 0.5}, {"a": 1, "b": None}) == "a 2, b 0.5"
    assert changes({"a": 1, "b": None}, {"a": 1, "b": 0.5}) == "b none"
    assert changes({"a": 1}, {"a": 1}) == BASE


def test_a_table_without_oracles_or_measures_is_one_sentence(images, tmp_path):
    rows = pd.read_csv(images["table_quality_models"][0])
    write_table(rows[rows["method"] != "oracle"], tmp_path / "a.csv", seal=True)
    with pytest.raises(InputError, match=r"a.csv: holds badt, .* and not oracle, from which all"):
        read_values({"table_quality_models": [tmp_path / "a.csv"]}, "table", SETS)
    write_table(rows.drop(columns="accuracy"), tmp_path / "b.csv", seal=True)
    with pytest.raises(InputError, match=r"b.csv: has no column of accuracy, perplexity, .*needed"):
        read_values({"table_quality_models": [tmp_path / "b.csv"]}, "table", SETS)


def test_differences_of_perplexities_may_be_logarithms():
    head = {"scenario": "sample", "place": 0, "subset": "D_f"}
    rows = [
        {**head, "method": ORACLE, "quantity": "perplexity", "value": 20.0},
        {**head, "method": "RFA", "quantity": "perplexity", "value": 40.0},
        {**head, "method": "RFA", "quantity": "mia", "value": 0.5},
    ]
    found = differences(pd.DataFrame(rows), logarithm=True)
    assert found.iloc[1] == pytest.approx(100 * math.log(2))
    assert math.isnan(found.iloc[2])  # no oracle to compare it with
    assert differences(pd.DataFrame(rows)).iloc[1] == 20.0
