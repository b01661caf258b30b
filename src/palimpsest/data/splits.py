"""Splits: which points of the pool are trained on, held out for validation, and forgotten.

One split object serves training, unlearning and evaluation alike. `train` is the training subset of
the original population; a forget set lies inside it, and the retain set is the rest of it.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.files import AGAIN, InputError, altered, atomic_path, read_json, sealed

Indices = np.ndarray | Sequence[int]

PARTS = ("forget", "retain", "val")
"""the sets of points that every metric is told for"""
VAL_PARTS = ("val_retain", "val_forget")
"""what the validation set is made of where points like the forgotten ones are known in it"""


@dataclass(frozen=True, eq=False)
class Split:
    """Sorted int64 pool indices of each part, tied to one data set by its checksum."""

    train: np.ndarray
    val: np.ndarray
    forget: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """empty for the base split, from which forget sets are made with `with_forget`"""
    dataset_checksum: str = ""
    val_forget: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """validation points that are like the forgotten ones, of a class that is forgotten whole"""
    labels_checksum: str = ""
    """SHA-256 of the classes of `points`, in their order; empty: not known"""

    def __post_init__(self) -> None:
        for name in ("train", "val", "forget", "val_forget"):
            object.__setattr__(self, name, as_indices(getattr(self, name), f"{name} set"))
        if not len(self.train):
            raise ValueError("the training set is empty; needed: at least one index")
        overlap = np.intersect1d(self.train, self.val)
        if len(overlap):
            raise ValueError(
                f"index {overlap[0]} is in both the training set and the validation set; "
                "needed: no index in both"
            )
        outside = self.forget[~np.isin(self.forget, self.train)]
        if len(outside):
            raise ValueError(
                f"forget index {outside[0]} is not in the training set; allowed: its "
                f"{len(self.train)} indices, which lie in {self.train[0]}..{self.train[-1]}"
            )
        if len(self.forget) >= len(self.train):
            raise ValueError(
                f"the forget set has {len(self.forget)} points and the training set "
                f"{len(self.train)}; allowed: at most {len(self.train) - 1}"
            )
        outside = self.val_forget[~np.isin(self.val_forget, self.val)]
        if len(outside):
            raise ValueError(
                f"val_forget index {outside[0]} is not in the validation set; allowed: its "
                f"{len(self.val)} indices"
            )

    @cached_property
    def retain(self) -> np.ndarray:
        """Training points that are not forgotten: int64, sorted."""
        return np.setdiff1d(self.train, self.forget, assume_unique=True)

    @cached_property
    def val_retain(self) -> np.ndarray:
        """Validation points that are not of `val_forget`: int64, sorted."""
        return np.setdiff1d(self.val, self.val_forget, assume_unique=True)

    @property
    def parts(self) -> tuple[str, ...]:
        """The sets of points that a metric is told for: PARTS, and VAL_PARTS where these are known
        and neither is empty."""
        known = len(self.val_forget) and len(self.val_retain)
        return (*PARTS, *VAL_PARTS) if known else PARTS

    @cached_property
    def points(self) -> np.ndarray:
        """Training points, then validation points: the columns of every record."""
        return np.concatenate([self.train, self.val])

    def columns(self, part: str) -> np.ndarray:
        """Positions in `points` of a part: "train", or one of PARTS or VAL_PARTS: int64, sorted."""
        if part == "val":
            return np.arange(len(self.train), len(self.points))
        if part in VAL_PARTS:
            return len(self.train) + np.searchsorted(self.val, getattr(self, part))
        if part not in ("forget", "retain", "train"):
            allowed = ", ".join(["train", *PARTS, *VAL_PARTS])
            raise ValueError(f"no part {part!r}; allowed: {allowed}")
        if part == "forget" and not len(self.forget):
            raise ValueError("the base split has no forget set; needed: the split of a forget set")
        return np.searchsorted(self.train, getattr(self, part))

    def with_forget(self, indices: Indices, val_forget: Indices = ()) -> "Split":
        """The same split with the forget set `indices` (not empty), and those validation points
        that are like it."""
        forget = as_indices(indices, "forget set")
        if not len(forget):
            raise ValueError("the forget set is empty; needed: at least one index")
        alike = as_indices(val_forget, "val_forget set")
        return replace(self, forget=forget, val_forget=alike)

    @cached_property
    def train_checksum(self) -> str:
        """SHA-256 over data set and training subset: the identity of the original population."""
        return _digest(self.dataset_checksum, self.train)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over data set, train, val and forget, and val_forget where there is any."""
        more = [self.val_forget] if len(self.val_forget) else []
        return _digest(self.dataset_checksum, self.train, self.val, self.forget, *more)

    def check_belongs(self, dataset: Dataset, path: str | Path) -> None:
        """InputError if this split, read from `path`, was made for another data set."""
        if self.dataset_checksum != dataset.checksum:
            raise InputError(f"{path}: this split belongs to another data set than the one given")

    def check_forgets(self, path: str | Path) -> None:
        """InputError if this split, read from `path`, has no forget set."""
        if not len(self.forget):
            raise InputError(
                f"{path}: a base split, which has no forget set; needed: the split of a forget set"
            )

    def check_labels(self, labels: np.ndarray, path: str | Path) -> None:
        """InputError unless `labels`, read from `path`, are the classes of `points` in the data
        set."""
        if self.labels_checksum and digest_of_labels(labels) != self.labels_checksum:
            raise InputError(f"{path}: its labels are not those of the split's data set{AGAIN}")

    def save(self, path: str | Path) -> None:
        """Write as JSON, one key a line, with its own checksum and that of the content."""
        content: dict[str, Any] = {
            "checksum": self.checksum,
            "dataset_checksum": self.dataset_checksum,
            "forget": self.forget.tolist(),
            "labels_checksum": self.labels_checksum,
            "train": self.train.tolist(),
            "val": self.val.tolist(),
        }
        if len(self.val_forget):
            content["val_forget"] = self.val_forget.tolist()
        content = sealed(content)
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(content[key])}" for key in content)
        with atomic_path(path) as temporary:
            temporary.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Split":
        """Read a file written by `save`; InputError if it is missing, damaged or altered."""
        content = read_json(path)
        keys = {"checksum", "dataset_checksum", "forget", "labels_checksum", "train", "val"}
        if not isinstance(content, dict) or set(content) - {"val_forget"} != keys:
            raise InputError(
                f"{path}: not a split; needed: the keys {', '.join(sorted(keys))}{AGAIN}"
            )
        try:
            split = cls(
                content["train"],
                content["val"],
                content["forget"],
                content["dataset_checksum"],
                content.get("val_forget", []),
                str(content["labels_checksum"]),
            )
            intact = split.checksum == content["checksum"]
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not a valid split: {error}{AGAIN}") from None
        if not intact:
            raise InputError(altered(path))
        return split


