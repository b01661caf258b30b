"""Margins files: the record that a population leaves, from which every metric is computed.

An .npz file holds `margins` float32 (models, points) or, for a sweep, (settings, models, points),
`correct` of the same shape (bool: was the true class the predicted one), `points` int64 pool
indices in the order train, val, and `seeds` int64 (models,).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.files import InputError, atomic_path


@dataclass(frozen=True)
class Margins:
    """Margins of one population, or of a sweep of settings over one population."""

    margins: np.ndarray
    correct: np.ndarray
    points: np.ndarray
    seeds: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write all arrays to one .npz file."""
        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                margins=self.margins,
                correct=self.correct,
                points=self.points,
                seeds=self.seeds,
            )

    @classmethod
    def load(cls, paths: Sequence[str | Path]) -> "Margins":
        """Read the blocks of one population and join them along the models."""
        names = ["margins", "correct", "points", "seeds"]
        blocks = [read_arrays(path, names) for path in paths]
        for path, block in zip(paths, blocks, strict=True):
            if not np.array_equal(block["points"], blocks[0]["points"]):
                raise InputError(f"{path}: its points differ from those of {paths[0]}")
        seeds = np.concatenate([block["seeds"] for block in blocks])
        if len(np.unique(seeds)) < len(seeds):
            raise InputError(f"{paths[0]} and the files after it: a seed occurs twice")
        return cls(
            margins=np.concatenate([block["margins"] for block in blocks], axis=-2),
            correct=np.concatenate([block["correct"] for block in blocks], axis=-2),
            points=blocks[0]["points"],
            seeds=seeds,
        )

    def of(self, points: np.ndarray) -> "Margins":
        """The same record with its columns in the order of `points`."""
        position = {int(point): column for column, point in enumerate(self.points)}
        try:
            columns = [position[int(point)] for point in points]
        except KeyError as error:
            raise InputError(f"no margins were recorded for point {error}") from None
        return Margins(self.margins[..., columns], self.correct[..., columns], points, self.seeds)

    def setting(self, number: int) -> "Margins":
        """The record of one setting of a sweep."""
        return Margins(self.margins[number], self.correct[number], self.points, self.seeds)
