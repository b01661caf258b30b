"""Whether tables of scores are whole: what the run asked for is all there, once, of one run."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, ValidationError

from palimpsest.data.splits import PARTS
from palimpsest.files import AGAIN, InputError
from palimpsest.programs import json_map
from palimpsest.tables import is_sealed, key_columns, read_table, training_set
from palimpsest.values import Closed, wrong


class Grid(Closed):
    """What a table of scores has to hold: forget sets, and of each method so many settings on each
    of them."""

    forget_sets: list[str] = Field(default=[])
    settings: dict[str, int] = Field(default={})


def add_grid(parser: argparse.ArgumentParser) -> None:
    """--grid: what one table has to hold; `grid` reads it."""
    parser.add_argument(
        "--grid", type=json_map, default={},
        help="what has to be there, JSON: forget_sets, and settings, of each method how many",
    )  # fmt: skip


def add_grids(parser: argparse.ArgumentParser) -> None:
    """--grids: what tables among the inputs have to hold; `check_tables` reads it."""
    parser.add_argument(
        "--grids", type=json_map, default={},
        help="what tables among the inputs have to hold, JSON: by their names forget_sets, and "
        "settings, of each method how many",
    )  # fmt: skip


def grid(given: Any, option: str = "--grid") -> Grid:
    """What an option gave; InputError if it is no grid."""
    try:
        return Grid.model_validate(given)
    except ValidationError as error:
        raise InputError(f"{option}: {wrong(error)}") from None


def check_complete(
    table: pd.DataFrame, needed: Grid, path: str | Path, *, joined: bool = False
) -> None:
    """InputError unless a table of scores has no row twice, and all of a grid: its forget sets, as
    many settings of each method on each, of each every split that any row on that forget set is of,
    and of all models.

    `path` names it in the sentence, which says to delete it, or what was `joined` into it.
    """
    if not {"forget_set", "method", "split"} <= set(table):
        return
    keys = key_columns(table)
    twice = table.duplicated([*keys, *(["seed"] if "seed" in table else [])])
    if twice.any():
        row = table[twice].iloc[0]
        raise InputError(f"{path}: a row of {row['method']} on {row['forget_set']} stands twice")
    for forget_set in needed.forget_sets:
        if forget_set not in set(table["forget_set"]):
            raise InputError(f"{path}: there are no rows of the forget set {forget_set}{AGAIN}")
    most = table.groupby(keys, dropna=False).size().max() if needed.settings else 0
    for forget_set, part in table.groupby("forget_set", sort=False):
        parts = {*PARTS, *part["split"]}
        for method, wanted in needed.settings.items():
            own = part[part["method"] == method]
            splits = own.groupby(keys[:-1], dropna=False)["split"].nunique()
            models = own.groupby(keys, dropna=False).size()
            if len(splits) != wanted or (splits != len(parts)).any() or (models != most).any():
                lost = f"the scores of {method} on {forget_set}" if joined else "it"
                raise InputError(
                    f"{path}: of {method} on {forget_set} there are {len(own)} rows of "
                    f"{len(splits)} settings; needed: {len(parts) * most} of each of {wanted}; "
                    f"delete {lost}, then run again"
                )


def check_tables(inputs: Mapping[str, Sequence[Path]], grids: Mapping[str, Any]) -> None:
    """InputError unless the tables of a run among a program's inputs, by name, are of one training
    set, and have all of their grids."""
    first: tuple[Path, str] | None = None
    for name, paths in inputs.items():
        for path in paths:
            if name in grids:
                check_complete(read_table(path), grid(grids[name], f"--grids: {name}"), path)
            own = training_set(path) if is_sealed(path) else ""
            if own and first and own != first[1]:
                raise InputError(
                    f"{path}: is of the training set {own[:12]}, and {first[0]} of "
                    f"{first[1][:12]}; needed: tables of one run"
                )
            first = first or ((path, own) if own else None)
