"""Tables of results on disk: CSV, one row per setting, the settings in columns of their own."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from palimpsest.files import InputError

SETTINGS = (
    "lr",
    "epochs",
    "ascent_epochs",
    "forget_batch",
    "retain_batch",
    "batch_norm",
    "alpha",
    "gamma",
    "temperature",
)
"""The settings of the methods that come with the project, in the order of the columns."""


def settings_columns(names: Iterable[str]) -> list[str]:
    """Setting names in the order of the columns: the known ones first, then the others sorted."""
    names = set(names)
    return [name for name in SETTINGS if name in names] + sorted(names - set(SETTINGS))


def read_part(path: str | Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote; InputError with one sentence if it cannot be read."""
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table ({error})") from None
