"""Tables as papers print them: cells that hold numbers, in Markdown and in LaTeX.

A cell is a text, a `Value` or an `Interval`; each knows its form in both.
"""

import math
from dataclasses import dataclass

import pandas as pd

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "α": r"$\alpha$",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """`mean ± sd (gap)` with two decimals; what is NaN is left out."""

    mean: float
    sd: float = math.nan
    gap: float = math.nan

    def markdown(self) -> str:
        sd = "" if math.isnan(self.sd) else f" ± {self.sd:.2f}"
        gap = "" if math.isnan(self.gap) else f" ({self.gap:.2f})"
        return "" if math.isnan(self.mean) else f"{self.mean:z.2f}{sd}{gap}"

    def latex(self) -> str:
        sd = "" if math.isnan(self.sd) else rf"_{{\pm {self.sd:.2f}}}"
        gap = "" if math.isnan(self.gap) else f"({self.gap:.2f})"
        return "" if math.isnan(self.mean) else f"${self.mean:z.2f}{sd}{gap}$"


@dataclass(frozen=True)
class Interval:
    """`[low, high]`, behind a signed `difference` where it is one's."""

    low: float
    high: float
    difference: float = math.nan

    def markdown(self) -> str:
        difference = "" if math.isnan(self.difference) else f"{self.difference:+z.2f} "
        return "" if math.isnan(self.low) else f"{difference}[{self.low:z.2f}, {self.high:z.2f}]"

    def latex(self) -> str:
        return f"${self.markdown()}$" if self.markdown() else ""


Cell = str | Value | Interval


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
