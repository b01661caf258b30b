"""The plane of KLoM: forget set against validation or retain set, one point per setting.

After Figures 1, 3, 6 and 7 of "Ascent Fails to Forget". Ours adds the null floor (what an oracle
population scores against another, finite-sample bias), the intervals over models, the control of
learning rate 0, and the two ways of BatchNorm.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from palimpsest.data.splits import PARTS
from palimpsest.plots.style import (
    INK,
    SIZE,
    SPLIT_NAMES,
    cost_colours,
    facets,
    figure_style,
    forget_set_name,
    hollow,
    method_markers,
    method_name,
    point_handle,
    start_figure,
)

_COLUMNS = 3
_DASHES = (0, (4, 3))
_FLOOR_SHADE = "0.88"
_TICKS = (0, 1, 2, 4, 8, 12, 24, 48)


def draw_klom_planes(
    settings: pd.DataFrame,
    forget_sets: Sequence[str],
    methods: Sequence[str],
    *,
    against: str = "val",
    title: str = "",
    note: str = "",
    markers: Mapping[str, str] | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Points of `settings` (see `tables.by_setting`) in panels of one common scale, and the points.

    Up to three forget sets have a column each and the methods a row each; one forget set has a
    panel per method; more than three have one panel each, in which the methods share the space.
    The axes are square-root scales: they start at 0, and the small scores have room. `markers`
    overrides those of `method_markers`. ValueError for a forget set or a method without a row.
    """
    if not forget_sets or not methods:
        raise ValueError("a plane of KLoM needs at least one forget set and one method")
    for forget_set in forget_sets:
        if forget_set not in set(settings["forget_set"]):
            raise ValueError(f"forget set {forget_set} is not in the table of KLoM")
    for method in methods:
        if method not in set(settings["method"]):
            raise ValueError(f"method {method} is not in the table of KLoM")
    chosen = settings[
        settings["forget_set"].isin(forget_sets) & settings["method"].isin([*methods, "nothing"])
    ]
    panels = _panels(list(forget_sets), list(methods))
    columns = min(len(forget_sets) if len(forget_sets) > 1 else len(methods), _COLUMNS)
    limits = axis_limit(chosen, "forget"), axis_limit(chosen, against)
    costs = chosen.loc[chosen["relative_cost"] > 0, "relative_cost"]
    least, most = (costs.min(), costs.max()) if len(costs) else (0.1, 1.0)
    norm = LogNorm(least, most if most > least else least * 10)
    looks = {name: method_markers(settings["method"], markers)[name] for name in methods}
    percentile = f"p{chosen['percentile'].iloc[0]:g}, nats"
    rows = -(-len(panels) // columns)
    with figure_style():
        width = 2.45 * max(columns, 2) + 1.3
        figure, top = start_figure(width, 2.3 * rows + 0.85, _handles(chosen, looks), note)
        axes = facets(top, len(panels), columns)
        for ax, (forget_set, shown) in zip(axes, panels, strict=True):
            square_root_axes(ax, *limits)
            panel = chosen[chosen["forget_set"] == forget_set]
            panel = panel[panel["method"].isin([*shown, "nothing"])]
            _draw_panel(ax, panel, against, looks, norm, limits)
            name = forget_set_name(forget_set)
            ax.set_title(f"{method_name(shown[0])}: {name}" if len(shown) == 1 else name)
        top.supxlabel(f"KLoM of the {SPLIT_NAMES['forget']} ({percentile})", fontsize=9)
        top.supylabel(f"KLoM of the {SPLIT_NAMES[against]} ({percentile})", fontsize=9)
        top.suptitle(title)
        colours = ScalarMappable(norm, cost_colours())
        bar = top.colorbar(colours, ax=axes, shrink=min(1.0, 1.6 / rows), aspect=22)
        bar.set_label("cost in trainings of one oracle")
        bar.outline.set_visible(False)
    unseen = tuple(f"{split}_" for split in PARTS if split not in ("forget", against))
    return figure, chosen[[name for name in chosen if not str(name).startswith(unseen)]]


def _panels(forget_sets: list[str], methods: list[str]) -> list[tuple[str, list[str]]]:
    """The forget set and the methods of each panel, row by row."""
    if len(forget_sets) <= _COLUMNS:
        return [(name, [method]) for method in methods for name in forget_sets]
    return [(name, methods) for name in forget_sets]


def axis_limit(settings: pd.DataFrame, split: str) -> float:
    """The end of an axis: all scores fit; an interval may leave it."""
    values = settings[[f"{split}_klom", f"{split}_null"]].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    return 1.12 * float(finite.max()) if len(finite) and finite.max() > 0 else 1.0


def square_root_axes(ax: Axes, x_limit: float, y_limit: float) -> None:
    """Scales that start at 0 and grow as the square root."""
    ax.set_xscale("function", functions=(_root, np.square))
    ax.set_xticks([tick for tick in _TICKS if tick <= x_limit])
    ax.set_xlim(0, x_limit)
    square_root_y(ax, y_limit)


def square_root_y(ax: Axes, limit: float) -> None:
    """A vertical scale that starts at 0 and grows as the square root."""
    ax.set_yscale("function", functions=(_root, np.square))
    ax.set_yticks([tick for tick in _TICKS if tick <= limit])
    ax.set_ylim(0, limit)


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(values, 0, None))


