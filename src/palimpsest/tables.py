"""The tables of results: which columns are keys, and how figures, selection and claims read them.

In a table of scores the keys stand first and the last key is `split`; all to the right of it are
results. So a new setting, or a new metric, is told by its place and is written down nowhere.
`by_setting` makes one row of the three splits of one setting, a point in the figures.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.data.splits import PARTS, Split
from palimpsest.files import (
    AGAIN,
    InputError,
    altered,
    atomic_path,
    one_line,
    regular_file,
    sha256,
)

_MEASURES = {
    "klom": "klom", "ci_low": "low", "ci_high": "high", "null": "null", "points": "points",
    "klom_mean": "average", "margin_gap": "margin_gap", "reversed": "reversed",
    "reversed_null": "reversed_null",    "even_half": "even_half", "odd_half": "odd_half",
}  # fmt: skip
SEAL = ".sha256"
"""after the name of a table: the file of its checksum"""
_TRAINING_SET = "training set "
_NO_SETTINGS = {"forget_set", "method", "comparison", "n_models", "split"}


def write_table(
    table: pd.DataFrame, path: str | Path, *, seal: bool = False, training_set: str = ""
) -> None:
    """Write a table as CSV with six significant digits, atomically.

    With `seal` its checksum stands beside it, in PATH.sha256, as sha256sum writes and checks it,
    and in lines that sha256sum passes over: the checksum of the `training_set` that it is of, and
    how many rows it has.
    """
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
        rows = _counts(pd.read_csv(temporary)) if seal and len(table.columns) else []
    if seal:
        lines = [f"{_TRAINING_SET}{training_set}"] if training_set else []
        lines = [f"{sha256(path)}  {Path(path).name}", *(f"# {line}" for line in [*lines, *rows])]
        with atomic_path(f"{path}{SEAL}") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_table(path: str | Path, needed: Sequence[str] = (), *, own: bool = False) -> pd.DataFrame:
    """A CSV file that has the columns `needed`; InputError with one sentence if it has not, or if
    it is not what its seal says, or has none.

    `own`: the file has no seal: it comes with the project, or is the user's.
    """
    regular_file(path)
    try:
        seal = [] if own else _seal(path)
        if not own and seal[0].split(" ")[0] != sha256(path):
            raise InputError(altered(path))
        table = pd.read_csv(path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # a damaged file can fail in any way
        told = one_line(error)
        raise InputError(f"{path}: not a table of comma-separated values ({told})") from None
    there = [] if own else _counts(table)
    counted = [line for line in seal[1:] if not line.startswith(_TRAINING_SET)]
    if counted != there:
        lost = next((line for line in counted if line not in there), "nothing of its rows")
        raise InputError(f"{path}: holds {len(table)} rows, and its seal says: {lost[:200]}{AGAIN}")
    missing = [name for name in needed if name not in table]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; needed are {', '.join(needed)}")
    return table


def _seal(path: str | Path) -> list[str]:
    """The lines beside a table: checksum, training set, rows; InputError where there are none."""
    if not is_sealed(path):
        raise InputError(f"{path}: its checksum {Path(path).name}{SEAL} is not beside it{AGAIN}")
    seal = regular_file(f"{path}{SEAL}").read_text(encoding="utf-8", errors="replace")
    return [line.removeprefix("# ") for line in seal.splitlines()] or [""]


def _counts(table: pd.DataFrame) -> list[str]:
    """How many rows a table has; one of scores, also of each method on each forget set."""
    lines = [f"{len(table)} rows"]
    if {"forget_set", "method", "split"} <= set(table):
        of = ["forget_set", "method"]
        keys = list(dict.fromkeys([*of, *key_columns(table)[:-1]]))
        rows = table.groupby(of, sort=False).size()
        settings = table[keys].drop_duplicates().groupby(of, sort=False).size()
        for (forget_set, method), count in rows.items():
            of_settings = f"{settings[forget_set, method]} settings of {method} on {forget_set}"
            lines.append(f"{count} rows of {of_settings}")
    return lines


def is_sealed(path: str | Path) -> bool:
    """Whether a file has the checksum of a table beside it."""
    return Path(f"{path}{SEAL}").is_file()


def check_training_set(path: str | Path, split: Split) -> None:
    """InputError where a table's seal says that it is of another training set than a split."""
    found = training_set(path)
    if found and found != split.train_checksum:
        raise InputError(
            f"{path}: is of the training set {found[:12]}; needed: that of the split, "
            f"{split.train_checksum[:12]}"
        )


def training_set(path: str | Path) -> str:
    """The checksum of the training set that a table's seal says it is of; empty for none."""
    lines = [line for line in _seal(path) if line.startswith(_TRAINING_SET)]
    return lines[0].removeprefix(_TRAINING_SET) if lines else ""


def read_klom(path: str | Path) -> pd.DataFrame:
    """klom.csv, a row for each forget set, method, setting and split."""
    return read_table(
        path,
        ["forget_set", "method", "split", "percentile", *_MEASURES, "nan_points",
         "oracle_nan_points", "relative_cost"],
    )  # fmt: skip


