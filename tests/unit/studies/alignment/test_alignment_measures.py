"""Claims of the study of alignment: each rule says yes where it must and no where it must."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic_alignment import SETS, TASKS, TUNING, inputs_of, write_tables

from palimpsest.claims import Case, read_claims
from palimpsest.config.reading import read_yaml
from palimpsest.files import InputError
from palimpsest.studies.alignment import measures, worlds
from palimpsest.studies.alignment.paired import Run, apart, gap_less, gaps
from palimpsest.studies.alignment.results import ORDER, SCENARIOS, SUBSETS, Results, read_results
from palimpsest.verdicts import FAILS, HOLDS, UNDECIDED

ROOT = Path(__file__).parents[4]
CLAIMS = ROOT / "reports/alignment/claims.yaml"
PRINTED = ROOT / "reports/alignment/printed.csv"
MARGIN = 2.0
IMAGES, TEXTS, GENERATION = TASKS
Inputs = dict[str, list[Path]]


def settings(task: str) -> dict[str, Any]:
    beside = dict(zip(("dataset", "model"), worlds.SHOWN[task], strict=True))
    own = {"task": task, "scenarios": SETS, "tuning_models": TUNING, "margin": MARGIN}
    return own | {"beside": beside, "epochs": 10}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Inputs]:
    """Of each task; text runs have KLoM, image runs two epochs."""
    found = {}
    for task in TASKS:
        folder = tmp_path_factory.mktemp("alignment")
        write_tables(folder, task, noise=0.1, klom=task != IMAGES)
        found[task] = inputs_of(folder, PRINTED) | {"claims": [CLAIMS]}
    return found


@pytest.fixture(scope="module")
def results(inputs: dict[str, Inputs]) -> dict[str, Results]:
    return {task: read_results(own, **settings(task)) for task, own in inputs.items()}


def cases_of(results: Results, measure: str, **claim: Any) -> list[Case]:
    return measures.MEASURES[measure](Run.of(results), claim)


def answers_of(results: Results, measure: str, **claim: Any) -> list[bool | None]:
    return [case.answer for case in cases_of(results, measure, **claim)]


# The levels of tests/synthetic_alignment.py say what each verdict has to be.
KNOWN: Mapping[str, Mapping[str, str]] = {
    IMAGES: {
        "samples_leave_the_rest": HOLDS,
        "finetune_does_not_forget_a_class": HOLDS,  # 60 % beside 0
        "rfa_forgets_a_class_and_keeps_the_rest": HOLDS,
        "rfa_forgets_samples_and_keeps_the_rest": HOLDS,
        "rfa_is_among_the_two_closest": HOLDS,
        "neggrad_drops_on_test_data": HOLDS,  # 55 beside 86
        "badt_forgets_beyond_retraining": HOLDS,  # 60 beside 85
        "rfa_stays_nearer_than_badt": HOLDS,
        "scrub_stays_near_the_original": HOLDS,  # 95 beside 99
        "rfa_activation_is_generally_lower": HOLDS,
        "rfa_moves_features_as_retraining_does": HOLDS,  # 1.1 beside 1.2, then 0.8
        "rfa_moves_features_of_a_class_comparably": HOLDS,
        "rfa_mia_is_near_in_sample_unlearning": HOLDS,  # 0.62 beside 0.60
        "rfa_mia_is_the_closest_in_sample_unlearning": HOLDS,
        "rfa_mia_is_below_in_class_unlearning": HOLDS,  # 0.03 beside 0.20
        "rfa_saves_94_percent": FAILS,  # two epochs of the paper's twenty
        "gamma_hardly_moves_the_rest": HOLDS,
        "gamma_lowers_accuracy_on_forgotten_samples": FAILS,  # the same at each
        "gamma_raises_accuracy_on_a_forgotten_class": FAILS,
        "gamma_lowers_feature_distance": FAILS,
        "nothing_beats_the_original_in_sample_unlearning": FAILS,  # 14 points away, RFA 1
        "rfa_is_not_a_retrained_model": HOLDS,  # 0.20 beside 0.10
        "rfa_features_are_no_nearer_than_the_originals": FAILS,  # 1.2 beside 1.3, a tenth of 1.0
        "alignment_adds_nothing": HOLDS,
        "attack_calls_unseen_points_members": HOLDS,  # 0.60
    },
    TEXTS: {
        "rfa_forgets_texts_and_keeps_the_rest": HOLDS,
        "rfa_and_badt_are_uncertain_and_keep": HOLDS,
        "only_rfa_and_badt_are_uncertain_and_keep": FAILS,  # Finetune and SCRUB do both here
        "klom_finds_rfa_nearer_than_the_original": HOLDS,
    },
    GENERATION: {
        "retraining_raises_perplexity_on_forgotten_texts": HOLDS,  # 16 beside 2
        "one_epoch_raises_it_less": FAILS,  # BadT 41
        "rfa_perplexity_is_close_in_class_unlearning": HOLDS,
        "rfa_perplexity_on_forgotten_class_stays_below": FAILS,  # 100 beside 101
        "finetune_activation_is_the_lowest_of_texts": HOLDS,  # of three of four
        "rfa_activation_is_the_second_lowest_of_texts": HOLDS,
        "badt_features_are_far": FAILS,  # 1.4 beside 1.2
        "rfa_mia_is_near_in_class_unlearning_of_generation": FAILS,  # 0.03 beside 0.20
        "neggrad_and_finetune_stay_attackable": FAILS,
    },
}


@pytest.mark.parametrize("task", TASKS)
def test_verdicts_follow_the_known_levels(inputs: dict[str, Inputs], task: str) -> None:
    table = measures.judge(inputs[task], **settings(task)).set_index("id")
    assert {name: table["verdict"][name] for name in KNOWN[task]} == KNOWN[task]


@pytest.mark.parametrize("task", TASKS)
def test_a_claim_about_another_task_has_no_cases_and_says_so(
    inputs: dict[str, Inputs], task: str
) -> None:
    table = measures.judge(inputs[task], **settings(task)).set_index("id")
    tasks = {one["id"]: one.get("tasks", list(TASKS)) for one in read_yaml(CLAIMS)}
    others = [name for name, own in tasks.items() if task not in own]
    assert len(others) > 10
    assert (table.loc[others, "verdict"] == UNDECIDED).all()
    assert (table.loc[others, "cases"] == 0).all()
    assert table.loc[others, "evidence"].str.endswith(f"; this run is {task}").all()
    own = table.drop(others)
    assert set(own.index[own["cases"] == 0]) == (
        {name for name in own.index if name.startswith("klom")} if task == IMAGES else set()
    )


@pytest.fixture(scope="module")
def judged_worlds(inputs: dict[str, Inputs]) -> dict[str, pd.DataFrame]:
    return {task: worlds.judge(own, **settings(task)) for task, own in inputs.items()}


@pytest.mark.parametrize("task", TASKS)
def test_in_worlds_of_known_truth_each_verdict_is_what_it_must_be(
    judged_worlds: dict[str, pd.DataFrame], task: str
) -> None:
    table = judged_worlds[task]
    demanded = table[table["must_be"].notna()]
    assert set(demanded["world"]) == set(worlds.WORLDS)
    wrong = demanded[demanded["verdict"] != demanded["must_be"]]
    assert wrong.empty, wrong[["id", "world", "verdict", "must_be"]].to_string()


def test_every_claim_that_a_run_can_decide_holds_in_some_world_and_fails_in_another(
    judged_worlds: dict[str, pd.DataFrame],
) -> None:
    for task, table in judged_worlds.items():
        for name, own in table.groupby("id"):
            if own["cases"].any():
                found = set(own["verdict"])
                assert {HOLDS, FAILS} <= found, f"{task}, {name}: {found}"
    told = {name for table in judged_worlds.values() for name in table["id"]}
    asked = {one["id"] for one in read_yaml(CLAIMS) if "printed" not in one["measured_by"]}
    assert told == asked


def test_what_worlds_demand_is_said_of_claims_that_there_are() -> None:
    known = {one["id"] for one in read_yaml(CLAIMS)}
    assert set(worlds.MUST) == set(worlds.WORLDS)
    for world, demanded in worlds.MUST.items():
        assert set(demanded) <= known, world


def test_claims_name_what_there_is() -> None:
    claims = read_claims(CLAIMS, measures.MEASURES, measures.KEYS)
    assert {one["measured_by"] for one in claims} == set(measures.MEASURES)
    methods = {*ORDER, "RFA, no teacher"}
    subsets = {subset for own in SUBSETS.values() for subset in own.values()}
    for claim in claims:
        assert set(claim.get("tasks", [])) <= set(TASKS), claim["id"]
        assert set(claim.get("scenarios", [])) <= set(SCENARIOS), claim["id"]
        assert set(claim.get("subsets", [])) | {claim.get("than", "D_f")} <= subsets, claim["id"]
        named = [*claim.get("methods", []), *claim.get("printed_differences", [])]
        assert {*named, claim.get("against", "RFA")} <= methods, claim["id"]
        assert claim.get("experiment", "two_epochs") == "two_epochs", claim["id"]


# --- units, errors, and what decides nothing


def test_the_unit_goes_with_the_quantity() -> None:
    one, other = np.array([6.0, 12.0]), np.array([3.0, 3.0])
    assert apart("accuracy", one, other) == pytest.approx([3, 9])
    assert apart("mia", one / 100, other / 100) == pytest.approx([3, 9])
    assert apart("perplexity", one, other) == pytest.approx(100 * np.log([2, 4]))
    assert apart("feature_2", one, other, 4.0) == pytest.approx([75, 225])


def test_differences_are_paired_by_place(results: dict[str, Results]) -> None:
    """Models whose luck is shared are told apart, and are not once the places are mixed."""
    own = results[IMAGES]
    luck = 8.0 * np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
    frame = own.values.copy()
    places = frame["place"].rank(method="dense").astype(int).to_numpy() - 1
    frame["value"] += np.where(frame["quantity"] == "accuracy", luck[places], 0)
    claim = {
        "scenarios": ["class"], "subsets": ["D_rt"], "methods": ["NegGrad"],
        "against": "Retrain", "quantity": "accuracy", "points": 5,
    }  # fmt: skip
    frame.loc[frame["method"] == "NegGrad", "value"] += 20  # 75 beside 86
    assert answers_of(replace(own, values=frame), "below", **claim) == [True]
    mixed = frame.copy()
    moved = mixed["method"] == "Retrain"
    mixed.loc[moved, "place"] = mixed.loc[moved, "place"].map(
        dict(zip(range(3, 8), [7, 6, 5, 4, 3], strict=True))
    )
    (case,) = cases_of(replace(own, values=mixed), "below", **claim)
    assert (case.answer, case.doubt) == (None, "the models spread too widely for the margin")


def test_two_models_decide_nothing(results: dict[str, Results]) -> None:
    own = results[IMAGES]
    few = replace(own, values=own.values[own.values["place"] < TUNING + 2])
    claims = read_claims(CLAIMS, measures.MEASURES, measures.KEYS)
    told = ("above", "below", "alike", "gap_above", "gap_below", "among_the_closest")
    own_task = [one for one in claims if IMAGES in one.get("tasks", TASKS)]
    asked = [one for one in own_task if one["measured_by"] in told and "experiment" not in one]
    table = measures.verdicts(asked, few)
    assert len(table) > 10 and (table["verdict"] == UNDECIDED).all()
    assert table["evidence"].str.contains("needs 3 or more").all()


def test_a_diverged_model_decides_nothing_and_is_named(results: dict[str, Results]) -> None:
    own = results[GENERATION]
    frame = own.values.copy()
    broken = (frame["method"] == "RFA") & (frame["place"] == TUNING)
    frame.loc[broken & (frame["quantity"] == "perplexity"), "value"] = np.inf
    (case,) = cases_of(
        replace(own, values=frame), "above", scenarios=["class"], subsets=["D_f"],
        methods=["RFA"], against="Retrain", quantity="perplexity",
    )  # fmt: skip
    assert case.answer is None and "diverged" in str(case.doubt)


def test_distances_without_a_floor_decide_nothing(results: dict[str, Results]) -> None:
    own = results[IMAGES]
    frame = own.values.copy()
    second = (frame["method"] == "Retrain (second)") & (frame["quantity"] == "activation")
    claim = {
        "scenarios": ["sample"], "subsets": ["D_f"], "methods": ["BadT"], "against": "RFA",
        "quantity": "activation",
    }  # fmt: skip
    assert answers_of(own, "above", **claim) == [True]
    frame.loc[second, "value"] = 0.0
    (case,) = cases_of(replace(own, values=frame), "above", **claim)
    assert case.answer is None and "no floor" in str(case.doubt)


def test_a_gap_is_the_absolute_difference_of_the_means(results: dict[str, Results]) -> None:
    """By plain arithmetic on the frame, and with an error that is the differences' own."""
    frame = results[IMAGES].values
    run = Run.of(results[IMAGES])
    table = run.experiments["table"]
    wide = frame[(frame["scenario"] == "class") & (frame["quantity"] == "accuracy")].pivot(
        index="place", columns=["method", "subset"], values="value"
    )
    subsets = ["D_r", "D_f", "D_rt", "D_ft"]
    values = {}
    for method in ("Finetune", "BadT"):
        apart_from = wide[method] - wide["Retrain"]
        values[method] = apart_from.mean().abs().mean()
        found = gaps(table, "class", subsets, "accuracy", method)
        assert found[-1] == pytest.approx(values[method])
        assert len(found) == len(wide) + 1
    one, other = (gaps(table, "class", subsets, "accuracy", m) for m in values)
    found = gap_less(one, other)
    assert found.mean() == pytest.approx(values["Finetune"] - values["BadT"], abs=0.01)
    # where no sign is in doubt, the values are those of the single models
    alone, base = (gaps(table, "class", ["D_f"], "accuracy", m) for m in values)
    plain = (wide["Finetune", "D_f"] - wide["Retrain", "D_f"]) - (
        wide["BadT", "D_f"] - wide["Retrain", "D_f"]
    )
    assert gap_less(alone, base) == pytest.approx(plain.to_numpy())