def _draw_panel(
    ax: Axes,
    panel: pd.DataFrame,
    against: str,
    markers: Mapping[str, str],
    norm: LogNorm,
    limits: tuple[float, float],
) -> None:
    draw_floor(ax, panel["forget_null"].median(), panel[f"{against}_null"].median())
    # a score that is not a number stands at the end of its axis, under a cross
    placed = panel.assign(
        x=panel["forget_klom"].fillna(limits[0] / 1.05),
        y=panel[f"{against}_klom"].fillna(limits[1] / 1.05),
        relative_cost=panel["relative_cost"].clip(lower=norm.vmin),
    )
    for axis, split in (("x", "forget"), ("y", against)):
        draw_intervals(ax, placed, panel[f"{split}_low"], panel[f"{split}_high"], axis)
    original, control = placed["method"] == "nothing", placed["control"]
    frozen = placed["batch_norm"].eq("frozen") if "batch_norm" in placed else control & False
    for chosen, empty in ((~frozen, False), (frozen, True)):
        points = placed[chosen & ~original & ~control]
        if len(points):
            sns.scatterplot(
                points, x="x", y="y", hue="relative_cost", hue_norm=norm, palette=cost_colours(),
                style="method", markers=markers, s=SIZE, edgecolor=INK, linewidth=0.35, ax=ax,
                legend=False, zorder=4,
            )  # fmt: skip
            if empty:
                hollow(ax)
    at = placed[control]
    ax.scatter(at["x"], at["y"], marker="P", s=SIZE, color="white", ec=INK, lw=0.8, zorder=5)
    mark_diverged(ax, placed)
    for x, y in placed.loc[original, ["x", "y"]].to_numpy():
        draw_original(ax, x, y)
    draw_oracle(ax)
    ax.set(xlabel="", ylabel="")
    if diverged := int(panel["diverged"].sum()):
        ax.text(0.98, 0.03, f"× {diverged} diverged", transform=ax.transAxes, ha="right",
                fontsize=7, color=INK)  # fmt: skip


def draw_intervals(
    ax: Axes, points: pd.DataFrame, low: pd.Series, high: pd.Series, axis: str
) -> None:
    """Bars from `low` to `high` along `axis` ("x" or "y") through `points` (columns x, y)."""
    reach = np.array([points[axis] - low, high - points[axis]]).clip(min=0)
    ax.errorbar(
        points["x"], points["y"], **{f"{axis}err": np.nan_to_num(reach)}, fmt="none",
        ecolor="0.72", elinewidth=0.5, zorder=2,
    )  # fmt: skip


def mark_diverged(ax: Axes, points: pd.DataFrame) -> None:
    """A cross on those of `points` (columns x, y, diverged) that have diverged models."""
    at = points[points["diverged"]]
    ax.scatter(at["x"], at["y"], marker="x", s=1.5 * SIZE, color=INK, lw=0.9, zorder=6,
               clip_on=False)  # fmt: skip


def draw_floor(ax: Axes, x: float, y: float) -> None:
    """The null floor of both axes: dashed lines, and a shaded corner below both."""
    ax.add_patch(Rectangle((0, 0), x, y, color=_FLOOR_SHADE, lw=0, zorder=0.5))
    ax.axvline(x, color=INK, lw=0.8, ls=_DASHES, zorder=1.5)
    ax.axhline(y, color=INK, lw=0.8, ls=_DASHES, zorder=1.5)


def draw_original(ax: Axes, x: float, y: float) -> None:
    """The original population: the paper's circle."""
    for edge, width in (("white", 3), (INK, 1.5)):
        ax.scatter(x, y, marker="o", s=3.4 * SIZE, color="none", edgecolor=edge, lw=width,
                   zorder=6, clip_on=False)  # fmt: skip


def draw_oracle(ax: Axes, x: float = 0) -> None:
    """The oracle against itself: the paper's star, at 0."""
    ax.scatter(x, 0, marker="*", s=4 * SIZE, color=INK, edgecolor="white", lw=0.6, zorder=7,
               clip_on=False)  # fmt: skip


def _handles(settings: pd.DataFrame, markers: Mapping[str, str]) -> list[Line2D | Patch]:
    own = [point_handle(method_name(name), marker) for name, marker in markers.items()]
    return [*own, *mark_handles(settings), *reference_handles()]


def mark_handles(settings: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the marks that some of the settings have."""
    handles = []
    if "batch_norm" in settings and "frozen" in set(settings["batch_norm"]):
        handles.append(point_handle("BatchNorm frozen", "^", face="white"))
    if settings["control"].any():
        handles.append(point_handle("control, rate 0", "P", face="white", edge=INK))
    if settings["diverged"].any():
        handles.append(point_handle("diverged", "x", edge=INK))
    return handles


def reference_handles() -> list[Line2D | Patch]:
    """Legend entries of what every plane shows besides its points."""
    return [
        Line2D([], [], ls="", marker="o", ms=8.5, mfc="none", mec=INK, mew=1.5, label="original"),
        Line2D([], [], ls="", marker="*", ms=9, mfc=INK, mec="white", label="oracle (at 0)"),
        Patch(facecolor=_FLOOR_SHADE, edgecolor=INK, ls="--", lw=0.8, label="null floor"),
        Line2D([], [], color="0.6", lw=0.8, label="95 % interval"),
    ]
