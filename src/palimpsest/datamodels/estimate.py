"""An estimate: the points that a datamodel calls important, with what says whether to believe it.

One JSON file. A run writes its own (`datamodels/estimate.json`); those in `data/shipped` come with
the project, so that every machine forgets the same points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.splits import Split, as_indices
from palimpsest.files import AGAIN, InputError, read_json

SHIPPED = Path(__file__).parents[1] / "data" / "shipped"
SUFFIX = ".estimate.json"
DATA_KEYS = ("name", "val_fraction", "train_size", "val_size", "split_seed")
"""settings of the section `data` that decide the training set"""
PREDICTS = 0.25
"""part of its ceiling that an estimate's rank correlation has to reach: noise reaches none of it, a
few hundred regressed models a fifteenth, TRAK a third to a half"""
REPEATS = 0.5
"""part of its points that a set has to share between two halves of the models, to be believed"""
SET_KEYS = ("component", "top", "bottom")
_AGREEMENT = ("correlation", "ci_low", "ceiling")
_KEYS = {"base_split", "data", "estimator", "models", "agreement", "variance_shares", "sets"}


@dataclass(frozen=True)
class Estimate:
    """A file's content; `path` names it in sentences."""

    content: dict[str, Any]
    path: Path

    @classmethod
    def load(cls, path: str | Path) -> "Estimate":
        """Read a file; InputError for one that is missing, damaged, or no estimate."""
        content = read_json(path)
        if not isinstance(content, dict) or _KEYS - content.keys():
            raise InputError(
                f"{path}: not an estimate; needed: the keys {', '.join(sorted(_KEYS))}{AGAIN}"
            )
        sets = content["sets"]
        if (
            not isinstance(content["base_split"], str)
            or not isinstance(content["agreement"], dict)
            or not isinstance(sets, list)
            or not all(
                isinstance(one, dict) and {*SET_KEYS, "indices"} <= one.keys() for one in sets
            )
        ):
            raise InputError(
                f"{path}: not an estimate; needed: a base split, an agreement, and sets with "
                f"{', '.join(SET_KEYS)} and indices{AGAIN}"
            )
        return cls(content, Path(path))

    def chosen(self, base: Split, component: int, top: int, bottom: int) -> np.ndarray:
        """Pool indices of a set; InputError if it is another split's, or there is no such set."""
        if self.content["base_split"] != base.checksum:
            raise InputError(
                f"{self.path}: these sets belong to another data set or split (its checksum is "
                f"{self.content['base_split'][:12]}, and {base.checksum[:12]} is needed)"
            )
        found = self.set_of(component, top, bottom)
        try:
            return as_indices(found["indices"], "set")
        except ValueError as error:
            raise InputError(f"{self.path}: {error}{AGAIN}") from None

    def set_of(self, component: int, top: int, bottom: int) -> dict[str, Any]:
        """The entry of a set; InputError if there is none."""
        entry: dict[str, Any]
        for entry in self.content["sets"]:
            if [entry[key] for key in SET_KEYS] == [component, top, bottom]:
                return entry
        there = "; ".join(
            ", ".join(f"{key} {entry[key]}" for key in SET_KEYS) for entry in self.content["sets"]
        )
        raise InputError(
            f"{self.path}: holds no set of component {component}, top {top}, bottom {bottom}; "
            f"allowed: {there or 'none'}"
        )

    def doubt(self, component: int, top: int, bottom: int) -> str | None:
        """Why the set cannot be called one of important points; None if it can."""
        found = self.content["agreement"]
        if wrong := [key for key in _AGREEMENT if not isinstance(found.get(key), int | float)]:
            raise InputError(f"{self.path}: its agreement has no {wrong[0]}{AGAIN}")
        if not predicts(found):
            return (
                f"the estimate does not predict (rank correlation {found['correlation']:.2f}, "
                f"ceiling {found['ceiling']:.2f})"
            )
        entry = self.set_of(component, top, bottom)
        if not isinstance(entry.get("overlap"), int):
            raise InputError(f"{self.path}: a set of it has no overlap{AGAIN}")
        if entry["overlap"] < REPEATS * (top + bottom):
            return (
                f"the set does not repeat ({entry['overlap']} of {top + bottom} points shared "
                "by two halves of the models)"
            )
        return None


def predicts(agreement: Mapping[str, float]) -> bool:
    """Whether the margins of held-out subsets are surely predicted, and not by a trifle.

    `agreement` has the fields of `agreement.Agreement`, of which these are read: correlation,
    ci_low, ceiling.
    """
    enough: bool = agreement["correlation"] >= PREDICTS * agreement["ceiling"]
    return enough and agreement["ci_low"] > 0


def shipped_names() -> list[str]:
    """The estimates that come with the project."""
    return sorted(path.name.removesuffix(SUFFIX) for path in SHIPPED.glob(f"*{SUFFIX}"))


def shipped_path(name: str) -> Path:
    """The file of an estimate that comes with the project; InputError if there is none."""
    if name not in shipped_names():
        allowed = ", ".join(shipped_names()) or "none yet"
        raise InputError(f"there is no shipped estimate {name!r}; allowed: {allowed}")
    return SHIPPED / f"{name}{SUFFIX}"
