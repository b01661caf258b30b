"""Statements counted once, however many settings or readings each was checked in."""

import pandas as pd

from palimpsest.studies.theory.judging import OURS
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION

VERDICTS = (HOLDS, HOLDS_WITH_CONDITION, FAILS)


def by_statement(table: pd.DataFrame) -> pd.DataFrame:
    """One row per statement: paper, source (paper or ours), statement, verdict, rows.

    Rows of one verdict give it to their statement. Where they differ the statement holds with a
    condition: the variants that hold, or the conditions in the table, say which.
    """
    source = table.place.str.startswith(OURS).map({True: OURS, False: "paper"})
    groups = table.assign(source=source).groupby(["paper", "source", "statement"], sort=False)
    counted = groups.verdict.agg(verdict=_common, rows="size")
    return counted.reset_index()


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """Number of statements of each verdict, one row per paper and source."""
    found = by_statement(table)
    wide = found.groupby(["paper", "source", "verdict"]).size().unstack(fill_value=0)
    wide = wide.reindex(columns=list(VERDICTS), fill_value=0)
    return wide.assign(statements=wide.sum(axis=1)).rename_axis(columns=None).reset_index()


def sentence(table: pd.DataFrame) -> str:
    """The tally in words, the papers' statements before ours."""
    found = by_statement(table)
    papers, ours = (found[found.source == source] for source in ("paper", OURS))
    return (
        f"{len(papers)} statements of the papers: {_numbers(papers)}. "
        f"{len(ours)} more of ours: {_numbers(ours)}. Checked in {len(table)} rows."
    )


def _common(verdicts: pd.Series) -> str:
    return str(verdicts.iloc[0]) if verdicts.nunique() == 1 else HOLDS_WITH_CONDITION


def _numbers(found: pd.DataFrame) -> str:
    hold, conditional, fail = (int((found.verdict == verdict).sum()) for verdict in VERDICTS)
    return f"{hold} hold, {conditional} hold with a condition, {fail} fail"
