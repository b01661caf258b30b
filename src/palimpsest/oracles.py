"""Oracles are the yardstick: read for scoring, and refused where they give no scale."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.records import Record, load_population


def load_oracles(
    paths: Sequence[str | Path], split: Split, forget_set: str, models: int | None = None
) -> Record:
    """The record of oracles, its points in the order of the split; `check_oracles` is asked.

    `models`: only the first so many.
    """
    record = load_population(paths, split, "oracle")
    record = record if models is None else record.first(models)
    check_oracles(record["margin"], paths[0], forget_set)
    return record


def load_both(
    paths: Sequence[str | Path], second: Sequence[str | Path], split: Split, forget_set: str
) -> tuple[Record, Record | None]:
    """The record of oracles, and of a second population of them, None where there is none;
    InputError where a model is in both."""
    oracles = load_oracles(paths, split, forget_set)
    if not second:
        return oracles, None
    others = load_oracles(second, split, forget_set)
    common = np.intersect1d(oracles.seeds, others.seeds)
    if len(common):
        raise InputError(
            f"{second[0]}: the model of seed {common[0]} is in {paths[0]}, too; needed: oracles of "
            "other seeds"
        )
    return oracles, others


def check_oracles(margins: np.ndarray, path: str | Path, forget_set: str) -> None:
    """InputError where at some point no oracle has a finite margin: nothing is scored against it.

    margins: (models, points). How many oracles diverged is logged where some did.
    """
    finite = np.isfinite(margins)
    diverged, without = int((~finite.all(axis=1)).sum()), int((~finite.any(axis=0)).sum())
    if not diverged:
        return
    told = f"{diverged} of {len(margins)} oracles of the forget set {forget_set} diverged"
    if without:
        raise InputError(
            f"{path}: {told}, and at {without} of {margins.shape[1]} points none of them has a "
            "finite margin, so that there is no score; needed: oracles that train without diverging"
        )
    logging.info("%s: %s (a margin of theirs is not finite)", path, told)