def test_gaps_of_equal_methods_are_seldom_told_apart() -> None:
    """Two methods on the oracle itself, whose signs fall by chance: the error has to know."""
    generator = np.random.default_rng(0)
    wrong, repeats, models = 0, 400, 5
    for _ in range(repeats):
        shared = generator.standard_normal(models)
        one, other = (shared + 0.1 * generator.standard_normal(models) for _ in range(2))

        def gap(own: np.ndarray) -> np.ndarray:
            return np.abs(np.append((own.sum() - own) / (models - 1), own.mean()))

        found = gap_less(gap(one), gap(other))
        error = found.std(ddof=1) / np.sqrt(models)
        wrong += found.mean() / error > 2.132  # one-sided 5 % of t with 4 degrees of freedom
    assert wrong / repeats < 0.08


def test_a_closer_method_counts_only_where_it_is_surely_closer(
    results: dict[str, Results],
) -> None:
    """Two methods surely closer than RFA put it third; one does not."""
    own = results[IMAGES]
    claim = {"methods": ["RFA"], "scenarios": ["sample"], "averaged": True}
    frame = own.values.copy()
    accuracy = frame["quantity"] == "accuracy"
    frame.loc[accuracy & (frame["method"] == "RFA"), "value"] -= 30

    def like_retrain(values: pd.DataFrame, method: str) -> pd.DataFrame:
        kept = values[~((values["method"] == method) & (values["quantity"] == "accuracy"))]
        oracle = values[(values["method"] == "Retrain") & (values["quantity"] == "accuracy")]
        return pd.concat([kept, oracle.assign(method=method)])

    far = frame.copy()
    others = accuracy & frame["method"].isin(["NegGrad", "Finetune", "BadT", "SCRUB"])
    far.loc[others, "value"] -= 60
    one = like_retrain(far, "BadT")
    two = like_retrain(one, "SCRUB")
    for values, rank, answer in ((far, 1, True), (one, 2, True), (one, 1, False), (two, 2, False)):
        found = answers_of(replace(own, values=values), "among_the_closest", rank=rank, **claim)
        assert found == [answer]


