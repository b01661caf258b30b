"""The tables of results as the figures, the choice of settings and the claims read them.

`klom.csv` has a row for each forget set, method, setting and split. Here the columns `klom_p95`
and `null_p95`, whose names hold the percentile, become `score` and `null`, and the rows of the
three splits of one setting become one row, a point in the figures.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.files import InputError, atomic_path

SPLITS = ("forget", "retain", "val")
_PERCENTILE = re.compile(r"(klom|null|second_oracle)_p(\d+(?:\.\d+)?)$")
_RESULTS = {
    "forget_set", "method", "split", "score", "ci_low", "ci_high", "null", "percentile",
    "klom_mean", "n_models", "nan_points", "clipped_points", "relative_cost", "seconds",
    "accuracy", "accuracy_sd", "diverged_models",
}  # fmt: skip


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV with six significant digits, atomically."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def read_table(path: str | Path, needed: list[str]) -> pd.DataFrame:
    """A CSV file that has the columns `needed`; InputError with one sentence if it has not.

    `klom_pX` and `null_pX` are called `score` and `null`, and X stands in the column `percentile`.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table of comma-separated values ({error})") from None
    found = {str(name): match for name in table if (match := _PERCENTILE.fullmatch(str(name)))}
    names = {"klom": "score", "null": "null", "second_oracle": "second_oracle"}
    table = table.rename(columns={name: names[match[1]] for name, match in found.items()})
    if found:
        table["percentile"] = float(next(iter(found.values()))[2])
    missing = [name for name in needed if name not in table]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; needed are {', '.join(needed)}")
    return table


def read_klom(path: str | Path) -> pd.DataFrame:
    """klom.csv, a row for each forget set, method, setting and split."""
    return read_table(
        path,
        ["forget_set", "method", "split", "score", "ci_low", "ci_high", "null", "nan_points",
         "relative_cost"],
    )  # fmt: skip


def read_accuracy(path: str | Path) -> pd.DataFrame:
    """accuracy.csv, a row for each forget set, method (oracle too), setting and split."""
    return read_table(
        path, ["forget_set", "method", "split", "accuracy", "accuracy_sd", "diverged_models"]
    )


def read_number_of_models(path: str | Path) -> pd.DataFrame:
    """number_of_models.csv, a row for each forget set, split, comparison and number of models."""
    table = read_table(path, ["forget_set", "split", "n_models", "score", "null"])
    return table if "comparison" in table else table.assign(comparison="original")


def setting_columns(table: pd.DataFrame) -> list[str]:
    """The columns that say which setting a row belongs to: all that are not results."""
    return [name for name in table if name not in _RESULTS]


def by_setting(klom: pd.DataFrame) -> pd.DataFrame:
    """One row for each forget set, method and setting, in the order of the table.

    For each split S the columns S_score, S_low, S_high and S_null, in nats. `control` marks the
    settings of learning rate 0, in which only BatchNorm's statistics move; `diverged` those in
    which some model's margin of some point is not a number, or a score is not finite (it is NaN
    here). ValueError for a
    setting that lacks a split.
    """
    keys = ["forget_set", "method", *setting_columns(klom)]
    numbered = klom.assign(setting=klom.groupby(keys, dropna=False, sort=False).ngroup())
    kept = [*keys, "relative_cost", *[name for name in ("seconds", "n_models") if name in klom]]
    settings = numbered.drop_duplicates("setting").set_index("setting")[kept]
    measures = {"score": "score", "ci_low": "low", "ci_high": "high", "null": "null"}
    for split in SPLITS:
        part = numbered[numbered["split"] == split].set_index("setting")
        if not part.index.is_unique or not settings.index.isin(part.index).all():
            raise ValueError(f"the table of KLoM needs one row of split {split} for each setting")
        part = part[list(measures)].rename(columns={k: f"{split}_{v}" for k, v in measures.items()})
        settings = settings.join(part)
    names = [f"{split}_score" for split in SPLITS]
    settings[names] = settings[names].where(np.isfinite(settings[names].to_numpy(dtype=float)))
    scores = settings[names]
    nan_points = numbered.groupby("setting")["nan_points"].max()
    settings["diverged"] = (nan_points > 0) | scores.isna().any(axis=1)
    settings["worst_score"] = scores.max(axis=1, skipna=False)
    settings["control"] = settings["lr"] == 0 if "lr" in settings else False
    return settings.reset_index(drop=True)


def describe_setting(row: pd.Series, columns: list[str]) -> str:
    """A setting in words, such as `lr 0.001, epochs 5`, of those `columns` that it has."""
    values = {name: row[name] for name in columns if name in row and pd.notna(row[name])}
    return ", ".join(
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else f'{value:g}'}"
        for name, value in values.items()
    )


def varying(table: pd.DataFrame, columns: list[str]) -> list[str]:
    """Those of `columns` that have more than one value in `table`."""
    return [name for name in columns if table[name].nunique() > 1]
