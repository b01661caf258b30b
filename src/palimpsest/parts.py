"""What one job scores: parts of several tables in one JSON file, joined later by `gather`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.files import AGAIN, MADE_BY, InputError, read_json, write_json
from palimpsest.population import OF

_TRAINING_SET, _SPLIT, _FORGET_SET = "training_set", "split", "forget_set"


def scored_on(split: Split, forget_set: str) -> dict[str, str]:
    """What parts are of that were scored on a forget set: its name, the checksums of its split."""
    return {
        _FORGET_SET: forget_set, _SPLIT: split.checksum, _TRAINING_SET: split.train_checksum,
    }  # fmt: skip


def write_parts(
    path: str | Path,
    tables: Mapping[str, pd.DataFrame],
    of: Mapping[str, str],
    made_by: Mapping[str, str] | None = None,
) -> None:
    """Write tables by name, with what they are of (`scored_on`) and what made them (`provenance`),
    atomically; no digit is lost."""
    split = {name: table.to_dict("split") for name, table in tables.items()}
    parts = {n: {"columns": t["columns"], "data": t["data"]} for n, t in split.items()}
    write_json(path, {MADE_BY: made_by or {}, OF: dict(of), **parts})


def read_parts(paths: Sequence[str | Path], name: str) -> tuple[list[pd.DataFrame], str]:
    """The parts of the table `name` in files of `write_parts`, and the checksum of the training set
    that all of them are of.

    InputError for a file that has no such part, and where two are not of one training set, or
    of two splits under the name of one forget set, or of one split under two names.
    """
    parts: list[pd.DataFrame] = []
    splits: dict[str, str] = {}
    names: dict[str, str] = {}
    training_set = ""
    for path in paths:
        content = read_json(path, seal=True)
        try:
            part = pd.DataFrame(content[name]["data"], columns=content[name]["columns"])
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{path}: holds no part of the table {name}{AGAIN}") from None
        of = content.get(OF)
        keys = (_FORGET_SET, _SPLIT, _TRAINING_SET)
        if not isinstance(of, dict) or not all(isinstance(of.get(key), str) for key in keys):
            raise InputError(f"{path}: does not say what forget set it is of{AGAIN}")
        forget_set, split, own = (of[key] for key in keys)
        if "forget_set" in part and set(part["forget_set"]) - {forget_set}:
            raise InputError(f"{path}: has rows of other forget sets than {forget_set}{AGAIN}")
        if (training_set or own) != own:
            raise InputError(
                f"{path}: is of the training set {own[:12]}, and {paths[0]} of "
                f"{training_set[:12]}; needed: parts of one run"
            )
        if splits.setdefault(forget_set, split) != split:
            raise InputError(
                f"{path}: {forget_set} is the split {split[:12]}, and {splits[forget_set][:12]} in "
                "a file before it; needed: parts of one run"
            )
        if names.setdefault(split, forget_set) != forget_set:
            raise InputError(
                f"{path}: {forget_set} is the split {split[:12]}, as {names[split]} is in a file "
                "before; needed: a split of its own; delete the scores of the wrong one, then run "
                "again"
            )
        parts.append(part)
        training_set = own
    return parts, training_set