def test_uncertain_and_keeps_needs_both(results: dict[str, Results]) -> None:
    own = results[TEXTS]
    for forgotten, retained, answer in ((60, 99, True), (95, 99, False), (60, 90, False)):
        frame = own.values.copy()
        rfa = (frame["method"] == "RFA") & (frame["quantity"] == "accuracy")
        rfa &= frame["scenario"] == "class"
        frame.loc[rfa & (frame["subset"] == "D_f"), "value"] = forgotten
        frame.loc[rfa & (frame["subset"] == "D_r"), "value"] = retained
        found = answers_of(
            replace(own, values=frame), "uncertain_and_keeps", methods=["RFA"], points=20
        )
        assert found == [answer]


def test_a_time_near_the_limit_is_not_decided(results: dict[str, Results]) -> None:
    """It is measured once: 6 % of retraining is asked, and between 5 and 7.2 % nothing is said.

    Asked is the paper's retraining of twenty epochs; this one has ten, of 4 seconds each."""
    own = results[IMAGES]
    for part, answer in ((0.04, True), (0.06, None), (0.07, None), (0.08, False), (np.nan, None)):
        rfa = own.costs["method"] == "RFA"
        seconds = own.costs["seconds"].where(~rfa, 4.0 * 20 * part)
        costs = own.costs.assign(seconds=seconds)
        found = cases_of(replace(own, costs=costs), "saves_time", methods=["RFA"], value=94)
        assert [case.answer for case in found] == [answer] * 2
        if answer is None:
            told = "left out" if np.isnan(part) else "measured once"
            assert all(told in str(case.doubt) for case in found)
    slow = own.costs["method"] == "Finetune"
    costs = own.costs.assign(seconds=own.costs["seconds"].where(~slow, 8.0))
    noisy = cases_of(replace(own, costs=costs), "saves_time", methods=["RFA"], value=94)
    told = "a pass of Finetune took 2.0 times as long as one of Retrain"
    assert [(one.answer, one.doubt) for one in noisy] == [(None, told)] * 2
    stacked = cases_of(replace(own, stacked=True), "saves_time", methods=["RFA"], value=94)
    assert [(one.answer, one.doubt) for one in stacked] == [
        (None, "trainings were stacked, and adapters are not")
    ] * 2


