"""Verdicts on a paper's claims, by rule, from the tables of a run.

A claim (reports/STUDY/claims.yaml) names a measure, which says yes, no or undecided (None) of each
case (a setting, a forget set, a pair of forget sets, a number of models), and a quantifier over
the cases. How a difference of two scores is judged stands in `contrasts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd

from palimpsest.config.plain_yaml import read_yaml
from palimpsest.files import InputError
from palimpsest.verdicts import QUANTIFIERS, Answer, verdict

COLUMNS = (
    "id", "paper", "place", "text", "measured_by", "quantifier", "verdict", "cases", "yes", "no",
    "undecided", "evidence",
)  # fmt: skip
_NEEDED = {"id", "paper", "place", "text", "measured_by", "quantifier"}


@dataclass(frozen=True)
class Case:
    """One thing that a measure spoke about: its name, yes, no or None, and why None, if known."""

    name: str
    answer: bool | None
    doubt: str | None = None


DECIDED_BY_ONE: dict[str, Answer] = {"all": False, "some": True, "none": True}
"""quantifier -> the answer of a single case that decides it"""
Measure = Callable[[Any, dict[str, Any]], list[Case]]
"""What it says of each case, from the results of a study and the keys of a claim."""


def read_claims(
    path: str | Path, measures: dict[str, Measure], optional: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The claims of a YAML file; InputError for a wrong or missing key, measure or quantifier.

    `optional`: the keys that the measures read besides those that every claim has.
    """
    allowed_keys = {*_NEEDED, *optional}
    claims = read_yaml(path)
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise InputError(f"{path}: needed is a list of claims, each with keys")
    for claim in claims:
        name = claim.get("id", "a claim without id")
        if missing := sorted(_NEEDED - claim.keys()):
            raise InputError(f"{path}: {name} lacks {missing[0]}")
        if unknown := sorted(claim.keys() - allowed_keys):
            raise InputError(
                f"{path}: {name} has the unknown key {unknown[0]}; "
                f"allowed are {', '.join(sorted(allowed_keys))}"
            )
        for key in sorted(_NEEDED):
            if not isinstance(claim[key], str):
                raise InputError(f"{path}: {name} has {key} {claim[key]!r}; needed: a text")
        for key, allowed in (("measured_by", tuple(measures)), ("quantifier", QUANTIFIERS)):
            if claim[key] not in allowed:
                raise InputError(
                    f"{path}: {name} has {key} {claim[key]}; allowed are {', '.join(allowed)}"
                )
    names = [claim["id"] for claim in claims]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two claims have the same id")
    return claims


def judge(
    claims: list[dict[str, Any]],
    results: Any,
    measures: dict[str, Measure],
    strictly: Any | None = None,
) -> pd.DataFrame:
    """One row per claim with its verdict and the counts behind it; the columns are COLUMNS.

    `strictly`: the same results, judged so that one false answer among all is unlikely; what they
    leave undecided does not decide a claim by itself (DECIDED_BY_ONE).
    """
    rows = []
    for claim in claims:
        measure, telling = measures[claim["measured_by"]], DECIDED_BY_ONE.get(claim["quantifier"])
        cases = measure(results, claim)
        if strictly is not None and telling is not None:
            again = measure(strictly, claim)
            cases = [
                case if case.answer is not telling or surer.answer is telling
                else replace(case, answer=None)
                for case, surer in zip(cases, again, strict=True)
            ]  # fmt: skip
        answers = [case.answer for case in cases]
        rows.append(
            {name: claim[name] for name in COLUMNS[:6]}
            | {
                "verdict": verdict(answers, claim["quantifier"]),
                "cases": len(cases),
                "yes": answers.count(True),
                "no": answers.count(False),
                "undecided": answers.count(None),
                "evidence": evidence(cases, claim["quantifier"]),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def evidence(cases: list[Case], quantifier: str) -> str:
    """The counts in words, with the case that decides where one does."""
    if not cases:
        return "the run has no such case"
    answers = [case.answer for case in cases]
    text = (
        f"{answers.count(True)} of {len(cases)} cases yes, {answers.count(False)} no, "
        f"{answers.count(None)} undecided"
    )
    telling = DECIDED_BY_ONE.get(quantifier)
    deciding = [case.name for case in cases if telling is not None and case.answer is telling]
    if deciding:
        text += f"; {'no' if telling is False else 'yes'}: {deciding[0]}"
    doubts = dict.fromkeys(case.doubt for case in cases if case.doubt)
    return "; ".join([text, *doubts])


def matches(name: str, patterns: list[str] | None) -> bool:
    """Whether a forget set's name fits one of the patterns; no patterns fit all."""
    return patterns is None or any(fnmatch(name, pattern) for pattern in patterns)
