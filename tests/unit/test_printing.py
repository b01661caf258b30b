"""Cells of printed tables, and lines under each other."""

import math

from palimpsest.printing import Interval, Value, as_latex, as_markdown, stacked


def test_numbers_of_a_million_and_more_have_two_digits():
    assert Value(999_999.0, 0.5).markdown() == "999999.00 ± 0.50"
    assert Value(12_345_678.0, 2.5e6).markdown() == "1.2e+07 ± 2.5e+06"
    assert Value(12_345_678.0, 2.5e6).latex() == r"$1.2e+07_{\pm 2.5e+06}$"
    assert Interval(-1.0, 3.2e9, 1.6e9).markdown() == "+1.6e+09 [-1.00, 3.2e+09]"
    assert Value(math.nan).markdown() == ""


def test_lines_stand_under_each_other_and_empty_ones_are_left_out():
    blocks = [
        ("one", {"mean": {"a": Value(1.0), "b": Value(2.0)}, "paper": {"a": Value(math.nan)}}),
        ("two", {"mean": {"b": Value(3.0)}, "paper": {"a": Value(4.0)}}),
    ]
    table = stacked(blocks, "Methods", "", ["a", "b"])
    assert table.columns.tolist() == ["Methods", "", "a", "b"]
    assert table["Methods"].tolist() == ["one", "two", ""]
    assert table[""].tolist() == ["mean", "mean", "paper"]
    cells = as_markdown(table).splitlines()[-1].split("|")
    assert [cell.strip() for cell in cells[1:4]] == ["", "paper", "4.00"]


def test_a_header_of_two_levels():
    blocks = [("one", {"mean": {("x", "D_r"): Value(1.0)}})]
    table = stacked(blocks, ("", "Methods"), ("", ""), [("x", "D_r")])
    assert table.columns.nlevels == 2
    assert "| Methods   |      | x D_r   |" in as_markdown(table)
    assert r"D\_r" in as_latex(table)
