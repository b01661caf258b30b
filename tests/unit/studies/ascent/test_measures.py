"""What the measures say of tables of known truth: paired differences, margin, each run once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palimpsest.claims import judge, read_claims
from palimpsest.studies.ascent.measures import KEYS, MEASURES, outcomes
from palimpsest.studies.ascent.results import Results
from palimpsest.verdicts import HOLDS

CLAIMS = Path(__file__).parents[4] / "reports" / "ascent" / "claims.yaml"
NULL, MARGIN, REPEATS = 0.5, 0.5, 30
KEYS_OF_ROWS = ["forget_set", "method", "lr", "forget_batch", "batch_norm", "split"]


def row(method, forget, retain=0.6, val=0.6, error=0.1, forget_set="pc1", points=30, **more):
    """A setting with three scores, whose redrawn values have the standard deviation `error`."""
    return {"forget_set": forget_set, "method": method, "lr": 1.0, "forget_batch": 64.0,
            "batch_norm": "train", "scores": (forget, retain, val), "error": error,
            "points": points, "nan": 0} | more  # fmt: skip


ORIGINAL = row("nothing", 4.0, lr=None)


def tables(rows):
    """klom.csv and klom_redraws.csv of such settings; errors of different rows are independent."""
    generator = np.random.default_rng(0)
    klom, redraws = [], []
    for setting in rows:
        for split, score in zip(("forget", "retain", "val"), setting["scores"], strict=True):
            keys = {name: setting[name] for name in KEYS_OF_ROWS[:-1]} | {"split": split}
            points = setting["points"] if split == "forget" else 500
            noise = generator.normal(size=REPEATS)
            noise = (noise - noise.mean()) / noise.std(ddof=1) * setting["error"]
            klom.append(keys | {
                "points": points, "percentile": 95, "klom": score, "ci_low": score - 0.2,
                "ci_high": score + 0.2, "null": NULL, "klom_mean": score / 2, "margin_gap": 0.0,
                "reversed": score, "reversed_null": NULL, "even_half": score, "odd_half": score,
                "n_models": 100,
                "nan_points": setting["nan"], "oracle_nan_points": 0, "clipped_points": 0,
                "relative_cost": 0.1,
            })  # fmt: skip
            redraws.append(keys | {f"redraw_{n}": score + value for n, value in enumerate(noise)})
    return pd.DataFrame(klom), pd.DataFrame(redraws)


NO_ACCURACY = pd.DataFrame(columns=["forget_set", "method", "lr", "split", "accuracy"])


def results_of(rows, accuracy=None, numbers=None, doubts=None):
    klom, redraws = tables(rows)
    few, spread = numbers if numbers is not None else (pd.DataFrame(), pd.DataFrame())
    accuracy = NO_ACCURACY if accuracy is None else accuracy
    return Results(klom, redraws, accuracy, few, spread, MARGIN, doubts or {})


def answers(measure, rows, claim=None, **more):
    cases = MEASURES[measure](results_of(rows, **more), claim or {"methods": ["ga"]})
    return [case.answer for case in cases]


def of_one(measure, *args, original=ORIGINAL, **more):
    return answers(measure, [original, row("ga", *args, **more)])[0]


def test_a_setting_unlearns_if_it_gains_on_the_forget_set_and_loses_nothing():
    assert of_one("unlearns", 1.0) is True
    assert of_one("unlearns", 1.0, val=3.0) is False
    assert of_one("unlearns", 3.9) is False  # 0.1 nearer: surely less than the margin
    assert of_one("unlearns", 3.5, error=0.3) is None
    assert of_one("unlearns", 1.0, val=1.1, error=0.5) is None
    for scores in ((1.0,), (3.9,)):
        answer = of_one("unlearns", *scores)
        assert of_one("does_nothing_or_breaks", *scores) is (not answer)


def test_an_original_at_the_floor_leaves_nothing_to_gain_and_decides_nothing():
    original = row("nothing", 0.8, lr=None)
    assert of_one("unlearns", 0.8, original=original) is None
    assert of_one("improves_on_forget", 0.8, original=original) is None
    assert of_one("unlearns", 0.8, val=9.0, original=original) is False


def test_breaking_and_staying():
    assert of_one("breaks", 4.0, retain=2.0) is True
    assert of_one("breaks", 9.0) is False
    assert of_one("improves_but_breaks", 1.0, val=5.0) is True
    assert of_one("stays", 4.1, 0.7, 0.7) is True
    assert of_one("stays", 2.0) is False
    assert of_one("retain_like_val", 4.0, retain=2.0, val=2.1) is True
    assert of_one("retain_like_val", 4.0, retain=2.0, val=3.1) is False


def test_what_is_compared_shares_its_chance():
    """Scores that vary much, and alike: the difference is sure."""
    klom, redraws = tables([ORIGINAL, row("ga", 3.0)])
    names = [name for name in redraws if name.startswith("redraw_")]
    together = np.random.default_rng(1).normal(0, 4.0, REPEATS)
    redraws[names] = klom["klom"].to_numpy()[:, None] + together
    found = Results(klom, redraws, NO_ACCURACY, pd.DataFrame(), pd.DataFrame(), MARGIN)
    assert list(found.settings["improves"])[1] is True
    assert found.excess("forget").above() == [None]  # alone it is not


def test_one_run_under_two_names_counts_once():
    """A forget batch of 32 or 64 is the same where the set has 30 points."""
    twice = [row("ga", 1.0, forget_batch=size) for size in (32.0, 64.0)]
    assert answers("unlearns", [ORIGINAL, *twice]) == [True]
    large = [row("ga", 1.0, forget_batch=size, points=50) for size in (32.0, 64.0)]
    assert answers("unlearns", [row("nothing", 4.0, lr=None, points=50), *large]) == [True, True]


def test_a_claim_is_judged_on_the_settings_that_it_names():
    rows = [ORIGINAL, row("ga", 1.0), row("ga", 4.0, batch_norm="frozen"),
            row("ga", 4.0, val=3.0, lr=0.0)]  # fmt: skip
    assert answers("unlearns", rows) == [True, False]
    of_train = {"methods": ["ga"], "settings": {"batch_norm": "train"}}
    assert answers("unlearns", rows, of_train) == [True]
    assert answers("breaks", rows, of_train | {"control": True}) == [True]


def test_points_that_cannot_be_called_important_decide_nothing():
    claim = {"forget_sets": ["pc*"], "important": True}
    case = MEASURES["original_unlike_oracle_on_forget"](
        results_of([ORIGINAL], doubts={"pc1": "the estimate does not predict"}), claim
    )[0]
    assert (case.answer, case.doubt) == (None, "the estimate does not predict")
    assert answers("original_unlike_oracle_on_forget", [ORIGINAL], claim) == [True]


def test_the_original_against_the_floor():
    claim = {"forget_sets": ["pc*"]}
    rows = [
        ORIGINAL,
        row("nothing", 0.6, forget_set="pc2"),
        row("nothing", 9, forget_set="random"),
    ]
    assert answers("original_unlike_oracle_on_forget", rows, claim) == [True, False]
    assert answers("original_like_oracle_on_val", rows, {}) == [True, True, True]
    far = [row("nothing", 4.0, val=2.0)]
    assert answers("original_like_oracle_on_val", far, {}) == [False]


def test_worse_than_the_best_on_some_split():
    def others(*scores, best=1.0, error=0.03):
        rows = [row("ga", *own, error=error, lr=2.0 + n) for n, own in enumerate(scores)]
        return answers("worse_than_the_best", [ORIGINAL, row("ga", best, error=0.03), *rows])

    assert others([1.2], [4.0, 4.0, 4.0], [1.2, 0.6, 2.0]) == [False, True, True]
    assert others([1.2], error=0.5) == [None]
    assert others([4.0, 8.0, 8.0], best=4.0) == []  # nothing that a choice could have found
    assert others([3.5, 8.0, 8.0], best=3.5) == [None]  # perhaps nothing


def test_the_best_setting_is_chosen_by_the_even_models_and_judged_by_the_odd_ones():
    klom, redraws = tables([
        ORIGINAL, row("ga", 1.0, error=0.03), row("ga", 1.1, error=0.03, lr=2.0)
    ])  # fmt: skip
    lucky = (klom["lr"] == 1.0) & (klom["split"] == "forget") & (klom["method"] == "ga")
    klom.loc[lucky, "odd_half"] = 3.0  # the even half alone saw the setting as the best
    results = Results(klom, redraws, NO_ACCURACY, pd.DataFrame(), pd.DataFrame(), MARGIN)
    cases = MEASURES["worse_than_the_best"](results, {"methods": ["ga"]})
    assert [case.answer for case in cases] == [False]
    klom.loc[lucky, "odd_half"] = 0.2
    results = Results(klom, redraws, NO_ACCURACY, pd.DataFrame(), pd.DataFrame(), MARGIN)
    cases = MEASURES["worse_than_the_best"](results, {"methods": ["ga"]})
    assert [case.answer for case in cases] == [True]


def test_a_setting_beside_its_control():
    rows = [
        ORIGINAL,
        row("ga", 3.0, lr=0.0),
        row("ga", 3.05, lr=1e-4),
        row("ga", 3.0, val=2.0, lr=5e-2),
        row("ga", 1.0, lr=1e-4, batch_norm="frozen"),  # has no control
    ]
    small, large = (
        {"methods": ["ga"], "rates": [1e-5, 1e-3]},
        {"methods": ["ga"], "rates": [5e-2] * 2},
    )
    assert answers("like_its_control", rows, small) == [True]
    assert answers("like_its_control", rows, large) == [False]
    assert answers("harms_beyond_its_control", rows, small) == [False]
    assert answers("harms_beyond_its_control", rows, large) == [True]


def test_a_no_that_rests_on_a_part_of_the_grid_decides_nothing():
    rows = [ORIGINAL, row("ga", 4.0, lr=0.1), row("ga", 4.0, lr=0.2)]
    asked = {"methods": ["ga"], "covers": {"lr": [0.1, 0.2]}}
    assert answers("unlearns", rows, asked) == [False, False]
    asked["covers"]["lr"].append(0.4)
    assert answers("unlearns", rows, asked) == [None, None]
    case = MEASURES["unlearns"](results_of(rows), asked)[0]
    assert case.doubt == "this run's grid lacks the paper's lr 0.4"
    assert answers("unlearns", [*rows, row("ga", 1.0, lr=0.3)], asked) == [None, None, True]
    known = replace(results_of(rows), thinned=False)  # a world of known truth
    assert [c.answer for c in MEASURES["unlearns"](known, asked)] == [False, False]


def test_the_original_is_low_and_alike():
    def of(retain, val):
        return answers("original_low_and_alike", [row("nothing", 4.0, retain, val, lr=None)])

    assert of(0.6, 0.6) == [True]
    assert of(6.0, 6.0) == [False]
    assert of(0.6, 3.0) == [False]


def test_one_yes_of_many_has_to_be_surer_than_one_of_one():
    """A single setting on the edge of being sure decides a claim about some setting only alone."""
    claim = {"id": "a", "paper": "p", "place": "q", "text": "t", "measured_by": "unlearns",
             "methods": ["ga"], "quantifier": "some"}  # fmt: skip
    edge = row("ga", 4.0 - MARGIN - 0.28, error=0.1)
    many = [row("ga", 1.0, val=9.0, lr=2.0 + n) for n in range(40)]

    def verdict_of(rows):
        results = results_of(rows)
        return judge([claim], results, MEASURES, results.strictly())["verdict"][0]

    surely = results_of([ORIGINAL, edge, *many])
    assert judge([claim], surely, MEASURES)["verdict"][0] == HOLDS
    assert verdict_of([ORIGINAL, edge, *many]) != HOLDS
    assert verdict_of([ORIGINAL, row("ga", 1.5), *many]) == HOLDS


def test_the_hardest_forget_set():
    claim = {"methods": ["ga"], "forget_sets": ["pc1"]}
    easy = [row("nothing", 4.0, forget_set="random"), row("ga", 0.7, forget_set="random")]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 3.5), *easy], claim) == [True]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 0.8), *easy], claim) == [False]
    hard = [row("nothing", 9.0, forget_set="random"), row("ga", 8.0, forget_set="random")]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 3.5), *hard], claim) == [False]


def test_larger_sets_of_a_family():
    claim = {"methods": ["ga"], "families": ["pc1*", "random*"]}

    def rows(small, large):
        return [
            row(method, score, forget_set=name, points=points)
            for name, points, left in (("pc1_b", 100, large), ("pc1_a", 10, small))
            for method, score in (("nothing", 4.0), ("ga", left))
        ] + [row("nothing", 4.0, forget_set="random_a"), row("ga", 1.0, forget_set="random_a")]

    assert answers("larger_unlearns_less", rows(1.0, 3.9), claim) == [True]
    assert answers("larger_unlearns_less", rows(3.9, 1.0), claim) == [False]
    assert answers("larger_unlearns_less", rows(3.9, 3.9), claim) == [None]  # none of either
    assert answers("larger_unlearns_less", rows(1.0, 1.0), claim) == [False]


def test_numbers_of_models():
    """Of retain and validation set together: one of them alone would be beyond the margin."""
    few, spread = [], []
    generator = np.random.default_rng(0)
    for split, excess in (("forget", 9.0), ("retain", 0.1), ("val", 0.1)):
        for n, null in ((20, 5.0), (80, 0.9), (100, 0.7)):
            keys = {"forget_set": "pc1", "comparison": "original", "n_models": n, "split": split}
            klom = null + excess * (n / 100) + (split == "val") * (n == 80) * 0.4
            few.append(keys | {"percentile": 95, "klom": klom, "null": null})
            noise = klom + generator.normal(0, 0.02, REPEATS)
            spread.append(keys | {f"redraw_{place}": v for place, v in enumerate(noise)})
    ask = {
        "rows": [ORIGINAL],
        "claim": {"models": [20, 80]},
        "numbers": (pd.DataFrame(few), pd.DataFrame(spread)),
    }
    assert answers("larger_than_with_all_models", **ask) == [True, False]
    assert answers("as_with_all_models", **ask) == [False, True]
    assert answers("falls_like_the_floor", **ask) == [True, True]
    last = {**ask, "claim": {"models": [100]}}
    assert answers("as_with_all_models", **last) == []  # nothing beyond it to compare with


@pytest.mark.parametrize(
    ("points", "oracle", "answer"),
    [(30, 0.90, None), (1000, 0.92, True), (1000, 0.85, False), (30, 0.60, None)],
)
def test_oracle_accuracy_within_a_bound_that_the_originals_are_beyond(points, oracle, answer):
    """At 30 points the bound is 0.25, more than the originals' gap of 0.1."""
    accuracy = pd.DataFrame([
        {"forget_set": "random_a", "method": method, "split": split, "accuracy": value}
        for method, forget in (("oracle", oracle), ("nothing", 1.0))
        for split, value in (("forget", forget), ("retain", 1.0), ("val", 0.90))
    ])  # fmt: skip
    rows = [row("nothing", 4.0, forget_set="random_a", points=points)]
    found = answers("oracle_forget_accuracy_like_val", rows, {}, accuracy=accuracy)
    assert found == ([] if answer is None else [answer])


