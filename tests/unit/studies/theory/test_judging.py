"""The rule from cases to a verdict, on synthetic cases."""

import dataclasses

import numpy as np
import pytest

from palimpsest.studies.theory import judging
from palimpsest.studies.theory.judging import Statement, judge, rule
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION

YES, NO = np.ones(20, dtype=bool), np.zeros(20, dtype=bool)
HALF = np.arange(20) < 10


def test_no_violation_holds_whatever_the_condition():
    assert rule(YES, YES) == HOLDS
    assert rule(YES, YES, NO) == HOLDS


def test_violations_outside_the_papers_conditions_do_not_count():
    assert rule(HALF, HALF) == HOLDS


def test_one_violation_makes_a_statement_false():
    holds = YES.copy()
    holds[3] = False
    assert rule(YES, holds) == FAILS


def test_a_condition_that_all_violations_miss():
    assert rule(YES, HALF, HALF) == HOLDS_WITH_CONDITION


def test_a_condition_that_one_violation_meets():
    condition = HALF.copy()
    condition[15] = True
    assert rule(YES, HALF, condition) == FAILS


def test_a_condition_that_too_few_cases_meet():
    few = np.arange(20) < judging.MINIMUM - 1
    assert rule(YES, HALF, few) == FAILS
    assert rule(YES, HALF, np.arange(20) < judging.MINIMUM) == HOLDS_WITH_CONDITION


def test_a_condition_met_outside_the_papers_conditions_only():
    assert rule(~HALF, HALF, HALF) == FAILS


def test_too_few_cases_decide_nothing():
    with pytest.raises(ValueError, match="4 cases meet the paper's conditions; at least 5"):
        rule(np.arange(20) < 4, YES)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="equal length"):
        rule(YES, YES[:5])
    with pytest.raises(ValueError, match="as long as"):
        rule(YES, HALF, YES[:5])


def square_is_below_one(**changes):
    """x^2 < 1 for x in (-2, 2): true for |x| < 1 alone."""
    values = {
        "statement": "x^2 < 1", "paper": "none", "place": "here", "checked": "squares",
        "draw": lambda rng, n: {"x": rng.uniform(-2, 2, n)},
        "check": lambda p: (p["x"] ** 2 < 1, np.maximum(p["x"] ** 2 - 1, 0)),
        "corrected": "for |x| < 1",
    }  # fmt: skip
    return Statement(**(values | changes))


def test_judging_a_false_statement_prints_its_worst_case():
    row = judge(square_is_below_one(), 0, 200)
    assert (row.verdict, row.cases, row.corrected) == (FAILS, 200, "for |x| < 1")
    assert 0 < row.violations < 200
    x = float(row.condition.removeprefix("fails at x="))
    assert x**2 - 1 == pytest.approx(row.largest_error)


def test_judging_with_a_condition():
    row = judge(
        square_is_below_one(condition=lambda p: p["x"] < 1 / 2, condition_text="x < 1/2"), 0, 200
    )
    assert row.verdict == FAILS
    row = judge(
        square_is_below_one(condition=lambda p: abs(p["x"]) < 1, condition_text="|x| < 1"), 0, 200
    )
    assert row.verdict == HOLDS_WITH_CONDITION
    assert row.condition.startswith("|x| < 1; fails at x=")


def test_judging_within_the_papers_conditions():
    row = judge(square_is_below_one(inside=lambda p: abs(p["x"]) < 1), 0, 200)
    assert (row.verdict, row.condition, row.corrected) == (HOLDS, "", "")
    assert row.cases + row.cases_outside == 200
    assert row.violations_outside == row.cases_outside > 0


def test_the_same_seed_gives_the_same_row():
    one, other = (judge(square_is_below_one(), seed, 100) for seed in (3, 3))
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert judge(square_is_below_one(), 4, 100) != one


def test_a_case_that_is_not_a_number_is_an_error():
    broken = square_is_below_one(check=lambda p: (p["x"] < 9, np.full(p["x"].shape, np.nan)))
    with pytest.raises(ValueError, match="not a number"):
        judge(broken, 0, 100)


def test_a_condition_needs_a_text():
    with pytest.raises(ValueError, match="a condition needs a text"):
        square_is_below_one(condition=lambda p: p["x"] < 1)


def test_comparisons():
    one, other = np.array([1.0, 2.0, 0.0]), np.array([1.0, 3.0, 1e-10])
    assert judging.equal(one, other)[0].tolist() == [True, False, True]
    assert judging.at_most(one, other)[0].tolist() == [True, True, True]
    assert judging.at_most(other, one)[0].tolist() == [True, False, False]
    assert judging.below(one, other)[0].tolist() == [False, True, True]
    holds, error = judging.all_of(judging.equal(one, other), judging.below(one, other))
    assert holds.tolist() == [False, False, True] and error[1] == pytest.approx(1 / 3)
