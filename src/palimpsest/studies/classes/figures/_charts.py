"""What the figures of the study share: names, looks, and means over classes with intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from palimpsest.intervals import interval
from palimpsest.plots.style import INK, point_handle
from palimpsest.studies.classes.trials import ORACLE, QUANTITIES, class_means

AXIS_NAMES = {
    "UA": "UA (%)", "RA": "RA (%)", "MIA": "MIA-efficacy (%)", "TA": "TA (%)",
}  # fmt: skip
MEANINGS = {
    "UA": "wrong on the forget set", "RA": "right on the retain set",
    "MIA": "forget set called non-members", "TA": "right on the test set",
}  # fmt: skip
QUANTITY_MARKERS = {"UA": "^", "RA": "s", "MIA": "D", "TA": "v"}
METHODS = ("oracle", "nothing", "ft", "sparse_ft", "ce_ft", "ice_ft", "kl_ft", "zero_row",
           "random_labels")  # fmt: skip
"""the order in which methods are shown; any other stands behind them"""


def over_classes(
    trials: pd.DataFrame, quantities: Sequence[str] = QUANTITIES, keys: Sequence[str] = ()
) -> pd.DataFrame:
    """A row for each variant and quantity: method, `keys`, `mean` over classes, its 95 % interval
    `low`, `high` (NaN for one class), `classes` with the `least` and `most` of them, and the trials
    that `diverged`.

    Methods stand in the order of METHODS, that of the plain setting first.
    """
    means, rows = class_means(trials, quantities), []
    for variant, own in trials.groupby("variant", sort=False):
        about = {"variant": variant, **own.iloc[0][["method", *keys]]}
        for quantity in quantities:
            values = means.loc[variant, quantity].dropna().to_numpy()
            mean, _, half, _ = interval(values) if len(values) else (np.nan, 0, np.nan, 0)
            rows.append({
                **about, "quantity": quantity, "mean": mean, "low": mean - half,
                "high": mean + half, "classes": len(values),
                "least": values.min() if len(values) else np.nan,
                "most": values.max() if len(values) else np.nan,
                "diverged": int(own["diverged"].sum()),
            })  # fmt: skip
    places = {name: place for place, name in enumerate(METHODS)}
    order = [
        (places.get(row["method"], len(METHODS)), row["method"], len(row["variant"].split(" + ")))
        for row in rows
    ]
    chosen = sorted(range(len(rows)), key=order.__getitem__)
    return pd.DataFrame([rows[place] for place in chosen])


def plain(trials: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """The trials of some methods in which nothing is prepared, and those of the oracles."""
    own = trials[trials["method"].isin([*methods, "oracle"])]
    return own[own["prepare"].isna()] if "prepare" in own else own


def oracle_means(trials: pd.DataFrame, quantities: Sequence[str] = QUANTITIES) -> pd.Series:
    """The oracles' mean over classes of each quantity."""
    return class_means(trials, quantities).loc[ORACLE].mean()


def reference_handle() -> Line2D:
    """The legend entry of the oracles' line."""
    return Line2D([], [], color=INK, lw=1.0, ls="--", label=ORACLE)


def spread_handles(*, diverged: bool, intervals: bool) -> list[Line2D]:
    """Legend entries of the classes, of the intervals if there are any, and of the diverged."""
    handles = [point_handle("one class", "o", face="0.75", edge="0.75")]
    handles[0].set_markersize(3.5)
    if intervals:
        handles.append(Line2D([], [], color="0.55", lw=0.8, label="95 % interval"))
    if diverged:
        handles.append(point_handle("some diverged", "x", edge=INK))
    return handles
