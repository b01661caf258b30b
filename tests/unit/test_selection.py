"""The two rules of choosing a setting, on tables small enough to choose by eye."""

import numpy as np
import pandas as pd
import pytest

from palimpsest import selection


def setting(method, lr, scores, accuracies, cost=1.0, models=0, halves=None):
    """`halves` are the scores of the even and the odd models, those of all where left out."""
    row = {"forget_set": "f", "method": method, "lr": lr, "relative_cost": cost,
           "diverged_models": models, "control": lr == 0,
           "worst_klom": max(scores)}  # fmt: skip
    even, odd = halves or (scores, scores)
    for place, split in enumerate(("forget", "retain", "val")):
        row |= {f"{split}_klom": scores[place], f"{split}_accuracy": accuracies[place],
                f"{split}_even_half": even[place], f"{split}_odd_half": odd[place]}  # fmt: skip
    return row


ORIGINAL = setting("nothing", None, (5, 1, 1), (1.0, 1.0, 0.97))


def table(*rows):
    return pd.DataFrame([ORIGINAL, *rows])


def chosen(rows, rule):
    found = rule(table(*rows))
    return list(found.loc[found["method"] == "ga", "lr"])


def test_by_oracle_takes_the_smallest_largest_score():
    rows = [
        setting("ga", 1, (0.5, 3, 1), (0.97, 0.9, 0.9)),
        setting("ga", 2, (2, 1, 2.1), (0.97, 1, 0.97)),
        setting("ga", 3, (4, 1, 1), (1, 1, 0.97)),
    ]
    assert chosen(rows, selection.by_oracle) == [2]


def test_without_oracle_keeps_validation_accuracy_and_forgets_like_chance():
    rows = [
        setting("ga", 1, (9, 9, 9), (0.97, 0.9, 0.9599)),  # closest, but lost 1.01 points
        setting("ga", 2, (9, 9, 9), (0.96, 1, 0.96)),  # 1 point from the original's 0.97
        setting("ga", 3, (1, 1, 1), (0.99, 1, 0.97)),  # the best, which the rule cannot know
    ]
    assert chosen(rows, selection.without_oracle) == [2]


def test_ties_go_to_the_cheaper():
    rows = [
        setting("ga", 1, (2, 1, 1), (0.98, 1, 0.97), cost=0.2),
        setting("ga", 2, (2, 2, 2), (0.96, 1, 0.97), cost=0.1),
    ]
    assert chosen(rows, selection.by_oracle) == [2]
    assert chosen(rows, selection.without_oracle) == [2]


@pytest.mark.parametrize("rule", [selection.by_oracle, selection.without_oracle])
def test_controls_and_diverged_settings_are_not_chosen(rule):
    best = (0, 0, 0), (0.97, 1, 0.97)
    rows = [
        setting("ga", 0, *best),
        setting("ga", 2, *best, models=1),
        setting("ga", 4, (3, 3, 3), (0.99, 1, 0.97)),
    ]
    assert chosen(rows, rule) == [4]


def test_regret_is_what_the_second_rule_loses_and_a_rule_may_find_nothing():
    rows = [
        setting("ga", 1, (2, 1, 1), (0.99, 1, 0.97)),
        setting("ga", 2, (3, 1, 1), (0.97, 1, 0.97)),
        setting("gda", 1, (4, 4, 4), (0.9, 0.9, 0.8)),
    ]
    compared = selection.compare(table(*rows)).set_index(["method", "rule"])
    assert list(compared.loc["ga", "regret"]) == [0, 1]
    assert compared.loc[("gda", "by_oracle"), "worst_klom"] == 4
    assert np.isnan(compared.loc[("gda", "without_oracle"), "regret"])
    assert len(compared) == 4  # the original is no choice


def test_the_rule_without_the_oracle_reads_no_score():
    """A score that is no number, since the oracles diverged, takes nothing from its choice."""
    rows = [setting("ga", 1, (np.nan, np.nan, np.nan), (0.97, 1, 0.97))]
    assert chosen(rows, selection.without_oracle) == [1]
    assert chosen(rows, selection.by_oracle) == []


def test_the_regret_is_judged_on_the_half_that_did_not_choose():
    """The oracle's choice is lucky on the half that it was made by, and not on the other."""
    lucky = (2, 1, 1), (0.99, 1, 0.97)
    rows = [
        setting("ga", 1, *lucky, halves=((1, 1, 1), (3, 1, 1))),
        setting("ga", 2, *lucky, halves=((3, 1, 1), (1, 1, 1))),
        setting("ga", 3, (2.5, 1, 1), (0.97, 1, 0.97)),  # what the other rule takes
    ]
    compared = selection.compare(table(*rows)).set_index("rule")
    assert compared.loc["without_oracle", "naive_regret"] == 0.5
    assert compared.loc["without_oracle", "regret"] == 2.5 - 3
    assert list(compared.loc["by_oracle", ["regret", "naive_regret"]]) == [0, 0]


def test_a_forget_set_without_its_original_is_refused():
    rows = pd.DataFrame([setting("ga", 1, (2, 1, 1), (0.99, 1, 0.97))])
    with pytest.raises(ValueError, match="no row of method nothing"):
        selection.without_oracle(rows)


def test_accuracies_are_joined_to_their_settings():
    settings = pd.DataFrame({
        "forget_set": "f", "method": ["nothing", "ga", "ga"], "lr": [np.nan, 1, 2],
        "relative_cost": 1,
    })  # fmt: skip
    rows = [
        {"forget_set": "f", "method": method, "lr": lr, "split": split, "accuracy": accuracy,
         "diverged_models": models}
        for method, lr, accuracy, models in (("ga", 2, 0.2, 3), ("nothing", None, 0.9, 0),
                                             ("oracle", None, 0.8, 0), ("ga", 1, 0.1, 0))
        for split in ("forget", "retain", "val")
    ]  # fmt: skip
    joined = selection.with_accuracy(settings, pd.DataFrame(rows))
    assert list(joined["retain_accuracy"]) == [0.9, 0.1, 0.2]
    assert list(joined["diverged_models"]) == [0, 0, 3]
    with pytest.raises(ValueError, match="a setting of method ga on forget set f"):
        selection.with_accuracy(settings, pd.DataFrame(rows[:9]))
