"""What one job scores: parts of several tables in one JSON file, joined later by `gather`."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from palimpsest.files import AGAIN, MADE_BY, InputError, read_json, write_json


def write_parts(
    path: str | Path, tables: Mapping[str, pd.DataFrame], made_by: Mapping[str, str] | None = None
) -> None:
    """Write tables by name, and what made them (`provenance`), atomically; no digit is lost."""
    split = {name: table.to_dict("split") for name, table in tables.items()}
    parts = {n: {"columns": t["columns"], "data": t["data"]} for n, t in split.items()}
    write_json(path, {MADE_BY: made_by or {}, **parts})


def read_part(path: str | Path, name: str) -> pd.DataFrame:
    """The part of the table `name` in a file of `write_parts`; InputError if it has none."""
    content = read_json(path)
    try:
        return pd.DataFrame(content[name]["data"], columns=content[name]["columns"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: holds no part of the table {name}{AGAIN}") from None