def test_outcomes_in_words():
    rows = [
        ORIGINAL,
        row("ga", 1.0),
        row("ga", 1.0, val=5.0, lr=2.0),
        row("ga", 4.0, val=5.0, lr=3.0),
        row("ga", 4.0, lr=4.0),
        row("ga", 3.5, error=0.6, lr=5.0),
        row("ga", 1.0, forget_batch=32.0),
    ]
    assert list(outcomes(results_of(rows).settings)) == [
        "original", "unlearns", "improves but breaks", "breaks", "nothing", "undecided", "again"
    ]  # fmt: skip


def test_tables_about_other_settings_and_a_missing_original_are_refused():
    klom, redraws = tables([ORIGINAL, row("ga", 1.0)])
    apart = Results(klom, redraws.iloc[::-1], NO_ACCURACY, klom, klom, MARGIN)
    with pytest.raises(ValueError, match="not about the same settings"):
        _ = apart.settings
    with pytest.raises(ValueError, match="needs one row of method nothing"):
        answers("breaks", [row("ga", 1.0)])


def test_a_verdict_comes_with_its_counts_and_the_case_that_decides():
    claim = {"id": "a", "paper": "p", "place": "q", "text": "t", "measured_by": "unlearns",
             "quantifier": "some", "methods": ["ga"]}  # fmt: skip
    results = results_of([ORIGINAL, row("ga", 4.0), row("ga", 1.0, lr=2.0)])
    found = judge([claim], results, MEASURES).iloc[0]
    assert (found["verdict"], found["cases"], found["yes"], found["no"]) == (HOLDS, 2, 1, 1)
    assert found["evidence"].endswith("yes: ga on pc1 (lr 2, forget batch 64, batch norm train)")


def test_the_projects_claims_are_sound_and_every_measure_is_used():
    claims = read_claims(CLAIMS, MEASURES, KEYS)
    assert {claim["measured_by"] for claim in claims} == set(MEASURES)