def as_indices(values: Any, what: str) -> np.ndarray:
    """`values` as sorted int64 indices; ValueError for non-integers, negatives and duplicates."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        raise ValueError(f"the {what} is a list of lists; needed: one list of indices") from None
    if array.ndim != 1:
        raise ValueError(f"the {what} has {array.ndim} axes; needed: one list of indices")
    if array.size == 0:
        return np.empty(0, np.int64)
    listed = values if isinstance(values, list | tuple) else array.tolist()
    wrong = [value for value in listed if not _is_integer(value)]
    if wrong:
        raise ValueError(f"the {what} holds {repr(wrong[0])[:100]}; allowed: integers only")
    if not all(-(2**63) <= value < 2**63 for value in listed):
        raise ValueError(f"the {what} holds an index beyond 64 bits; allowed: a place in the pool")
    indices = np.sort(np.array(listed, np.int64))
    if indices[0] < 0:
        raise ValueError(f"the {what} holds the index {indices[0]}; allowed: 0 or more")
    repeated = indices[1:][indices[1:] == indices[:-1]]
    if len(repeated):
        raise ValueError(f"the {what} holds index {repeated[0]} twice; allowed: each index once")
    return indices


def part_sizes(
    points: int,
    train_points: int | None,
    *,
    val_fraction: float,
    train_size: int | None,
    val_size: int | None,
    classes: int = 1,
) -> tuple[int, int]:
    """Numbers of training and validation points that `base_split` gives; ValueError if impossible.

    Each part holds at least one point for each of the `classes`.

    Without official parts (`train_points` None), `val_fraction` of the points, rounded up, are for
    validation. `train_size` and `val_size` ask for a part of each (None: all of it).
    """
    if train_points is None:
        val = math.ceil(val_fraction * points)
        train = points - val
        if min(train, val) < classes:
            raise ValueError(
                f"val_fraction {val_fraction} leaves {train} training and {val} validation points; "
                f"needed: at least {classes} of each, one of each class"
            )
    else:
        train, val = train_points, points - train_points
    for name, size, available in (("train_size", train_size, train), ("val_size", val_size, val)):
        if size is not None and not classes <= size <= available:
            raise ValueError(
                f"{name} is {size}; allowed: {classes} to {available}, or null for all"
            )
    return train_size or train, val_size or val


def base_split(
    dataset: Dataset,
    *,
    val_fraction: float = 0.2,
    train_size: int | None = None,
    val_size: int | None = None,
    seed: int = 0,
) -> Split:
    """The split without a forget set.

    Official training and test parts are taken as they are; without them, a stratified part
    `val_fraction` is drawn for validation (scikit-learn's train_test_split). `train_size` and
    `val_size` then draw a stratified subset of each part. The same seed gives the same split.
    """
    official = dataset.train_points
    part_sizes(
        len(dataset),
        official,
        val_fraction=val_fraction,
        train_size=train_size,
        val_size=val_size,
    )
    pool = np.arange(len(dataset))
    if official is None:
        from sklearn.model_selection import train_test_split

        train, val = train_test_split(
            pool,
            test_size=math.ceil(val_fraction * len(dataset)),
            random_state=seed,
            stratify=dataset.labels,
        )
    else:
        train, val = pool[:official], pool[official:]
    train = stratified_subset(np.sort(train), dataset.labels, train_size, seed)
    val = stratified_subset(np.sort(val), dataset.labels, val_size, seed)
    known = digest_of_labels(dataset.labels[np.concatenate([train, val])])
    return Split(train, val, dataset_checksum=dataset.checksum, labels_checksum=known)


def digest_of_labels(labels: np.ndarray) -> str:
    """SHA-256 of classes int64 (points,), as hexadecimal text."""
    return _digest("labels", labels)


def stratified_subset(
    points: np.ndarray, labels: np.ndarray, size: int | None, seed: int
) -> np.ndarray:
    """`size` of `points` (None: all), each class in proportion, drawn at random: int64, sorted.

    Fractions of a point go to the classes with the largest remainders, the lower class first.
    """
    if size is None or size == len(points):
        return points
    random = np.random.RandomState(seed)
    classes, counts = np.unique(labels[points], return_counts=True)
    shares = counts * size / len(points)
    sizes = np.floor(shares).astype(int)
    order = np.argsort(-(shares - sizes), kind="stable")
    sizes[order[: size - sizes.sum()]] += 1
    chosen = [
        random.choice(points[labels[points] == label], number, replace=False)
        for label, number in zip(classes, sizes, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _digest(checksum: str, *parts: np.ndarray) -> str:
    digest = hashlib.sha256(checksum.encode())
    for part in parts:
        digest.update(f"\n{len(part)}\n".encode())
        digest.update(np.ascontiguousarray(part, "<i8").data)
    return digest.hexdigest()
