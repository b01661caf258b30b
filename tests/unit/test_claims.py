"""Verdicts by rule: quantifiers over cases, of which undecided ones never count."""

import pytest

from palimpsest.claims import Case, judge, read_claims
from palimpsest.files import InputError
from palimpsest.verdicts import FAILS, HOLDS, UNDECIDED, both, either, negation, verdict


def decided(results, claim):
    """A measure that gives the cases it is given."""
    return results


@pytest.mark.parametrize(
    ("quantifier", "yes", "no", "undecided", "expected"),
    [
        ("all", 3, 0, 0, HOLDS), ("all", 3, 0, 1, UNDECIDED), ("all", 3, 1, 1, FAILS),
        ("most", 3, 1, 1, HOLDS), ("most", 2, 1, 1, UNDECIDED), ("most", 1, 2, 1, FAILS),
        ("some", 1, 5, 5, HOLDS), ("some", 0, 5, 1, UNDECIDED), ("some", 0, 5, 0, FAILS),
        ("none", 0, 3, 0, HOLDS), ("none", 0, 3, 1, UNDECIDED), ("none", 1, 3, 1, FAILS),
        ("all", 0, 0, 0, UNDECIDED), ("none", 0, 0, 0, UNDECIDED),
    ],
)  # fmt: skip
def test_quantifiers(quantifier, yes, no, undecided, expected):
    assert verdict([True] * yes + [False] * no + [None] * undecided, quantifier) == expected


@pytest.mark.parametrize(
    ("first", "second", "both_are", "one_is"),
    [
        (True, True, True, True), (True, False, False, True), (False, False, False, False),
        (True, None, None, True), (False, None, False, None), (None, None, None, None),
    ],
)  # fmt: skip
def test_answers_are_combined(first, second, both_are, one_is):
    for pair in ((first, second), (second, first)):
        assert both(*pair) is both_are
        assert either(*pair) is one_is
        assert negation(either(*pair)) is both(*map(negation, pair))


CLAIM = {"id": "a", "paper": "p", "place": "q", "text": "t", "measured_by": "breaks",
         "quantifier": "all"}  # fmt: skip


def test_a_claim_is_judged_by_its_measure_and_the_deciding_case_is_named():
    cases = [Case("first", True), Case("second", False), Case("third", None)]
    found = judge([CLAIM], cases, {"breaks": decided}).iloc[0]
    assert (found["verdict"], found["cases"], found["undecided"]) == (FAILS, 3, 1)
    assert found["evidence"] == "1 of 3 cases yes, 1 no, 1 undecided; no: second"
    assert judge([CLAIM], [], {"breaks": decided})["evidence"][0] == "the run has no such case"


def test_why_a_case_is_not_judged_is_said_once():
    cases = [Case(name, None, "pc1: the estimate does not predict") for name in "ab"]
    found = judge([CLAIM], cases, {"breaks": decided}).iloc[0]
    assert found["evidence"].endswith("2 undecided; pc1: the estimate does not predict")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"quantifier": "few"}, "quantifier few; allowed are all, most"),
        ({"measured_by": "feeling"}, "measured_by feeling"),
        ({"forgetsets": ["x"]}, "unknown key forgetsets"),
        ({"text": None}, "lacks text"),
        ({"id": "{x: 1}"}, r"has id \{'x': 1\}; needed: a text"),
        ({"paper": "[a]"}, r"has paper \['a'\]; needed: a text"),
        ({"measured_by": "[breaks]"}, r"has measured_by \['breaks'\]; needed: a text"),
    ],
)
def test_a_wrong_claim_is_refused_in_one_sentence(tmp_path, change, sentence):
    claim = {key: value for key, value in (CLAIM | change).items() if value is not None}
    path = tmp_path / "claims.yaml"
    path.write_text("- " + "\n  ".join(f"{key}: {value}" for key, value in claim.items()))
    with pytest.raises(InputError, match=sentence):
        read_claims(path, {"breaks": decided})
