"""Verdicts by rule: the floor and the intervals decide, and undecided cases never count."""

from pathlib import Path

import pandas as pd

from palimpsest.claims import judge, read_claims
from palimpsest.studies.ascent.measures import KEYS, MEASURES, Results, outcomes
from palimpsest.verdicts import HOLDS

CLAIMS = Path(__file__).parents[4] / "reports" / "ascent" / "claims.yaml"
NULL = 0.5


def row(method, forget, retain=0.6, val=0.6, reach=0.1, forget_set="pc1", **more):
    """A setting whose interval reaches `reach` to both sides of each score."""
    found = {"forget_set": forget_set, "method": method, "lr": 1.0, "diverged": False,
             "control": False, "worst_klom": max(forget, retain, val)}  # fmt: skip
    for split, score in (("forget", forget), ("retain", retain), ("val", val)):
        found |= {f"{split}_klom": score, f"{split}_low": score - reach,
                  f"{split}_high": score + reach, f"{split}_null": NULL}  # fmt: skip
    return found | more


ORIGINAL = row("nothing", 4.0)


def answers(measure, rows, claim=None, numbers=None, accuracy=None, sizes=None):
    empty = pd.DataFrame(columns=["forget_set", "method", "lr", "split", "accuracy"])
    table = numbers if numbers is not None else pd.DataFrame()
    results = Results(
        pd.DataFrame(rows), empty if accuracy is None else accuracy, table, sizes or {}
    )
    return [case.answer for case in MEASURES[measure](results, claim or {"methods": ["ga"]})]


def of_one(measure, *args, original=ORIGINAL, **more):
    return answers(measure, [original, row("ga", *args, **more)])[0]


def test_a_setting_unlearns_if_it_gains_on_the_forget_set_and_loses_nothing():
    assert of_one("unlearns", 1.0) is True
    assert of_one("unlearns", 1.0, val=3.0) is False
    assert of_one("unlearns", 3.9) is False
    assert of_one("unlearns", 3.4) is None  # 0.6 nearer, by an interval from 0.4 to 0.8
    assert of_one("unlearns", 1.0, val=1.1) is None
    assert of_one("unlearns", 1.0, diverged=True) is False
    for scores in ((1.0,), (3.9,), (3.4,)):
        answer = of_one("unlearns", *scores)
        opposite = None if answer is None else not answer
        assert of_one("does_nothing_or_breaks", *scores) is opposite


def test_an_original_at_the_floor_leaves_nothing_to_gain_and_decides_nothing():
    original = row("nothing", 0.8)
    assert of_one("unlearns", 0.8, original=original) is None
    assert of_one("improves_on_forget", 0.8, original=original) is None
    assert of_one("unlearns", 0.8, val=9.0, original=original) is False


def test_breaking_and_staying():
    assert of_one("breaks", 4.0, retain=2.0) is True
    assert of_one("breaks", 9.0) is False
    assert of_one("improves_but_breaks", 1.0, val=5.0) is True
    assert of_one("stays", 4.1, 0.7, 0.7) is True
    assert of_one("stays", 2.0) is False
    assert of_one("stays", 4.0, diverged=True) is False
    assert of_one("retain_like_val", 4.0, retain=2.0, val=2.1) is True
    assert of_one("retain_like_val", 4.0, retain=2.0, val=3.1) is False


def test_the_control_counts_only_where_it_is_asked_for():
    rows = [ORIGINAL, row("ga", 4.0, val=3.0, control=True), row("ga", 4.0)]
    assert answers("breaks", rows) == [False]
    assert answers("breaks", rows, {"methods": ["ga"], "control": True}) == [True]


def test_the_original_against_the_floor():
    claim = {"forget_sets": ["pc*"]}
    rows = [ORIGINAL, row("nothing", 0.7, forget_set="pc2"), row("nothing", 9, forget_set="random")]
    assert answers("original_unlike_oracle_on_forget", rows, claim) == [True, False]
    assert answers("original_like_oracle_on_val", rows, {}) == [True, True, True]


def test_worse_than_the_best_compares_the_means_over_the_splits():
    rows = [ORIGINAL, row("ga", 1.0), row("ga", 1.2), row("ga", 4.0, 4.0, 4.0)]
    assert answers("worse_than_the_best", rows) == [False, True]


