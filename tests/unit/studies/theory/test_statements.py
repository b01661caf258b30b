"""The list of statements: complete, distinct, and judged as expected from few cases."""

import numpy as np
import pytest

from palimpsest.studies.theory.judging import FORGETS, STRUGGLES, judge
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.studies.theory.statements.linear_models.theorems import SETTINGS
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION

OURS = "ours"


def find(name, place=""):
    found = [s for s in STATEMENTS if s.statement == name and s.place.endswith(place)]
    assert len(found) == 1, name
    return found[0]


def test_statements_are_distinct_and_from_the_two_papers():
    keys = [(s.statement, s.place) for s in STATEMENTS]
    assert len(set(keys)) == len(keys)
    assert {s.paper for s in STATEMENTS} == {FORGETS, STRUGGLES}


def test_every_numbered_statement_has_a_row():
    names = " | ".join(s.statement for s in STATEMENTS if not s.place.startswith(OURS))
    for number in (*range(1, 13),):
        assert f"Lemma {number}" in names
    for name in (
        "Corollary 1", "Corollary B.1", "Corollary B.2", "Corollary B.3", "Theorem 3.2",
        "Theorem 3.4", "Theorem 4.1(1)", "option A, RL", "option A, UL", "option B, RL",
        "option B, UL", "Eq. (4)", "Eq. (5)", "Eq. (9)", "Eqs. (10) and (12)", "Eq. (11)",
        "Eq. (13)", "Eq. (14)", "Eq. (15)", "Figure 4", "Figure 5",
    ):  # fmt: skip
        assert name in names, name


def test_every_linear_statement_is_in_every_setting():
    for statement in STATEMENTS:
        if statement.paper == STRUGGLES and statement.place.endswith(SETTINGS[0]):
            if statement.statement.startswith("More overlap"):
                continue
            for setting in SETTINGS:
                find(statement.statement, setting)


def test_a_statement_that_can_fail_says_what_is_right():
    for statement in STATEMENTS:
        if statement.condition is not None and not statement.place.startswith(OURS):
            assert statement.corrected or statement.statement.startswith("Lemma"), statement


@pytest.mark.parametrize(
    ("name", "place", "verdict"),
    [
        ("Lemma 1", "", HOLDS_WITH_CONDITION),
        ("Lemma 2", "", HOLDS),
        ("App. E, case 2: W0 is the maximum, W-1 the minimum", "", FAILS),
        ("Lemma 3", "", HOLDS),
        ("Lemma 3 always holds on purely one-dimensional data", "", FAILS),
        ("Lemma 4, read with <", "", HOLDS_WITH_CONDITION),
        ("Lemma 5, read with >=", "", HOLDS),
        ("Proof of Lemma 12: the base case x_1 >= x_0", "", FAILS),
        ("Lemma 7", "", HOLDS_WITH_CONDITION),
        ("Lemma 9", "", HOLDS),
        ("Lemma 10", "", HOLDS_WITH_CONDITION),
        ("Eq. (11)", "", HOLDS_WITH_CONDITION),
        ("Theorem 3.4", "setting of A.1", HOLDS),
        ("Theorem 4.1(2), option B, RL", "setting of A.1", HOLDS),
        ("Theorem 4.1(2), option B, RL", "overparameterised", FAILS),
        ("Theorem 4.1(2), option B, RL", "any shape", HOLDS_WITH_CONDITION),
        ("Theorem 4.1(2), corrected", "overparameterised", HOLDS),
    ],
)
def test_verdicts_from_few_cases_of_another_seed(name, place, verdict):
    row = judge(find(name, place), seed=77, cases=150)
    assert row.verdict == verdict
    assert np.isfinite(row.largest_error)
    assert (row.violations > 0) == (verdict != HOLDS)
