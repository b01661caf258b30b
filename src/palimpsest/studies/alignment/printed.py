"""Measures of the paper's own printed numbers, which need no run."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from palimpsest.claims import Case, Measure
from palimpsest.studies.alignment.paired import UNLEARNED, Run
from palimpsest.studies.alignment.results import ORACLE

_ROUNDING = 1e-6  # of differences of printed numbers, which have two digits


def _printed(run: Run, claim: Mapping[str, Any]) -> pd.DataFrame:
    """The numbers that a claim is about, a row for each column of the paper's tables: methods."""
    rows = run.results.printed[run.results.printed["value"].notna()]
    for key in ("table", "model", "quantity"):
        if key in claim:
            rows = rows[rows[key] == claim[key]]
    for key in ("scenario", "subset"):
        if f"{key}s" in claim:
            rows = rows[rows[key].isin(claim[f"{key}s"])]
    keys = ["table", "dataset", "model", "scenario", "subset"]
    told = rows.assign(**{key: rows[key].fillna("") for key in keys})
    methods = list(dict.fromkeys(told["method"]))
    return told.pivot(index=keys, columns="method", values="value")[methods]


def _column(key: Sequence[str]) -> str:
    """A column of a table in words."""
    table, *more = key
    return ", ".join([f"Table {table}" if table.isdigit() else table, *filter(None, more)])


def _printed_among_the_closest(run: Run, claim: dict[str, Any]) -> list[Case]:
    """Fewer than `rank` other methods are closer to Retrain, in each column or on the average of
    those of one scenario."""
    (method,), cases = claim["methods"], []
    table = _printed(run, claim)
    gaps = table.sub(table[ORACLE], axis=0).abs()[list(UNLEARNED)]
    if claim.get("averaged"):
        gaps = gaps.groupby(level=[name for name in gaps.index.names if name != "subset"]).mean()
    for key, row in gaps.iterrows():
        closer = int((row < row[method] - _ROUNDING).sum())
        name = f"{_column(key)}: {closer} closer than {method}, {row[method]:.2f} away"
        cases.append(Case(name, closer < claim["rank"]))
    return cases


def _printed_difference(run: Run, claim: dict[str, Any]) -> list[Case]:
    """The differences of printed numbers that the text names are what it says."""
    table, against, cases = _printed(run, claim), claim["against"], []
    for method, told in claim["printed_differences"].items():
        for key, row in table.iterrows():
            apart, said = row[method] - row[against], told[key[1]]
            name = f"{method} less {against}, {_column(key)}: {apart:.2f}, in the text {said:.2f}"
            cases.append(Case(name, bool(abs(apart - said) < _ROUNDING)))
    return cases


def _printed_above_where_they_differ(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A number of each method is above another's; where they are equal is no case."""
    against, cases = claim["against"], []
    for key, row in _printed(run, claim).iterrows():
        for method in claim["methods"]:
            if row[method] != row[against]:
                name = f"{_column(key)}: {method} {row[method]:.2f}, {against} {row[against]:.2f}"
                cases.append(Case(name, bool(row[method] > row[against])))
    return cases


def _printed_order(run: Run, claim: dict[str, Any]) -> list[Case]:
    """In each column the methods have the smallest numbers, in this order, all others above."""
    cases = []
    for key, row in _printed(run, claim).iterrows():
        first = [row[method] for method in claim["methods"]]
        rest = row.drop(claim["methods"]).dropna()
        told = ", ".join(f"{m} {v:.2f}" for m, v in zip(claim["methods"], first, strict=True))
        name = f"{_column(key)}: {told}, then {rest.idxmin()} {rest.min():.2f}"
        ordered = all(a < b for a, b in itertools.pairwise([*first, rest.min()]))
        cases.append(Case(name, bool(ordered)))
    return cases


def _printed_at_most(run: Run, claim: dict[str, Any]) -> list[Case]:
    """Each printed number is at most `value`."""
    return [
        Case(f"{_column(key)}: {method} {value:.2f}", bool(value <= claim["value"]))
        for (*key, method), value in _printed(run, claim).stack().items()
    ]


def _printed_within(run: Run, claim: dict[str, Any]) -> list[Case]:
    """In each column a method is within `value` per cent of another."""
    (method,), against, cases = claim["methods"], claim["against"], []
    for key, row in _printed(run, claim).iterrows():
        apart = 100 * (row[method] / row[against] - 1)
        name = f"{_column(key)}: {method} {row[method]:.2f}, {against} {row[against]:.2f}"
        cases.append(Case(f"{name}, {apart:+.0f} %", bool(abs(apart) <= claim["value"])))
    return cases


def _printed_level(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A method's numbers on the subsets of one data set are within a factor `value`."""
    (method,), cases = claim["methods"], []
    numbers = _printed(run, claim)[method]
    for key, own in numbers.groupby(level=["table", "dataset", "model", "scenario"], sort=False):
        name = f"{_column(key)}: {own.min():.2f} to {own.max():.2f}"
        cases.append(Case(name, bool(own.max() < claim["value"] * own.min())))
    return cases


def _printed_saves_time(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A method takes `value` per cent less time than another, in total and in each column."""
    (method,), against = claim["methods"], claim["against"]
    table = _printed(run, claim)[[method, against]]
    rows = [("in total", table.sum()), *((_column(key), row) for key, row in table.iterrows())]
    saved = [(name, 100 * (1 - row[method] / row[against])) for name, row in rows]
    return [
        Case(f"{name}: {value:.1f} % less", bool(value >= claim["value"])) for name, value in saved
    ]


PRINTED: dict[str, Measure] = {
    "printed_among_the_closest": _printed_among_the_closest,
    "printed_difference": _printed_difference,
    "printed_above_where_they_differ": _printed_above_where_they_differ,
    "printed_order": _printed_order,
    "printed_at_most": _printed_at_most,
    "printed_within": _printed_within,
    "printed_level": _printed_level,
    "printed_saves_time": _printed_saves_time,
}
