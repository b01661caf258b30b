"""Means with their intervals as points and bars: what the charts of studies share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from palimpsest.plots.style import INK


def draw_bars(
    ax: Axes, x: pd.Series, y: pd.Series, bars: pd.DataFrame, axis: str, colour: Any = "0.55"
) -> None:
    """Intervals from `low` to `high` of `bars` through points, along `axis` ("x" or "y")."""
    middle = (x if axis == "x" else y).to_numpy(dtype=float)
    reach = np.array([middle - bars["low"], bars["high"] - middle])
    ax.errorbar(x, y, **{f"{axis}err": np.nan_to_num(reach)}, fmt="none", ecolor=colour,
                elinewidth=0.8, alpha=0.8, zorder=2.5)  # fmt: skip


def limits_of(
    values: Sequence[float] | pd.Series, room: float = 0.06, least: float = 1.0
) -> tuple[float, float]:
    """Limits in which all `values` fit, with room, at least `least`; intervals may leave them."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return -2.0, 102.0
    spare = max(least, room * float(np.ptp(finite)))
    return float(finite.min()) - spare, float(finite.max()) + spare


def mark_diverged(ax: Axes, x: pd.Series, y: pd.Series) -> None:
    """A cross on settings of which some model diverged."""
    ax.scatter(x, y, marker="x", s=38, color=INK, lw=1.1, zorder=6, clip_on=False)
