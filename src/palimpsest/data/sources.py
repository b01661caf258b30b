"""Where data sets come from: one entry per name, used by prepare_data and by the configuration.

A new data set is one module with three functions and one entry in SOURCES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palimpsest.data import cifar10, digits
from palimpsest.data.datasets import Dataset


@dataclass(frozen=True)
class Source:
    """How to load a data set, to check its files cheaply, and to count its points."""

    load: Callable[[Path, bool, str], Dataset]
    """from (data_dir, download, checksums)"""
    check: Callable[[Path, bool, str], None]
    """raises InputError if (data_dir, download, checksums) cannot be loaded; imports no torch"""
    size: Callable[[Path, str], tuple[int, int | None] | None]
    """points, and the official training points among them (None: no official parts), read without
    the images; None if the files do not tell"""


SOURCES = {
    "digits": Source(
        load=lambda data_dir, download, checksums: digits.load(),
        check=lambda data_dir, download, checksums: None,
        size=lambda data_dir, checksums: (digits.POINTS, None),
    ),
    "cifar10": Source(load=cifar10.load, check=cifar10.check, size=cifar10.size),
}


def load_dataset(
    name: str, *, data_dir: str | Path = "data", download: bool = False, checksums: str = "official"
) -> Dataset:
    """Load a data set by name; InputError, one sentence, if its files are missing or damaged."""
    return _source(name).load(Path(data_dir), download, checksums)


def check_available(
    name: str, data_dir: str | Path, download: bool = False, checksums: str = "official"
) -> None:
    """Raise InputError if the files that `load_dataset` needs are missing or damaged."""
    _source(name).check(Path(data_dir), download, checksums)


def dataset_size(
    name: str, data_dir: str | Path = "data", checksums: str = "official"
) -> tuple[int, int | None] | None:
    """Points and official training points (None: no official parts); None if it cannot be told."""
    return _source(name).size(Path(data_dir), checksums)


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise ValueError(f"no data set {name!r}; allowed: {', '.join(sorted(SOURCES))}")
    return SOURCES[name]
