"""Records: what a population leaves, from which every metric is computed without the models.

A record is a set of named statistics of each model at each point, arrays (models, points) or, for
a sweep of settings, (settings, models, points); logits have the classes as one more axis, features
their numbers. On disk it is an .npz file with an array for each statistic, `points` int64 (pool
indices, train then val), `labels` int64 (class of each point), `seeds` int64 (models,), `of` (what
models, of which split: `population`), what made it, and a checksum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays, write_arrays
from palimpsest.data.splits import Split
from palimpsest.files import AGAIN, InputError
from palimpsest.population import OF, Kind, Population, check_population

ALWAYS = ("margin", "correct")
"""statistics that every record holds"""
DISTANCES = ("activation", "feature", "feature_relative")
"""how far a model is from another at a point (`training.distances`)"""
REFERENCES = ("original", "oracle")
"""what from: the model that it started from, the oracle of its place in the population"""
COMPARED = tuple(f"{kind}_to_{name}" for kind in DISTANCES for name in REFERENCES)
"""statistics that other models are run for, too"""
STATISTICS = {
    "margin": np.dtype(np.float32),
    "correct": np.dtype(bool),
    "logits": np.dtype(np.float16),
    "features": np.dtype(np.float16),
    "entropy": np.dtype(np.float32),
    "entropy_renormalised": np.dtype(np.float32),
    "token_loss": np.dtype(np.float32),
    "tokens": np.dtype(np.int32),
    **dict.fromkeys(COMPARED, np.dtype(np.float32)),
}
"""name of a statistic -> how it is kept; `training.evaluate` works it out"""
OF_CLASSES = ("logits", "features")
"""statistics of models that predict a class; those of all next tokens would not fit"""
OF_TOKENS = ("entropy_renormalised", "token_loss", "tokens")
"""statistics of models that predict the next token (`models.predicts`)"""
_AXES = ("points", "labels", "seeds")


def left_by(predicts: str) -> list[str]:
    """The statistics that models leave which predict a "class" or the "next_token"."""
    others = OF_TOKENS if predicts == "class" else OF_CLASSES
    return [name for name in STATISTICS if name not in others]


def check_left(names: Sequence[str], predicts: str) -> None:
    """InputError for a statistic that models which predict this do not leave, and where one that
    every record holds is left out."""
    for name in names:
        if name not in left_by(predicts):
            kind = predicts.replace("_", " ")
            raise InputError(
                f"--record names {name}, and the model predicts the {kind}; allowed: "
                f"{', '.join(left_by(predicts))}"
            )
    if not {*ALWAYS} <= {*names}:
        raise InputError(
            f"--record names {', '.join(names)}; needed: {', '.join(ALWAYS)} among them"
        )


@dataclass(frozen=True, eq=False)
class Record:
    """Statistics of one population, or of a sweep of settings over one population.

    Args:
        statistics: by name; `record["margin"]` is short for `record.statistics["margin"]`.
        points: pool index of each column.
        seeds: of the models.
        labels: class of each column.
        population: what models these are; None: not known.
    """

    statistics: Mapping[str, np.ndarray]
    points: np.ndarray
    seeds: np.ndarray
    labels: np.ndarray
    population: Population | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.statistics:
            raise InputError(
                f"the record holds no {name}; it holds {', '.join(self.statistics)} (record: in "
                "the study's section of the configuration asks for more)"
            )
        return self.statistics[name]

    def save(self, path: str | Path, made_by: Mapping[str, str] | None = None) -> None:
        """Write all arrays to one .npz file, atomically, with what made it (`provenance`)."""
        axes = {"points": self.points, "labels": self.labels, "seeds": self.seeds}
        of = {OF: self.population.as_array()} if self.population else {}
        write_arrays(path, {**axes, **of, **self.statistics}, made_by)

    @classmethod
    def load(cls, paths: Sequence[str | Path]) -> "Record":
        """Read the blocks of one population and join them along the models.

        Of which population is not asked: `load_population` does.
        """
        blocks = [read_arrays(path, [*ALWAYS, *_AXES], rest=True, seal=True) for path in paths]
        of = [Population.read(block.pop(OF, None)) for block in blocks]
        for path, block in zip(paths, blocks, strict=True):
            _check(block, path)
            for name in ("points", "labels"):
                if not np.array_equal(block[name], blocks[0][name]):
                    raise InputError(f"{path}: its {name} differ from those of {paths[0]}")
            if set(block) != set(blocks[0]):
                raise InputError(f"{path}: its statistics differ from those of {paths[0]}")
            if block["margin"].shape[:-2] != blocks[0]["margin"].shape[:-2]:
                raise InputError(f"{path}: its settings are not as many as those of {paths[0]}")
        for path, found in zip(paths, of, strict=True):
            if found != of[0]:
                raise InputError(
                    f"{path}: its models are not those of {paths[0]}; needed: blocks "
                    "of one population, in the same settings"
                )
        seeds = np.concatenate([block["seeds"] for block in blocks])
        if len(np.unique(seeds)) < len(seeds):
            raise InputError(f"{paths[0]} and the files after it: a seed occurs twice")
        axis = blocks[0]["margin"].ndim - 2
        names = [name for name in blocks[0] if name not in _AXES]
        return cls(
            {name: np.concatenate([block[name] for block in blocks], axis=axis) for name in names},
            points=blocks[0]["points"],
            seeds=seeds,
            labels=blocks[0]["labels"],
            population=of[0],
        )

    def of(self, points: np.ndarray) -> "Record":
        """The same record with its points in the order of `points`."""
        position = {int(point): column for column, point in enumerate(self.points)}
        try:
            columns = [position[int(point)] for point in points]
        except KeyError as error:
            raise InputError(f"nothing was recorded for point {error}") from None
        axes = self["margin"].ndim
        chosen = {
            name: values[..., columns, :] if values.ndim > axes else values[..., columns]
            for name, values in self.statistics.items()
        }
        return replace(self, statistics=chosen, points=points, labels=self.labels[columns])

    def first(self, models: int) -> "Record":
        """The record of the first so many models; InputError if there are not so many."""
        if not 1 <= models <= len(self.seeds):
            raise InputError(f"{models} models are asked for, and {len(self.seeds)} were recorded")
        place = (slice(None),) * (self["margin"].ndim - 2) + (slice(models),)
        chosen = {name: values[place] for name, values in self.statistics.items()}
        return replace(self, statistics=chosen, seeds=self.seeds[:models])

    def beside(self, other: "Record") -> "Record":
        """The record with the statistics of another of the same models and points as well, of
        which it keeps its own; InputError for other models."""
        if not np.array_equal(other.seeds, self.seeds):
            raise InputError(
                f"records of the seeds {_some(self.seeds)} and {_some(other.seeds)} stand side by "
                "side; needed: records of the same models"
            )
        statistics = {**other.of(self.points).statistics, **self.statistics}
        return replace(self, statistics=statistics)

    def setting(self, number: int) -> "Record":
        """The record of one setting of a sweep."""
        chosen = {name: values[number] for name, values in self.statistics.items()}
        return replace(self, statistics=chosen)


def load_population(
    paths: Sequence[str | Path], split: Split, *kinds: Kind, method: str = ""
) -> Record:
    """The record of a population of one of these kinds that belongs to a split, its points in the
    order of the split; InputError for blocks of any other, and for other labels than the split's.
    """
    record = Record.load(paths)
    needed = [Population.of(kind, split, method) for kind in kinds]
    check_population(record.population, paths[0], *needed)
    swept = record.population is not None and record.population.kind == "unlearned"
    if (record["margin"].ndim == 3) != swept:
        raise InputError(
            f"{paths[0]}: its margins have {record['margin'].ndim} axes; needed: models, points, "
            f"and before them, of unlearned models, settings{AGAIN}"
        )
    record = record.of(split.points)
    split.check_labels(record.labels, paths[0])
    return record


def _some(seeds: np.ndarray) -> str:
    """The first and the last of them, for a sentence."""
    return f"{seeds[0]} to {seeds[-1]}"


def _check(block: Mapping[str, np.ndarray], path: str | Path) -> None:
    """InputError unless the arrays of a file fit together."""
    points, seeds, shape = block["points"], block["seeds"], block["margin"].shape
    for name in _AXES:
        if block[name].ndim != 1 or block[name].dtype.kind not in "iu":
            raise InputError(f"{path}: not a record ({name} is no list of integers){AGAIN}")
    if block["margin"].dtype.kind != "f" or block["correct"].dtype != bool:
        raise InputError(f"{path}: not a record (margin or correct is of another type){AGAIN}")
    if len(shape) not in (2, 3) or shape[-2:] != (len(seeds), len(points)):
        raise InputError(
            f"{path}: not a record (margins {shape} of {len(seeds)} models at {len(points)} "
            f"points){AGAIN}"
        )
    if len(block["labels"]) != len(points):
        raise InputError(f"{path}: not a record ({len(block['labels'])} labels){AGAIN}")
    if len(np.unique(points)) < len(points):
        raise InputError(f"{path}: not a record (a point stands twice){AGAIN}")
    for name in block.keys() - {*_AXES}:
        if block[name].shape[: len(shape)] != shape:
            raise InputError(f"{path}: not a record ({name} has shape {block[name].shape}){AGAIN}")
