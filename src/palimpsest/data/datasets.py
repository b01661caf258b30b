"""A data set: one pool of labelled inputs, from which every split takes its points.

The pool index of a point is its row here. Where a data set has an official test part, the pool is
the official training part in official order, then the official test part. Inputs are images or
texts; everything else in the library sees an array whose first axis is the pool.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.facts import Facts
from palimpsest.files import AGAIN, InputError, altered, atomic_path

_NO_TRAIN_POINTS = -1


@dataclass(frozen=True, eq=False)
class Images:
    """How uint8 images (pool, channels, height, width) become a network's input."""

    scale: float
    """pixel value of full white: 255 for most images, 16 for digits"""
    mean: np.ndarray
    """float32 (channels,), after division by scale"""
    std: np.ndarray
    """float32 (channels,), after division by scale"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", np.asarray(self.mean, np.float32))
        object.__setattr__(self, "std", np.asarray(self.std, np.float32))

    def check(self, pool: np.ndarray, name: str) -> None:
        """ValueError unless `pool` is such images and each channel has its constants."""
        if pool.dtype != np.uint8 or pool.ndim != 4:
            raise ValueError(
                f"images of {name} are {pool.dtype} with {pool.ndim} axes; "
                "needed: uint8 (points, channels, height, width)"
            )
        if self.mean.shape != pool.shape[1:2] or self.std.shape != pool.shape[1:2]:
            raise ValueError(f"mean and std of {name} need one value per channel")

    def inputs(self, pool: np.ndarray) -> np.ndarray:
        """Normalised images: float32 (pool, channels, height, width)."""
        scaled = pool.astype(np.float32)
        scaled /= np.float32(self.scale)
        scaled -= self.mean[:, None, None]
        scaled /= self.std[:, None, None]
        return scaled

    @property
    def vocabulary(self) -> None:
        """Images have no vocabulary."""
        return None

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file has to hold beside the pool."""
        return {"scale": np.array(self.scale, np.float64), "mean": self.mean, "std": self.std}


