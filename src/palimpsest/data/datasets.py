"""A data set: one pool of labelled images, from which every split takes its points.

The pool index of a point is its row here. Where a data set has an official test part, the pool is
the official training part in official order, then the official test part.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.files import InputError, atomic_path

_NO_TRAIN_POINTS = -1


@dataclass(frozen=True, eq=False)
class Dataset:
    """One pool of labelled images and the constants that normalise them."""

    name: str
    images: np.ndarray
    """uint8 (points, channels, height, width)"""
    labels: np.ndarray
    """int64 (points,), classes counted from 0"""
    train_points: int | None
    """number of leading pool points that are the official training part; None: no official parts"""
    scale: float
    """pixel value of full white: 255 for most images, 16 for digits"""
    mean: np.ndarray
    """float32 (channels,), after division by scale"""
    std: np.ndarray
    """float32 (channels,), after division by scale"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", np.asarray(self.mean, np.float32))
        object.__setattr__(self, "std", np.asarray(self.std, np.float32))
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images of {self.name} are {self.images.dtype} with {self.images.ndim} axes; "
                "needed: uint8 (points, channels, height, width)"
            )
        if self.labels.dtype != np.int64 or self.labels.shape != (len(self.images),):
            raise ValueError(
                f"labels of {self.name} are {self.labels.dtype} {self.labels.shape}; "
                f"needed: int64 ({len(self.images)},)"
            )
        if len(self.labels) == 0 or self.labels.min() < 0:
            raise ValueError(f"{self.name} needs points, with labels counted from 0")
        if self.mean.shape != (self.channels,) or self.std.shape != (self.channels,):
            raise ValueError(f"mean and std of {self.name} need one value per channel")
        if self.train_points is not None and not 0 < self.train_points < len(self.images):
            raise ValueError(
                f"{self.name} has {self.train_points} official training points of {len(self)}; "
                "needed: some, and some test points"
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """Number of image channels."""
        return int(self.images.shape[1])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    def inputs(self) -> np.ndarray:
        """Normalised images: float32 (points, channels, height, width)."""
        scaled = self.images.astype(np.float32)
        scaled /= np.float32(self.scale)
        scaled -= self.mean[:, None, None]
        scaled /= self.std[:, None, None]
        return scaled

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over name, images, labels and constants, as hexadecimal text."""
        digest = hashlib.sha256()
        head = f"{self.name} {self.images.shape} {self.train_points} {float(self.scale)!r}\n"
        digest.update(head.encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels, "<i8").data)
        digest.update(np.ascontiguousarray(np.stack([self.mean, self.std]), "<f4").data)
        return digest.hexdigest()

    def save(self, path: str | Path) -> None:
        """Write everything, with the checksum, as one .npz file."""
        train_points = _NO_TRAIN_POINTS if self.train_points is None else self.train_points
        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                name=np.array(self.name),
                images=self.images,
                labels=self.labels,
                train_points=np.array(train_points, np.int64),
                scale=np.array(self.scale, np.float64),
                mean=self.mean,
                std=self.std,
                checksum=np.array(self.checksum),
            )

    @classmethod
    def load(cls, path: str | Path) -> "Dataset":
        """Read a file written by `save`; InputError if it is missing, damaged or altered."""
        names = ["name", "images", "labels", "train_points", "scale", "mean", "std", "checksum"]
        arrays = read_arrays(path, names)
        try:
            train_points = int(arrays["train_points"])
            dataset = cls(
                name=str(arrays["name"]),
                images=arrays["images"],
                labels=arrays["labels"],
                train_points=None if train_points == _NO_TRAIN_POINTS else train_points,
                scale=float(arrays["scale"]),
                mean=arrays["mean"],
                std=arrays["std"],
            )
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: not a data set ({error})") from None
        if dataset.checksum != str(arrays["checksum"]):
            raise InputError(
                f"{path}: damaged, its contents do not match its checksum; delete it and run again"
            )
        return dataset
