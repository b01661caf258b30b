"""The list of statements: complete, distinct, and judged as expected from few cases."""

import numpy as np
import pytest

from palimpsest.studies.theory.judging import FORGETS, OURS, STRUGGLES, judge
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.studies.theory.statements.linear_models.theorems import SETTINGS
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION


def find(name, variant=""):
    found = [s for s in STATEMENTS if (s.statement, s.variant) == (name, variant)]
    assert len(found) == 1, name
    return found[0]


def test_statements_are_distinct_and_from_the_two_papers():
    keys = [(s.statement, s.variant) for s in STATEMENTS]
    assert len(set(keys)) == len(keys)
    assert {s.paper for s in STATEMENTS} == {FORGETS, STRUGGLES}
    for name in {s.statement for s in STATEMENTS if s.variant}:
        rows = [s for s in STATEMENTS if s.statement == name]
        assert all(s.variant for s in rows), name
        assert len({(s.paper, s.place) for s in rows}) == 1, name


def test_every_numbered_statement_has_a_row():
    names = " | ".join(s.statement for s in STATEMENTS if not s.place.startswith(OURS))
    for number in (*range(1, 13),):
        assert f"Lemma {number}" in names
    for name in (
        "Corollary 1", "Corollary B.1", "Corollary B.2", "Corollary B.3", "Theorem 3.2",
        "Theorem 3.4", "Theorem 4.1(1)", "option A, RL", "option A, UL", "option B, RL",
        "option B, UL", "Eq. (4)", "Eq. (5)", "Eq. (8)", "Eq. (9)", "Eqs. (10) and (12)",
        "Eq. (11)", "Eq. (13)", "Eq. (14)", "Eq. (15)", "Figure 4", "Figure 5",
    ):  # fmt: skip
        assert name in names, name


def test_every_linear_statement_is_in_every_setting():
    for statement in STATEMENTS:
        if statement.paper == STRUGGLES and statement.variant == SETTINGS[0]:
            if statement.statement.startswith("More overlap"):
                continue
            for setting in SETTINGS:
                find(statement.statement, setting)


def test_a_statement_that_can_fail_says_what_is_right():
    for statement in STATEMENTS:
        if statement.condition is not None and not statement.place.startswith(OURS):
            assert statement.corrected or statement.statement.startswith("Lemma"), statement


def test_what_no_paper_states_is_ours():
    """Hedged, rejected or never said, or more than the sentence says."""
    never = (
        "Lemma 3 never holds on every coordinate at once", "Eq. (9), exact for every eps",
        "Aligning P_t with P_r leaves the gap as it is", "Lemma 4 with < in place of <=",
        "With F a subset of one S_j the range of Lemma 3 is empty",
    )  # fmt: skip
    for name in never:
        rows = [s for s in STATEMENTS if s.statement == name]
        assert rows and all(s.place.startswith(OURS) for s in rows), name


AWAY = "DA always converges away from the oracle: doing nothing is better"
HARMFUL = "For certain forget set sizes DA is harmful, even with arbitrary early stopping"
CORRECTION = "The correction keeps the iteration from diverging"
LARGE = "Figure 4: the range of eps is typically large"


@pytest.mark.parametrize(
    ("name", "variant", "verdict"),
    [
        ("Lemma 1", "", HOLDS_WITH_CONDITION),
        ("Lemma 2", "", HOLDS),
        ("App. E, case 2: W0 is the maximum, W-1 the minimum", "", FAILS),
        ("Lemma 3", "", HOLDS),
        ("Lemma 3 always holds on purely one-dimensional data", "", FAILS),
        ("Lemma 4", "", HOLDS),
        ("Lemma 5", "", HOLDS),
        (AWAY, "on a coordinate", HOLDS_WITH_CONDITION),
        (AWAY, "in the whole vector", HOLDS_WITH_CONDITION),
        (HARMFUL, "on a coordinate", HOLDS),
        (HARMFUL, "in the whole vector", HOLDS),
        (CORRECTION, "it does not fall without end", HOLDS),
        (CORRECTION, "it settles", HOLDS_WITH_CONDITION),
        (LARGE, "the order itself", HOLDS),
        (LARGE, "what the printed thresholds guarantee", HOLDS_WITH_CONDITION),
        ("Eq. (9), in the limit eps -> 1", "", HOLDS),
        ("The projections commute", "any shape", HOLDS),
        ("Corollary B.1", "any shape", HOLDS),
        ("Corollary B.3", "any shape", HOLDS),
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
def test_verdicts_from_few_cases_of_another_seed(name, variant, verdict):
    row = judge(find(name, variant), seed=77, cases=150)
    assert row.verdict == verdict
    assert np.isfinite(row.largest_error)
    assert (row.violations > 0) == (verdict != HOLDS)
