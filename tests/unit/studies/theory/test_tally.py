"""Statements counted once."""

import pandas as pd

from palimpsest.studies.theory import tally
from palimpsest.studies.theory.judging import FORGETS, STRUGGLES
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION

ROWS = [
    (FORGETS, "App. B", "A", "", HOLDS),
    (FORGETS, "App. E", "B", "", FAILS),
    (FORGETS, "ours, App. E", "B, corrected", "", HOLDS),
    (STRUGGLES, "Section 4", "A", "one", FAILS),
    (STRUGGLES, "Section 4", "A", "two", FAILS),
    (STRUGGLES, "Section 4", "C", "one", HOLDS),
    (STRUGGLES, "Section 4", "C", "two", FAILS),
    (STRUGGLES, "ours, Section 4", "D", "one", HOLDS),
    (STRUGGLES, "ours, Section 4", "D", "two", HOLDS_WITH_CONDITION),
]
TABLE = pd.DataFrame(ROWS, columns=["paper", "place", "statement", "variant", "verdict"])


def test_rows_of_one_statement_give_one_verdict():
    found = tally.by_statement(TABLE).set_index(["paper", "statement"])
    assert found.loc[(FORGETS, "A"), "verdict"] == HOLDS
    assert found.loc[(STRUGGLES, "A"), ["verdict", "rows"]].tolist() == [FAILS, 2]
    assert found.loc[(STRUGGLES, "C"), "verdict"] == HOLDS_WITH_CONDITION
    assert found.loc[(STRUGGLES, "D"), ["verdict", "source"]].tolist() == [
        HOLDS_WITH_CONDITION, "ours",
    ]  # fmt: skip
    assert len(found) == 6


def test_the_sentence_counts_statements_and_keeps_ours_apart():
    assert tally.sentence(TABLE) == (
        "4 statements of the papers: 1 hold, 1 hold with a condition, 2 fail. "
        "2 more of ours: 1 hold, 1 hold with a condition, 0 fail. Checked in 9 rows."
    )


def test_counts_have_every_verdict():
    found = tally.counts(TABLE[TABLE.verdict == HOLDS])
    assert found.columns.tolist() == ["paper", "source", *tally.VERDICTS, "statements"]
    assert found.statements.tolist() == [1, 1, 1, 1]
    assert (found[FAILS] == 0).all()
