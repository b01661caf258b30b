"""Tables as papers print them: cells that hold numbers, in Markdown and in LaTeX.

A cell is a text, a `Value` or an `Interval`; each knows its form in both.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "α": r"$\alpha$",
    }
)  # fmt: skip


_MILLION = 1e6


@dataclass(frozen=True)
class Value:
    """`mean ± sd (gap)` with so many `decimals`, from a million on two digits; NaN is left out."""

    mean: float
    sd: float = math.nan
    gap: float = math.nan
    decimals: int = 2

    def markdown(self) -> str:
        mean, sd, gap = (_number(own, self.decimals) for own in (self.mean, self.sd, self.gap))
        sd = "" if math.isnan(self.sd) else f" ± {sd}"
        gap = "" if math.isnan(self.gap) else f" ({gap})"
        return "" if math.isnan(self.mean) else f"{mean}{sd}{gap}"

    def latex(self) -> str:
        mean, sd, gap = (_number(own, self.decimals) for own in (self.mean, self.sd, self.gap))
        sd = "" if math.isnan(self.sd) else rf"_{{\pm {sd}}}"
        gap = "" if math.isnan(self.gap) else f"({gap})"
        return "" if math.isnan(self.mean) else f"${mean}{sd}{gap}$"


@dataclass(frozen=True)
class Interval:
    """`[low, high]`, behind a signed `difference` where it is one's."""

    low: float
    high: float
    difference: float = math.nan
    decimals: int = 2

    def markdown(self) -> str:
        low, high = (_number(own, self.decimals) for own in (self.low, self.high))
        difference = f"{_number(self.difference, self.decimals, '+')} "
        difference = "" if math.isnan(self.difference) else difference
        return "" if math.isnan(self.low) else f"{difference}[{low}, {high}]"

    def latex(self) -> str:
        return f"${self.markdown()}$" if self.markdown() else ""


Cell = str | Value | Interval


def _number(value: float, decimals: int, sign: str = "") -> str:
    large = abs(value) >= _MILLION
    return f"{value:{sign}.1e}" if large else f"{value:{sign}z.{decimals}f}"


def stacked(
    blocks: Iterable[tuple[str, Mapping[str, Mapping[Hashable, Cell]]]],
    head: Hashable,
    line: Hashable,
    titles: Sequence[Hashable],
) -> pd.DataFrame:
    """Blocks of lines under each other: (name, line -> title -> cell) each.

    The columns are `head`, with the name beside the first line of its block, `line`, and `titles`;
    a line without a number is left out. Names of columns may be tuples, headers of two levels.
    """
    rows: list[list[Cell]] = []
    for name, lines in blocks:
        told = name
        for own, cells in lines.items():
            if any(_markdown(cell) for cell in cells.values()):
                rows.append([told, own, *(cells.get(title, "") for title in titles)])
                told = ""
    columns = [head, line, *titles]
    if isinstance(head, tuple):
        return pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(columns))
    return pd.DataFrame(rows, columns=pd.Index(columns))


def as_markdown(table: pd.DataFrame, caption: str = "", note: str = "") -> str:
    """A table of cells between its caption and its note; headers of two levels become one."""
    shown = table.map(_markdown)
    shown.columns = pd.Index([_markdown(" ".join(name).strip()) for name in _levels(table)])
    text = shown.to_markdown(index=False, disable_numparse=True)
    return "\n\n".join(part for part in (caption, text, note) if part) + "\n"


def as_latex(table: pd.DataFrame, caption: str = "", note: str = "") -> str:
    """A table of cells as an environment `table` (package booktabs), caption and note above it."""
    shown = table.map(_latex)
    names = [tuple(_latex(level) for level in name) for name in _levels(table)]
    if table.columns.nlevels > 1:
        shown.columns = pd.MultiIndex.from_tuples(names)
    else:
        shown.columns = pd.Index([name for (name,) in names])
    told = " ".join(f"{caption} {note}".split())
    return shown.to_latex(
        index=False,
        escape=False,
        multicolumn_format="c",
        column_format="l" * len(shown.columns),
        caption=_latex(told) or None,
    )


def _levels(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """The names of the columns, a text for each level of the header."""
    return [name if isinstance(name, tuple) else (name,) for name in table.columns]


def _markdown(cell: Cell) -> str:
    return cell.replace("|", r"\|") if isinstance(cell, str) else cell.markdown()


def _latex(cell: Cell) -> str:
    return cell.translate(_LATEX) if isinstance(cell, str) else cell.latex()
