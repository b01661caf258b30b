"""The list of errata: from verdicts and from misprints found by reading."""

import dataclasses

import pandas as pd
import pytest

from palimpsest.files import InputError
from palimpsest.studies.theory import errata
from palimpsest.studies.theory.judging import COLUMNS, FORGETS, STRUGGLES, Row
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.tables import write_table
from palimpsest.verdicts import FAILS, HOLDS, HOLDS_WITH_CONDITION


def row(statement, place, verdict, condition="", corrected="", paper=FORGETS, variant=""):
    values = Row(
        statement, variant, paper, place, "checked", 10, 0, 0.0, verdict, condition, corrected,
        0, 0,
    )  # fmt: skip
    return dataclasses.asdict(values)


@pytest.fixture
def table():
    rows = [
        row("A", "Section 4", HOLDS),
        row("B", "App. E", FAILS, "fails at x=1", "not B"),
        row("C", "App. H", HOLDS_WITH_CONDITION, "x < 1; fails at x=2", "C for x < 1"),
        row("D", "ours, App. H", FAILS, "fails at x=3"),
        row("E", "Section 4", FAILS, "fails at x=1", "not E", STRUGGLES, "one"),
        row("E", "Section 4", FAILS, "fails at x=2", "not E", STRUGGLES, "two"),
        row("E", "Section 4", HOLDS_WITH_CONDITION, "y; fails at x=2", "", STRUGGLES, "three"),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_errata_from_verdicts_and_reading(table):
    misprint = {"paper": FORGETS, "place": "App. D", "printed": "a", "correct": "b"}
    found = errata.errata(table, [misprint])
    assert found.printed.tolist() == ["B", "C", "a", "E", "E"]
    assert found.correct.tolist() == [
        "not B", "C for x < 1 Condition: x < 1.", "b", "not E", "y",
    ]  # fmt: skip
    assert found.place.tolist()[3:] == ["Section 4 (one, two)", "Section 4 (three)"]
    assert found.source.tolist() == [FAILS, HOLDS_WITH_CONDITION, "read", FAILS,
                                     HOLDS_WITH_CONDITION]  # fmt: skip


def test_variants_with_corrections_of_their_own_have_rows_of_their_own():
    rows = [
        row("F", "App. H", HOLDS_WITH_CONDITION, "x; fails at x=1", correct, variant=variant)
        for variant, correct in (("one", "not F"), ("two", "nor F"))
    ]
    found = errata.errata(pd.DataFrame(rows, columns=list(COLUMNS)), [])
    assert found.place.tolist() == ["App. H (one)", "App. H (two)"]
    assert found.correct.tolist() == ["not F Condition: x.", "nor F Condition: x."]


def test_every_statement_is_in_one_section():
    rows = [row(s.statement, s.place, HOLDS, paper=s.paper) for s in STATEMENTS]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    parts = [errata.section(table, name) for name in errata.SECTIONS]
    assert all(len(part) >= 5 for part in parts)
    assert sorted(i for part in parts for i in part.index) == list(range(len(STATEMENTS)))
    with pytest.raises(ValueError, match="is no section"):
        errata.section(table, "other")


def test_reading_the_table(tmp_path, table):
    path = tmp_path / "statements.csv"
    write_table(table, path, seal=True)
    assert errata.read_statements(path).condition.tolist() == table.condition.tolist()
    write_table(table.drop(columns="place"), path, seal=True)
    with pytest.raises(InputError, match="has no column place"):
        errata.read_statements(path)
    with pytest.raises(InputError, match="no such file"):
        errata.read_statements(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- place: here", "must have the keys paper, place, printed, correct"),
        ("just text", "must have the keys"),
        ("- {paper: P, place: a, printed: b, correct: c}", "none of the two papers"),
        ("- [", "not valid YAML"),
    ],
)
def test_misprints_are_checked(tmp_path, text, message):
    path = tmp_path / "errata.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        errata.read_misprints(path)


def test_html_of_one_paper_and_of_both(table):
    text = errata.as_html(table)
    assert "violations_outside" not in text and "fails at x=3" in text
    assert f"<td>{STRUGGLES}</td>" in text
    assert STRUGGLES not in errata.as_html(table[table.paper == STRUGGLES])
    assert "variant" in text and "variant" not in errata.as_html(table[table.variant == ""])