def read_redraws(path: str | Path) -> pd.DataFrame:
    """A table of redrawn scores: keys up to `split`, then a column for each repeat."""
    return read_table(path, ["forget_set", "split", "redraw_0", "redraw_1"])


def read_accuracy(path: str | Path) -> pd.DataFrame:
    """accuracy.csv, a row for each forget set, method (oracle too), setting and split."""
    return read_table(
        path, ["forget_set", "method", "split", "accuracy", "accuracy_sd", "diverged_models"]
    )


def read_number_of_models(path: str | Path) -> pd.DataFrame:
    """number_of_models.csv, a row for each forget set, comparison, number of models and split."""
    return read_table(
        path, ["forget_set", "comparison", "n_models", "split", "percentile", "klom", "null"]
    )


def key_columns(table: pd.DataFrame) -> list[str]:
    """The columns that say what a row of a table of scores is about: up to and with `split`."""
    return list(table.columns[: table.columns.get_loc("split") + 1])


def setting_columns(table: pd.DataFrame) -> list[str]:
    """The keys that are settings of a method, such as `lr` and `epochs`."""
    return [name for name in key_columns(table) if name not in _NO_SETTINGS]


def join_tables(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows of the parts of one table; where they are of methods, sorted by their keys.

    Parts may have keys of their own, a method's settings. A setting that only some methods have
    stands where they have it, before the next setting that an earlier method has too; methods are
    taken by name, so the order of `parts` is of no matter.
    """
    parts = [part for part in parts if len(part)] or list(parts[:1])
    if "method" not in parts[0]:
        return pd.concat(parts, ignore_index=True)
    parts = sorted(parts, key=lambda part: part["method"].min())
    keys = ["forget_set", "method"] + ["split"] * ("split" in parts[0])
    for part in parts if "split" in keys else []:
        place = len(keys)
        for name in reversed(key_columns(part)):
            if name not in keys:
                keys.insert(place, name)
            place = keys.index(name)
    joined = pd.concat(parts, ignore_index=True)
    results = [name for name in joined if name not in keys]
    return joined[keys + results].sort_values(keys, na_position="first", ignore_index=True)


def by_setting(klom: pd.DataFrame) -> pd.DataFrame:
    """One row for each forget set, method and setting, in the order of the table.

    For each split S the columns S_klom, S_low, S_high, S_null, S_points and others (see _MEASURES),
    in nats. `control` marks the settings of learning rate 0, in which only BatchNorm's statistics
    move; `diverged` those in which some unlearned model's margin of some point is not a number, or
    a score is not finite (it is NaN here); `again` those that are another row's run under another
    name, since the forget set has no more points than their forget batch. ValueError for a setting
    that lacks a split.
    """
    keys = key_columns(klom)[:-1]
    numbered = klom.assign(setting=klom.groupby(keys, dropna=False, sort=False).ngroup())
    kept = [*keys, "percentile", "relative_cost"]
    settings = numbered.drop_duplicates("setting").set_index("setting")[kept]
    for split in PARTS:
        part = numbered[numbered["split"] == split].set_index("setting")
        if not part.index.is_unique or not settings.index.isin(part.index).all():
            raise ValueError(f"the table of KLoM needs one row of split {split} for each setting")
        names = {name: f"{split}_{short}" for name, short in _MEASURES.items()}
        settings = settings.join(part[list(names)].rename(columns=names))
    names_of_scores = [f"{split}_klom" for split in PARTS]
    scores = settings[names_of_scores].astype(float)
    scores = scores.where(np.isfinite(scores))
    settings[names_of_scores] = scores
    nan_points = numbered.groupby("setting")["nan_points"].max()
    settings["diverged"] = (nan_points > 0) | scores.isna().any(axis=1)
    settings["worst_klom"] = scores.max(axis=1, skipna=False)
    settings["control"] = settings["lr"] == 0 if "lr" in settings else False
    capped = settings[keys].copy()
    if "forget_batch" in capped:
        capped["forget_batch"] = capped["forget_batch"].clip(upper=settings["forget_points"])
    settings["again"] = capped.duplicated()
    return settings.reset_index(drop=True)


def redrawn_by_setting(klom: pd.DataFrame, redraws: pd.DataFrame) -> dict[str, np.ndarray]:
    """Redrawn scores (settings, repeats) of each split, row by row those of `by_setting`.

    ValueError if the two tables are not about the same settings.
    """
    keys = key_columns(klom)
    own = redraws.drop(columns=key_columns(redraws))
    if key_columns(redraws) != keys or not redraws[keys].equals(klom[keys]):
        raise ValueError("the tables of KLoM and of its redraws are not about the same settings")
    places = klom.groupby(keys[:-1], dropna=False, sort=False).ngroup()
    found = {}
    for split in PARTS:
        chosen = (klom["split"] == split).to_numpy()
        order = np.argsort(places[chosen].to_numpy(), kind="stable")
        found[split] = own[chosen].to_numpy(dtype=float)[order]
    return found


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
