"""The table of statements by section, and the list of errata that follows from it."""

from pathlib import Path

import pandas as pd

from palimpsest.config.plain_yaml import read_yaml
from palimpsest.files import InputError
from palimpsest.studies.theory.judging import COLUMNS, FORGETS, OURS, STRUGGLES
from palimpsest.tables import read_table
from palimpsest.verdicts import HOLDS

SECTIONS = {
    "random forget sets": (FORGETS, r"Section 4|App\. B"),
    "one dimension": (FORGETS, r"Section 5\.1\.1|App\. [C-G]\b"),
    "two dimensions": (FORGETS, r"Section 5\.1\.2|App\. H"),
    "landscape": (FORGETS, r"Section 5\.2"),
    "appendix I": (FORGETS, r"App\. I\b"),
    "linear models": (STRUGGLES, r""),
}
HIDDEN = ("cases_outside", "violations_outside")  # in the file, not in the notebook
FIELDS = ("paper", "place", "printed", "correct")


def read_statements(path: str | Path) -> pd.DataFrame:
    """The table of statements; InputError if it is missing or lacks a column."""
    return read_table(path, list(COLUMNS)).fillna("")


def section(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one section, in the order of the table."""
    if name not in SECTIONS:
        raise ValueError(f"{name!r} is no section; allowed: {', '.join(SECTIONS)}")
    paper, pattern = SECTIONS[name]
    return table[(table.paper == paper) & table.place.str.contains(pattern, regex=True)]


def as_html(table: pd.DataFrame) -> str:
    """A table for a notebook: whole texts, left-aligned, without what stands in the text."""
    shown = table.drop(columns=[name for name in HIDDEN if name in table])
    if table.paper.nunique() == 1:
        shown = shown.drop(columns="paper")
    if "variant" in shown and (shown.variant == "").all():
        shown = shown.drop(columns="variant")
    with pd.option_context("display.max_colwidth", None):
        text = shown.to_html(
            index=False, border=0, classes="theory", float_format=lambda value: f"{value:.2g}"
        )
    align = "text-align: left !important; vertical-align: top"
    return f"<style>.theory td, .theory th {{{align}}}</style>{text}"


def read_misprints(path: str | Path) -> list[dict[str, str]]:
    """Misprints and omissions that no case can decide: paper, place, printed, correct."""
    entries = read_yaml(path)
    for entry in entries if isinstance(entries, list) else [entries]:
        if not isinstance(entry, dict) or set(entry) != set(FIELDS):
            raise InputError(f"{path}: an entry must have the keys {', '.join(FIELDS)}")
        if entry["paper"] not in (FORGETS, STRUGGLES):
            raise InputError(f"{path}: {entry['paper']!r} is none of the two papers")
    return list(entries)


def errata(table: pd.DataFrame, misprints: list[dict[str, str]]) -> pd.DataFrame:
    """Errata of both papers: statements that do not hold as printed, then misprints.

    Columns paper, place, printed, correct, source (the verdict, or `read`). Our own statements
    are left out; variants of a statement that share verdict and correction share a row.
    """
    table = pd.concat(section(table, name) for name in SECTIONS)  # in the papers' order
    failed = table[(table.verdict != HOLDS) & ~table.place.str.startswith(OURS)]
    rows: list[tuple[str, ...]] = []
    keys = ["paper", "statement", "verdict", "corrected"]
    for (paper, statement, verdict, _), group in failed.groupby(keys, sort=False):
        first, variants = group.iloc[0], [name for name in group.variant if name]
        where = first.place + (f" ({', '.join(variants)})" if variants else "")
        correct = first.corrected or first.condition.split("; fails at")[0]
        if first.condition.startswith("fails at") or not first.corrected:
            condition = ""
        else:
            condition = f" Condition: {first.condition.split('; fails at')[0]}."
        rows.append((paper, where, statement, correct + condition, verdict))
    rows += [(*(entry[field] for field in FIELDS), "read") for entry in misprints]
    found = pd.DataFrame(rows, columns=["paper", "place", "printed", "correct", "source"])
    return found.sort_values("paper", kind="stable").reset_index(drop=True)
