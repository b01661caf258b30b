"""What files are of: a kind of models, and the split that they belong to.

Records, weights, costs and references carry it, and whoever reads one says what is needed: so
nothing is taken for what it is not, or scored against the oracles of another forget set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.files import AGAIN, InputError, checksum_of

OF = "of"
"""the name, in a file, of what it is of"""
Kind = Literal["original", "subset", "oracle", "unlearned"]
"""trained on the training set, on random subsets of it, on a retain set; originals, put through a
method"""


@dataclass(frozen=True)
class Population:
    """Models of one kind.

    Args:
        split: checksum of the split that they belong to; of originals, from which every forget set
            is unlearned, and of models of subsets that of the training set.
        method: what unlearned them.
        settings: of unlearned models the checksum of the settings, in their order.
    """

    kind: str
    split: str
    method: str = ""
    settings: str = ""

    @classmethod
    def of(cls, kind: Kind, split: Split, method: str = "") -> "Population":
        """The models of this kind that belong to a split."""
        whole = kind in ("original", "subset")
        return cls(kind, split.train_checksum if whole else split.checksum, method)

    @classmethod
    def trained_on(cls, split: Split) -> "Population":
        """The models that are trained on the retain set of a split."""
        return cls.of("oracle" if len(split.forget) else "original", split)

    @classmethod
    def unlearned(
        cls, split: Split, method: str, settings: Sequence[Mapping[str, Any]]
    ) -> "Population":
        """What a method makes of originals on a split in these settings."""
        return replace(cls.of("unlearned", split, method), settings=checksum_of(settings))

    @classmethod
    def read(cls, written: Any) -> "Population | None":
        """What `as_map` or `as_array` gave; None for anything else."""
        try:
            found = cls(**(dict(written.tolist()) if isinstance(written, np.ndarray) else written))
        except (TypeError, ValueError):
            return None
        return found if all(isinstance(value, str) for value in vars(found).values()) else None

    def as_map(self) -> dict[str, str]:
        """What it says, to be written down."""
        return {name: value for name, value in vars(self).items() if value}

    def as_array(self) -> np.ndarray:
        """The same, (entries, 2): names and values."""
        return np.array(list(self.as_map().items()))

    def __str__(self) -> str:
        short = self.split[:12]
        if self.kind == "original":
            return f"originals of the training set {short}"
        if self.kind == "subset":
            return f"models of subsets of the training set {short}"
        if self.kind == "oracle":
            return f"oracles of the split {short}"
        return f"models that {self.method or 'some method'} unlearned on the split {short}"

    def fits(self, needed: "Population") -> bool:
        """Whether it is what is needed, where that says something."""
        return all(vars(self)[name] == value for name, value in needed.as_map().items())


def check_population(found: Population | None, path: str | Path, *needed: Population) -> None:
    """InputError unless a file is of one of the populations that are `needed`."""
    wanted = " or ".join(map(str, needed))
    if found is None:
        raise InputError(f"{path}: does not say what models it is of; needed: {wanted}{AGAIN}")
    if not any(map(found.fits, needed)):
        raise InputError(f"{path}: is of {found}; needed: {wanted}")
