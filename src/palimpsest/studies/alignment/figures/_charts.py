"""What the figures of the study share: names, looks, and differences with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.intervals import interval
from palimpsest.plots.charts import draw_bars
from palimpsest.plots.style import INK, point_handle
from palimpsest.studies.alignment.results import ORACLE, QUALITY, apart, in_order

SUBSETS = ("D_r", "D_f", "D_t", "D_rt", "D_ft")
MARKERS = dict(zip(SUBSETS, ("s", "^", "v", "v", "D"), strict=True))
SUBSET_NAMES = {
    "D_r": "retained", "D_f": "forgotten", "D_t": "test", "D_rt": "test, other classes",
    "D_ft": "test, forgotten class",
}  # fmt: skip
SCENARIO_NAMES = {"sample": "sample unlearning", "class": "class unlearning"}
QUALITY_NAMES = {"accuracy": "accuracy (%)", "perplexity": "perplexity"}
LESS_NAMES = {
    "accuracy": f"accuracy less {ORACLE}'s\n(points)",
    "perplexity": f"perplexity beside {ORACLE}'s\n(100 log of the ratio)",
    "mia": f"called members, less {ORACLE}'s\n(points)",
}
_TICKS = {3: (0, 1, 2), 10: (0, 1, 3), 30: (0, 1, 3, 10), np.inf: (0, 1, 10, 100, 1000)}
"""how far an axis of points reaches, at most -> its ticks"""
_SHADE = "0.92"


def subset_name(subset: str) -> str:
    """A subset as the paper writes it: `D_rt` in mathematical type."""
    letter, _, index = subset.partition("_")
    return f"${letter}_{{{index}}}$"


def subset_colours() -> dict[str, tuple[float, float, float]]:
    """A colour for each subset; the test points of both scenarios share theirs."""
    blue, orange, green, _, purple = sns.color_palette()[:5]
    return dict(zip(SUBSETS, (blue, orange, green, green, purple), strict=True))


def quality_in(values: pd.DataFrame) -> str:
    """`accuracy` or `perplexity`, whichever there is."""
    return next(name for name in QUALITY if (values["quantity"] == name).any())


def paired(values: pd.DataFrame, keys: Sequence[str] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Differences from retraining: of each method (and `keys`), subset and quantity the mean with
    its 95 % interval `low`, `high`, and how many models `diverged`; and of every model.

    In points of percent (accuracy, membership), of perplexities 100 times the logarithm of the
    ratio, of distances as they are.
    """
    found = values.assign(difference=apart(values, logarithm=True))
    points = found["quantity"].str.startswith("mia")
    found["difference"] = found["difference"].where(~points, 100 * found["difference"])
    rows = []
    grouped = ["scenario", "method", *keys, "subset", "quantity"]
    for names, own in found.groupby(grouped, dropna=False, sort=False):
        finite = own["difference"][np.isfinite(own["difference"])].to_numpy()
        mean, _, half, _ = interval(finite)
        rows.append(dict(zip(grouped, names, strict=True)) | {
            "mean": mean if len(finite) else np.nan, "low": mean - half, "high": mean + half,
            "models": len(own), "diverged": len(own) - len(finite),
        })  # fmt: skip
    return in_order(pd.DataFrame(rows)), found[np.isfinite(found["difference"])]


def points_axis(ax: Axes, values: Sequence[float] | np.ndarray) -> None:
    """A horizontal scale that is linear up to one point and logarithmic beyond, about 0."""
    ax.set_xscale("symlog", linthresh=1.0, linscale=0.6)
    finite = np.abs(np.asarray(values, dtype=float))
    reach = float(np.max(finite[np.isfinite(finite)], initial=1.0)) * 1.4
    low = -reach if np.nanmin(values, initial=0.0) < -0.5 else -1.4
    high = reach if np.nanmax(values, initial=0.0) > 0.5 else 1.4
    ax.set_xlim(low, high)
    ticks = next(ticks for most, ticks in _TICKS.items() if reach <= most)
    both = {sign * tick for tick in ticks for sign in (-1, 1)}
    shown = sorted(tick for tick in both if low <= tick <= high)
    ax.set_xticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()


def draw_dots(
    ax: Axes, table: pd.DataFrame, models: pd.DataFrame, places: Mapping[str, float], key: str,
    colour: tuple[float, float, float] | str, marker: str = "o",
) -> None:  # fmt: skip
    """A row for each name of `key`: mean with its interval, and small dots for the models."""
    ax.scatter(models["difference"], models[key].map(places), s=7, color="0.72", lw=0, zorder=2)
    there = table[table["mean"].notna()]
    y = there[key].map(places)
    draw_bars(ax, there["mean"], y, there, "x", colour=INK)
    ax.scatter(there["mean"], y, s=28, marker=marker, color=colour, ec=INK, lw=0.5, zorder=4)
    ax.axvline(0, color=INK, lw=1.0, ls="--", zorder=1.5)
    ax.grid(axis="y", visible=False)


def shade(ax: Axes, margin: float) -> None:
    """The band of differences that count as none."""
    ax.axvspan(-margin, margin, color=_SHADE, lw=0, zorder=0.5)


def shade_handle(margin: float) -> Patch:
    return Patch(facecolor=_SHADE, edgecolor="0.8", label=f"within {margin:g} points")


def dot_handles(mean: str = "mean over models") -> list[Line2D]:
    """Legend entries of `draw_dots`."""
    model = point_handle("one model", "o", face="0.72", edge="0.72")
    model.set_markersize(3.5)
    return [
        point_handle(mean, "o", face=sns.color_palette()[0], edge=INK),
        model,
        Line2D([], [], color=INK, lw=0.8, label="95 % interval"),
        Line2D([], [], color=INK, lw=1.0, ls="--", label=ORACLE),
    ]


def named(method: str, table: pd.DataFrame) -> str:
    """A row's name, with how many of its models diverged where some did."""
    lost = int(table.loc[table["method"] == method, "diverged"].max())
    return f"{method} ({lost} diverged)" if lost else method
