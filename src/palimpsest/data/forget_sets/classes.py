"""A forget set of whole classes: all training points of one class, or of several.

Class-wise forgetting, as in "Understanding Fine-tuning in Approximate Unlearning". Where a data set
has groups, these are the classes: the reviews that hold a keyword, in "Residual Feature Alignment".
"""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import InputError, SettingError
from palimpsest.values import Once, Some, Whole

NEEDS = ("labels",)
GIVES = ("whole_class",)


def choose(
    base: Split,
    estimate: Estimate | None,
    labels: np.ndarray | None,
    *,
    classes: Annotated[list[Whole], Some, Once],
) -> np.ndarray:
    """All training points of the `classes`, which are counted from 0.

    InputError for a class without training points, and where no other class is left.
    """
    if labels is None:
        raise ValueError("a forget set of whole classes needs the classes of the data set")
    own = labels[base.train]
    for number in classes:
        if number not in own:
            there = ", ".join(map(str, np.unique(own)))
            raise InputError(
                f"classes names {number}, of which the training set has no point; allowed: {there}"
            )
    chosen = np.isin(own, classes)
    if chosen.all():
        raise InputError(
            f"classes names {', '.join(map(str, classes))}, and the training set has no other; "
            "needed: a class that is left"
        )
    return base.train[chosen]


def alike(
    base: Split, labels: np.ndarray, *, classes: Annotated[list[Whole], Some, Once]
) -> np.ndarray:
    """All validation points of the `classes`."""
    return base.val[np.isin(labels[base.val], classes)]


def points(settings: Mapping[str, Any]) -> None:
    """The definition does not tell."""


def check(settings: Mapping[str, Any], train: int, classes: int) -> None:
    """SettingError for a class that the data set has not, and where none is left."""
    for number in settings["classes"]:
        if number >= classes:
            raise SettingError("classes", f"names {number}", f"classes 0 to {classes - 1}")
    if len(settings["classes"]) >= classes:
        found = f"names all {classes} classes, the whole training set"
        raise SettingError("classes", found, f"at most {classes - 1} of them")