@dataclass(frozen=True, eq=False)
class Tokens:
    """Texts as token ids (pool, length), int32; a short text is filled up with `padding`."""

    vocabulary: int
    """number of kinds of tokens; ids are 0 to vocabulary - 1"""
    padding: int
    """id that fills a text up; models and statistics leave it out by comparing with it"""
    cut: int | None = None
    """texts that were longer than the length and lost their end; None: not known"""
    tokenizer: str | None = None
    """what made the ids, as `tokenizers` writes it (JSON), so that they can be read again"""

    def check(self, pool: np.ndarray, name: str) -> None:
        """ValueError unless `pool` is such ids."""
        if pool.dtype != np.int32 or pool.ndim != 2:
            raise ValueError(
                f"texts of {name} are {pool.dtype} with {pool.ndim} axes; "
                "needed: int32 token ids (points, length)"
            )
        if pool.size and not (pool.min() >= 0 and pool.max() < self.vocabulary):
            raise ValueError(
                f"texts of {name} hold token ids {pool.min()} to {pool.max()}; "
                f"allowed: 0 to {self.vocabulary - 1}, the vocabulary"
            )
        if not 0 <= self.padding < self.vocabulary:
            raise ValueError(f"the padding of {name}, {self.padding}, is not in its vocabulary")
        if self.cut is not None and not 0 <= self.cut <= len(pool):
            raise ValueError(f"{self.cut} texts of {name} are said to be cut, of {len(pool)}")

    def inputs(self, pool: np.ndarray) -> np.ndarray:
        """Token ids int64 (pool, length)."""
        return pool.astype(np.int64)

    def decode(self, ids: np.ndarray) -> str:
        """The text of token ids (length,), padding left out; ValueError without a tokenizer."""
        from tokenizers import Tokenizer

        if self.tokenizer is None:
            raise ValueError("no tokenizer is kept with these token ids")
        kept = [int(one) for one in ids if one != self.padding]
        text: str = Tokenizer.from_str(self.tokenizer).decode(kept, skip_special_tokens=False)
        return text

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file has to hold beside the pool: what is known."""
        found = {"vocabulary": np.array(self.vocabulary), "padding": np.array(self.padding)}
        if self.cut is not None:
            found["cut"] = np.array(self.cut)
        if self.tokenizer is not None:
            found["tokenizer"] = np.frombuffer(self.tokenizer.encode(), np.uint8)
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Tokens":
        """What `arrays` gave; KeyError or ValueError where it is not that."""
        cut, tokenizer = arrays.get("cut"), arrays.get("tokenizer")
        return cls(
            int(arrays["vocabulary"]),
            int(arrays["padding"]),
            None if cut is None else int(cut),
            None if tokenizer is None else tokenizer.tobytes().decode(),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """One pool of labelled inputs and how a network reads them."""

    name: str
    pool: np.ndarray
    """(points, ...), as `encoding` says"""
    labels: np.ndarray
    """int64 (points,), classes counted from 0"""
    train_points: int | None
    """number of leading pool points that are the official training part; None: no official parts"""
    encoding: Images | Tokens
    groups: np.ndarray | None = None
    """int64 (points,), counted from 0: the classes to forget; None: those of `labels`"""

    def __post_init__(self) -> None:
        self.encoding.check(self.pool, self.name)
        if self.labels.dtype != np.int64 or self.labels.shape != (len(self.pool),):
            raise ValueError(
                f"labels of {self.name} are {self.labels.dtype} {self.labels.shape}; "
                f"needed: int64 ({len(self.pool)},)"
            )
        if len(self.labels) == 0 or self.labels.min() < 0:
            raise ValueError(f"{self.name} needs points, with labels counted from 0")
        groups = self.groups
        if groups is not None and (groups.dtype != np.int64 or groups.shape != self.labels.shape):
            raise ValueError(
                f"groups of {self.name} are {groups.dtype} {groups.shape}; "
                f"needed: int64 ({len(self.pool)},)"
            )
        if groups is not None and groups.min() < 0:
            raise ValueError(f"groups of {self.name} are counted from {groups.min()}; needed: 0")
        if self.train_points is not None and not 0 < self.train_points < len(self.pool):
            raise ValueError(
                f"{self.name} has {self.train_points} official training points of {len(self)}; "
                "needed: some, and some test points"
            )

    def __len__(self) -> int:
        return len(self.pool)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    @property
    def groups_or_labels(self) -> np.ndarray:
        """int64 (points,): what a forget set of whole classes chooses by."""
        return self.labels if self.groups is None else self.groups

    @property
    def facts(self) -> Facts:
        """What a model is built from."""
        return Facts(
            len(self), self.train_points, self.classes, self.pool.shape[1:],
            self.encoding.vocabulary, getattr(self.encoding, "padding", None),
            None if self.groups is None else int(self.groups.max()) + 1,
        )  # fmt: skip

    def inputs(self) -> np.ndarray:
        """The pool as a network reads it, first axis the pool."""
        return self.encoding.inputs(self.pool)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over name, pool, labels, groups and constants, as hexadecimal text.

        What a data set has not (groups, say) leaves no trace in it.
        """
        digest = hashlib.sha256()
        digest.update(f"{self.name} {self.pool.shape} {self.train_points}\n".encode())
        parts = {"pool": self.pool, "labels": self.labels} | self._more()
        for name, array in parts.items():
            digest.update(f"{name}\n".encode())
            little_endian = array.dtype.newbyteorder("<")
            digest.update(np.ascontiguousarray(array, little_endian).tobytes())
        return digest.hexdigest()

    def _more(self) -> dict[str, np.ndarray]:
        """What a file has to hold beside pool and labels."""
        groups = {} if self.groups is None else {"groups": self.groups}
        return self.encoding.arrays() | groups

    def save(self, path: str | Path) -> None:
        """Write everything, with the checksum, as one .npz file."""
        train_points = _NO_TRAIN_POINTS if self.train_points is None else self.train_points
        arrays: dict[str, Any] = {
            "name": np.array(self.name),
            "pool": self.pool,
            "labels": self.labels,
            "train_points": np.array(train_points, np.int64),
            "checksum": np.array(self.checksum),
            **self._more(),
        }
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Dataset":
        """Read a file written by `save`; InputError if it is missing, damaged or altered."""
        arrays = read_arrays(
            path, ["name", "pool", "labels", "train_points", "checksum"], rest=True
        )
        try:
            encoding: Images | Tokens
            if "vocabulary" in arrays:
                encoding = Tokens.of(arrays)
            else:
                encoding = Images(float(arrays["scale"]), arrays["mean"], arrays["std"])
            train_points = int(arrays["train_points"])
            dataset = cls(
                name=str(arrays["name"]),
                pool=arrays["pool"],
                labels=arrays["labels"],
                train_points=None if train_points == _NO_TRAIN_POINTS else train_points,
                encoding=encoding,
                groups=arrays.get("groups"),
            )
        except KeyError as error:
            raise InputError(f"{path}: not a data set (it holds no array {error}){AGAIN}") from None
        except (ValueError, TypeError, ArithmeticError) as error:
            raise InputError(f"{path}: not a data set ({error}){AGAIN}") from None
        if dataset.checksum != str(arrays["checksum"]):
            raise InputError(altered(path))
        return dataset