def test_gamma_is_read_from_its_smallest_to_its_largest(results: dict[str, Results]) -> None:
    own = results[IMAGES]
    frame = own.gamma.copy()
    rfa = (frame["method"] == "RFA") & (frame["quantity"] == "feature_1")
    frame.loc[rfa, "value"] *= 1.5 - frame.loc[rfa, "gamma"]
    falling = replace(own, gamma=frame)
    assert answers_of(falling, "falls_with_gamma", quantity="feature_1", points=5) == [True] * 7
    assert answers_of(falling, "rises_with_gamma", quantity="feature_1", points=5) == [False] * 7
    assert False in answers_of(falling, "level_over_gamma", quantity="feature_1", points=5)
    assert answers_of(falling, "level_over_gamma", quantity="accuracy") == [True] * 4 * 7
    none = replace(own, gamma=frame[frame["method"] != "RFA"])
    assert answers_of(none, "falls_with_gamma", quantity="feature_1") == []
    assert answers_of(none, "gap_below_gamma_0") == []


def test_alignment_that_helps_is_seen(results: dict[str, Results]) -> None:
    """Without alignment RFA is ten points further from Retrain on D_f."""
    own = results[IMAGES]
    frame = own.gamma.copy()
    worse = (frame["method"] == "RFA") & (frame["gamma"] == 0) & (frame["quantity"] == "accuracy")
    frame.loc[worse, "value"] -= 10
    assert answers_of(replace(own, gamma=frame), "gap_below_gamma_0") == [True] * 2 * 4


