"""A forget set by a principal component of the datamodel matrix: the points that matter most.

"Ascent Fails to Forget", Section 3 and Appendix J. The points stand in an estimate, the run's own
or one that comes with the project (`datamodels.shipped`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import SettingError
from palimpsest.values import Count, Whole

NEEDS = ("estimate",)


def choose(
    base: Split,
    estimate: Estimate | None,
    labels: np.ndarray | None = None,
    *,
    component: Count,
    top: Whole,
    bottom: Whole,
) -> np.ndarray:
    """The `top` training points of highest projection on a component, and the `bottom` lowest.

    Components are counted from 1. InputError for an estimate of another split, or without the set.
    """
    if estimate is None:
        raise ValueError("a forget set by a principal component needs an estimate of a datamodel")
    return estimate.chosen(base, component, top, bottom)


def points(settings: Mapping[str, Any]) -> int:
    """How many points are chosen."""
    return int(settings["top"]) + int(settings["bottom"])


def check(settings: Mapping[str, Any], train: int, classes: int) -> None:
    """SettingError unless there are points to forget, some are left, and the component exists."""
    total, component = points(settings), settings["component"]
    allowed = f"at most {train - 1}, below the {train} training points"
    if total == 0:
        raise SettingError("top", "and bottom are 0", "together at least 1")
    if total >= train:
        raise SettingError("top", f"is {total} together with bottom", allowed)
    if component >= train:
        raise SettingError("component", f"is {component}", allowed)
