"""What the notebooks of all studies share: tables as HTML, images, claims in their worlds."""

import hashlib
from pathlib import Path

import pandas as pd

from palimpsest.files import regular_file
from palimpsest.verdicts import FAILS, HOLDS, UNDECIDED


def as_html(table: pd.DataFrame) -> str:
    """A table as HTML: text to the left, numbers to the right, no index."""
    numbers = list(table.select_dtypes("number"))
    text = [name for name in table if name not in numbers]
    style = table.style.hide(axis="index").format(precision=2, na_rep="–")
    # a name of its own, since the styles of tables with one name would mix, and always the same
    style = style.set_uuid(hashlib.sha256(table.to_csv().encode()).hexdigest()[:12])
    style = style.set_properties(subset=text, **{"text-align": "left"})
    style = style.set_properties(subset=numbers, **{"text-align": "right"})
    short = [name for name in text if table[name].astype(str).str.len().max() < 25]
    style = style.set_properties(subset=short, **{"white-space": "nowrap"})
    heads = [{"selector": "th", "props": "text-align: left; vertical-align: bottom"}]
    return str(style.set_table_styles(heads).to_html())


def image(folder: Path, name: str) -> bytes:
    """The bytes of a figure's PNG; InputError if it is missing."""
    return regular_file(folder / f"{name}.png", "figure").read_bytes()


def verdicts(
    claims: pd.DataFrame, worlds: pd.DataFrame, paper: str, world: str, heading: str
) -> pd.DataFrame:
    """The claims with their verdicts, the counts behind them, and the verdict in one of the worlds,
    under a `heading`; claims that are not of the `paper` say of whom they are."""
    place = [
        row["place"] if row["paper"] == paper else f"{row['paper']}, {row['place']}"
        for row in claims.to_dict("records")
    ]
    there = worlds[worlds["world"] == world].set_index("id")["verdict"]
    return pd.DataFrame({
        "place": place,
        "claim": claims["text"].to_numpy(),
        "verdict": claims["verdict"].to_numpy(),
        heading: claims["id"].map(there).to_numpy(),
        "evidence": claims["quantifier"].to_numpy() + ": " + claims["evidence"].to_numpy(),
    })  # fmt: skip


def in_worlds(worlds: pd.DataFrame) -> pd.DataFrame:
    """Each claim's verdict in each world, in a word: a row for each claim, a column a world."""
    words = worlds["verdict"].map({HOLDS: "holds", FAILS: "fails"}).fillna("–")
    table = worlds.assign(word=words).pivot(index="id", columns="world", values="word")
    table = table.loc[list(dict.fromkeys(worlds["id"])), list(dict.fromkeys(worlds["world"]))]
    table.index = table.index.str.replace("_", " ")
    return table.rename_axis(index="claim", columns=None).reset_index()


def verdict_counts(claims: pd.DataFrame, project: str = "this project") -> str:
    """How many of the paper's claims hold, fail, or are not decided, as a sentence."""
    of_paper = claims[claims["paper"] != project]
    counts = of_paper["verdict"].value_counts()
    found = [int(counts.get(verdict, 0)) for verdict in (HOLDS, FAILS, UNDECIDED)]
    return (
        f"Of the paper's {len(of_paper)} claims judged below, this run finds {found[0]} to hold "
        f"and {found[1]} to fail; {found[2]} are not decided at this scale."
    )