def test_runs_without_klom_or_two_epochs_have_no_such_cases(results: dict[str, Results]) -> None:
    own = results[IMAGES]
    bare = replace(own, two_epochs=own.two_epochs[:0])
    claim = {"methods": ["BadT"], "against": "Retrain", "quantity": "accuracy"}
    assert answers_of(own, "below", experiment="two_epochs", **claim)
    assert answers_of(bare, "below", experiment="two_epochs", **claim) == []
    assert answers_of(own, "klom_above", methods=["RFA"], quantity="forget", nats=0.7) == []
    found = answers_of(
        results[TEXTS], "klom_above", methods=["RFA"], quantity="forget", nats=0.05
    )  # 1 point from the oracle is 0.1 nats above the floor
    assert len(found) == 2


def test_a_margin_has_to_be_above_zero(inputs: dict[str, Inputs]) -> None:
    with pytest.raises(InputError, match="margin is 0; allowed: above 0, in points of percent"):
        measures.judge(inputs[IMAGES], **settings(IMAGES) | {"margin": 0})


@pytest.mark.parametrize("task", [IMAGES, GENERATION])
def test_an_attack_that_tells_nothing_decides_nothing(
    results: dict[str, Results], task: str
) -> None:
    """Of the originals it calls as many test as retained points members, or nearly so."""
    values = results[task].values
    inside = values[(values["method"] == "Original") & (values["subset"] == "D_r")]
    keys = ["scenario", "quantity", "place"]
    for less, decided in ((0.0, False), (0.01, False), (0.04, True)):
        outside = values["subset"].isin(["D_t", "D_rt"]) & (values["method"] == "Original")
        outside &= values["quantity"].str.startswith("mia")
        other = values[keys].join(inside.set_index(keys)["value"], on=keys)["value"] - less
        changed = values.assign(value=values["value"].where(~outside, other))
        table = measures.verdicts(
            read_claims(CLAIMS, measures.MEASURES, measures.KEYS),
            replace(results[task], values=changed),
        ).set_index("id")
        asked = [name for name in table.index if name.startswith("rfa_mia_is_near")]
        for name in asked if task == GENERATION else asked[:1]:
            assert (table.loc[name, "verdict"] != UNDECIDED) == decided
            told = "call more of the originals' retained than test points members"
            assert (told in table.loc[name, "evidence"]) != decided
