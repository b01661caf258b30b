"""The library `datasets`: its local folders, read without network, and its downloads of files.

A folder is what `save_to_disk` leaves (Arrow), or a copy of a data set of the Hugging Face hub
(Parquet). Which split a Parquet file belongs to stands in its name, train-00000-of-00001.parquet,
or in that of its folder, train/0000.parquet.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palimpsest.data.sources._official import unreadable
from palimpsest.files import InputError, atomic_path, one_line, regular_file

_SAVED = "dataset_dict.json"
_NAME = re.compile(r"^(\w+?)(?:-\d+-of-\d+(?:-\w+)?)?$")
_RETRIES = 5


def files_of(folder: Path) -> list[str]:
    """The data files in such a folder, sorted, as they are called from beside it; none: no such."""
    kind = "*.arrow" if (folder / _SAVED).is_file() else "*.parquet"
    return sorted(str(path.relative_to(folder.parent)) for path in folder.rglob(kind))


def rows_of(folder: Path, columns: Mapping[str, type | tuple[type, ...]]) -> dict[str, list[Any]]:
    """Split -> rows, maps of these columns; InputError for what is no such folder.

    `columns` says of which type each value has to be.
    """
    import datasets

    datasets.disable_progress_bars()
    for name in files_of(folder):
        regular_file(folder.parent / name)
    try:
        if (folder / _SAVED).is_file():
            found: Any = datasets.load_from_disk(str(folder))
            return {split: _checked(found[split], columns) for split in sorted(found)}
        with tempfile.TemporaryDirectory() as cache:
            found = datasets.load_dataset(
                "parquet", data_files=_parquet_files(folder), cache_dir=cache
            )
            return {split: _checked(found[split], columns) for split in sorted(found)}
    except Exception as error:  # a damaged file can fail in any way
        raise unreadable(folder, "a folder of `datasets`", error) from None


def _checked(rows: Any, columns: Mapping[str, type | tuple[type, ...]]) -> list[Any]:
    for name in columns:
        if name not in rows.column_names:
            raise ValueError(f"it has no column {name}")
    found: list[Any] = rows.select_columns(list(columns)).to_list()
    for number, row in enumerate(found):
        for name, kind in columns.items():
            if not isinstance(row[name], kind):
                raise ValueError(f"row {number} has a wrong {name}")
    return found


def _parquet_files(folder: Path) -> dict[str, list[str]]:
    """Split -> its files."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        name = path.parent.name if path.stem.isdigit() else path.stem
        match = _NAME.match(name)
        found.setdefault(match[1] if match else name, []).append(str(path))
    return found


def download(urls: Mapping[str, str], folder: Path, title: str) -> None:
    """Have the files of `urls` (name -> address) in `folder`, where they are not there yet.

    InputError if one cannot be had; it is tried a few times.
    """
    missing = {name: url for name, url in urls.items() if not (folder / name).is_file()}
    if not missing:
        return
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        settings = datasets.DownloadConfig(cache_dir=cache, max_retries=_RETRIES)
        try:
            found = datasets.DownloadManager(download_config=settings).download(dict(missing))
            for name, path in found.items():
                with atomic_path(folder / name) as temporary:
                    shutil.copyfile(path, temporary)
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"{title} could not be had in {folder}: {one_line(error)}") from None