def test_the_hardest_forget_set():
    claim = {"methods": ["ga"], "forget_sets": ["pc1"]}
    easy = [row("nothing", 4.0, forget_set="random"), row("ga", 0.7, forget_set="random")]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 3.5), *easy], claim) == [True]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 0.9), *easy], claim) == [None]
    hard = [row("nothing", 9.0, forget_set="random"), row("ga", 8.0, forget_set="random")]
    assert answers("harder_than_others", [ORIGINAL, row("ga", 3.5), *hard], claim) == [False]


def test_larger_sets_of_a_family():
    claim = {"methods": ["ga"], "families": ["pc1*", "random*"]}
    sizes = {"pc1_a": 10, "pc1_b": 100, "random_a": 10}
    rows = [
        row(method, score, forget_set=name)
        for name, unlearnt in (("pc1_b", 3.9), ("pc1_a", 1.0), ("random_a", 1.0))
        for method, score in (("nothing", 4.0), ("ga", unlearnt))
    ]
    assert answers("larger_unlearns_less", rows, claim, sizes=sizes) == [True]
    assert answers("larger_unlearns_less", rows, claim, sizes=sizes | {"pc1_b": 5}) == [False]
    assert answers("larger_unlearns_less", rows, claim) == []


def test_numbers_of_models():
    numbers = pd.DataFrame([
        {"forget_set": "pc1", "comparison": comparison, "split": split, "n_models": n,
         "klom": null + excess, "null": null}
        for comparison, excess in (("original", 0.1), ("second_oracle", 9.0))
        for split in ("forget", "retain")
        for n, null in ((20, 5.0), (80, 0.9), (100, 0.7))
    ])  # fmt: skip
    claim = {"models": [20, 80]}
    ask = {"rows": [ORIGINAL], "claim": claim, "numbers": numbers}
    assert answers("larger_than_with_all_models", **ask) == [True, False]
    assert answers("as_with_all_models", **ask) == [False, True]
    assert answers("falls_like_the_floor", **ask) == [True, True]
    few = {**ask, "claim": {"models": [100]}}
    assert answers("as_with_all_models", **few) == []  # nothing beyond it to compare with


def test_oracle_accuracy_within_hoeffdings_bound():
    accuracy = pd.DataFrame([
        {"forget_set": name, "method": "oracle", "split": split, "accuracy": value}
        for name, forget in (("random_30", 0.75), ("random_1000", 0.75))
        for split, value in (("forget", forget), ("retain", 1.0), ("val", 0.96))
    ])  # fmt: skip
    claim = {"forget_sets": ["random_*"]}
    sizes = {"random_30": 30, "random_1000": 1000}
    more = {"accuracy": accuracy, "sizes": sizes}
    assert answers("oracle_forget_accuracy_like_val", [ORIGINAL], claim, **more) == [True, False]


def test_outcomes_in_words():
    rows = [ORIGINAL, row("ga", 1.0), row("ga", 1.0, val=5.0), row("ga", 4.0, val=5.0),
            row("ga", 4.0), row("ga", 3.4)]  # fmt: skip
    assert list(outcomes(pd.DataFrame(rows))) == [
        "original", "unlearns", "improves but breaks", "breaks", "nothing", "undecided"
    ]  # fmt: skip


def test_a_verdict_comes_with_its_counts_and_the_case_that_decides():
    claim = {"id": "a", "paper": "p", "place": "q", "text": "t", "measured_by": "unlearns",
             "quantifier": "some", "methods": ["ga"]}  # fmt: skip
    empty = pd.DataFrame(columns=["forget_set", "method", "lr", "split", "accuracy"])
    results = Results(
        pd.DataFrame([ORIGINAL, row("ga", 4.0), row("ga", 1.0, lr=2.0)]), empty, empty
    )
    found = judge([claim], results, MEASURES).iloc[0]
    assert (found["verdict"], found["cases"], found["yes"], found["no"]) == (HOLDS, 2, 1, 1)
    assert found["evidence"].endswith("yes: ga on pc1 (lr 2)")


def test_the_projects_claims_are_sound_and_every_measure_is_used():
    claims = read_claims(CLAIMS, MEASURES, KEYS)
    assert {claim["measured_by"] for claim in claims} == set(MEASURES)
