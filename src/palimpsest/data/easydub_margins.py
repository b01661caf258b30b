"""Margins in the layout of the EasyDUB data set of 2026 (easydub/EasyDUB-code, arXiv 2602.16400).

One array per model, a margin per point, at `ROOT/margins/DATA/KIND/.../NET/id_M_epoch_E.npy`:

    margins/cifar10/pretrain/{retain,val}/resnet9/      retain: all training points
    margins/cifar10/pretrain/forget_F/resnet9/          of the forget set F
    margins/cifar10/oracle/forget_F/{retain,val,forget}/resnet9/
    forget_sets/cifar10/forget_set_F.npy                places of the forget set in the training set

A kind other than `pretrain` lies as `oracle` does: margins of one's own method fit in beside them.
"""

import re
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_array
from palimpsest.data.splits import PARTS
from palimpsest.files import InputError

_FILE = re.compile(r"id_(\d+)_epoch_(\d+)\.npy")


def load_margins(
    root: str | Path,
    kind: str,
    part: str,
    forget_set: int,
    *,
    models: int | None = None,
    data: str = "cifar10",
    net: str = "resnet9",
) -> np.ndarray:
    """Margins (models, points) of a kind (`pretrain`, `oracle`, ...) on a part of the points.

    `part` is forget, retain or val of the forget set with this number. Models are in the order of
    their ids, the first `models` of them (None: all). Of the originals (`pretrain`) the retain
    part is all training points in the files, and the forget set is taken out. Raises InputError
    when a folder or file is missing, damaged, or not of the type and length of the others.
    """
    if part not in PARTS:
        raise InputError(f"no part {part!r} of the points; allowed: {', '.join(PARTS)}")
    parent = Path(root) / "margins" / data / kind
    own = f"forget_{forget_set}"
    if kind != "pretrain":
        folder = parent / own / part / net
    else:
        folder = parent / (own if part == "forget" else part) / net
    margins = _stacked(_files(folder, models))
    if kind == "pretrain" and part == "retain":
        forget = load_forget_set(root, forget_set, len(margins[0]), data=data)
        return np.delete(margins, forget, axis=1)
    return margins


def load_forget_set(
    root: str | Path, forget_set: int, points: int, *, data: str = "cifar10"
) -> np.ndarray:
    """Places of a forget set among the `points` training points: int64, each once."""
    path = Path(root) / "forget_sets" / data / f"forget_set_{forget_set}.npy"
    array = read_array(path)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise InputError(
            f"{path}: an array of shape {array.shape} and type {array.dtype}; needed: a list of "
            "places, integers"
        )
    if array.min() < 0 or array.max() >= points:
        raise InputError(
            f"{path}: holds places {array.min()} to {array.max()}; allowed: 0 to {points - 1}"
        )
    if len(np.unique(array)) < len(array):
        raise InputError(f"{path}: holds a place twice; needed: each once")
    return array.astype(np.int64)


def _files(folder: Path, models: int | None) -> list[Path]:
    """The files of a folder in the order of their models; InputError for none, or too few."""
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    found = [(match, path) for path in folder.iterdir() if (match := _FILE.fullmatch(path.name))]
    if not found:
        raise InputError(f"{folder}: holds no models; needed: files id_MODEL_epoch_EPOCH.npy")
    epochs = sorted({int(match[2]) for match, _ in found})
    if len(epochs) > 1:
        raise InputError(
            f"{folder}: holds models of the epochs {', '.join(map(str, epochs))}; needed: of one"
        )
    ordered = [path for _, path in sorted(found, key=lambda pair: int(pair[0][1]))]
    if models is not None and not 1 <= models <= len(ordered):
        raise InputError(f"{folder}: {models} models were asked for; allowed: 1 to {len(ordered)}")
    return ordered[:models]


def _stacked(paths: list[Path]) -> np.ndarray:
    """One row per file; InputError for a file unlike the first."""
    first = read_array(paths[0])
    if first.ndim != 1 or not first.size or first.dtype not in (np.float16, np.float32, np.float64):
        raise InputError(
            f"{paths[0]}: an array of shape {first.shape} and type {first.dtype}; needed: one "
            "margin for each point, float16, float32 or float64"
        )
    rows = np.empty((len(paths), len(first)), first.dtype)
    rows[0] = first
    for row, path in zip(rows[1:], paths[1:], strict=True):
        array = read_array(path)
        if array.shape != first.shape or array.dtype != first.dtype:
            raise InputError(
                f"{path}: an array of shape {array.shape} and type {array.dtype}; needed: "
                f"{first.shape} and {first.dtype} as in {paths[0].name}"
            )
        row[:] = array
    return rows
