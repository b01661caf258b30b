"""What programs share: JSON among their words, and keywords held to their annotations."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from palimpsest.programs import check_keywords, json_map


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("NaN", "NaN is no finite number"),
        ("-Infinity", "-Infinity is no finite number"),
        ("1e400", "1e400 is no finite number"),
        ("9223372036854775808", "9223372036854775808 does not fit into 64 bits"),
        ("-9223372036854775809", "-9223372036854775809 does not fit into 64 bits"),
        ("9" * 5000, "9999 does not fit into 64 bits"),
        ("[" * 100_000, "maximum recursion depth"),
        ("01", "Expecting ',' delimiter"),
    ],
)
def test_json_that_holds_no_ordinary_number_is_refused(value, sentence):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        json_map(f'{{"lr": {value}}}')
    assert sentence in str(error.value)
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


def test_json_keeps_whole_numbers_and_others():
    found = json_map('{"lr": 1e-5, "epochs": 3, "low": -9223372036854775808, "wide": 2.0}')
    assert found == {"lr": 1e-5, "epochs": 3, "low": -(2**63), "wide": 2.0}
    assert type(found["epochs"]) is int and type(found["wide"]) is float


def judge(inputs: Any, *, margin: float, names: list[str], of: Mapping[str, Sequence[int]]) -> None:
    """A function whose keywords are settings."""


GOOD = {"margin": 1, "names": ["a"], "of": {"a": [1, 2]}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"margin": "0.7"}, 'here: margin is "0.7"; allowed: a number'),
        ({"margin": None}, "here: margin is null; allowed: a number"),
        ({"names": "a"}, 'here: names is "a"; allowed: list'),
        ({"names": [1]}, r"here: names is \[1\]; allowed: list"),
        ({"of": {"a": [1.5]}}, 'here: of is {"a": .*allowed: Mapping'),
        ({"foo": 1}, "here: unknown setting foo"),
    ],
)
def test_keywords_are_held_to_their_annotations(change, sentence):
    check_keywords(judge, GOOD, "here")
    with pytest.raises(ValueError, match=sentence):
        check_keywords(judge, GOOD | change, "here")
