"""The plane of KLoM: forget set against validation or retain set, one point per setting.

After Figures 1, 3, 6 and 7 of "Ascent Fails to Forget". Ours adds the null floor (what an oracle
population scores against another, finite-sample bias), the intervals over models, the control of
learning rate 0, and the two ways of BatchNorm.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from palimpsest.plots.style import (
    INK,
    SPLIT_NAMES,
    cost_colours,
    figure_style,
    forget_set_name,
    method_markers,
    method_name,
    start_figure,
)

_COLUMNS = 3
_SIZE = 26.0  # area of a marker, in square points
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
    percentile: float = 95,
) -> Figure:
    """Points of `settings` (see `tables.by_setting`) in panels of one common scale.

    Up to three forget sets have a column each and the methods a row each; one forget set has a
    panel per method; more than three have one panel each, in which the methods share the space.
    The axes are square-root scales: they start at 0, and the small scores have room. ValueError
    for a forget set or a method without a row.
    """
    for forget_set in forget_sets:
        if forget_set not in set(settings["forget_set"]):
            raise ValueError(f"forget set {forget_set} is not in the table of KLoM")
    for method in methods:
        if method not in set(settings["method"]):
            raise ValueError(f"method {method} is not in the table of KLoM")
    chosen = settings[
        settings["forget_set"].isin(forget_sets) & settings["method"].isin([*methods, "nothing"])
    ]
    panels, rows, columns = _panels(list(forget_sets), list(methods))
    limits = {side: axis_limit(chosen, side) for side in ("forget", against)}
    points = chosen[chosen["method"] != "nothing"]
    costs = points.loc[points["relative_cost"] > 0, "relative_cost"]
    least, most = (costs.min(), costs.max()) if len(costs) else (0.1, 1.0)
    norm = LogNorm(least, most if most > least else least * 10)
    with figure_style():
        markers = method_markers(methods)
        width = 2.45 * max(columns, 2) + 1.3
        handles = _legend_handles(points, markers)
        figure, top = start_figure(width, 2.3 * rows + 0.85, handles, note)
        axes = top.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, ax in enumerate(axes.flat):
            if place >= len(panels):
                ax.set_visible(False)
                continue
            forget_set, shown = panels[place]
            panel = chosen[chosen["forget_set"] == forget_set]
            panel = panel[panel["method"].isin([*shown, "nothing"])]
            _draw_panel(ax, panel, against, markers, norm, limits)
            _name_panel(ax, panel, forget_set, shown, len(methods))
            if place + columns >= len(panels):
                ax.tick_params(labelbottom=True)
        top.supxlabel(f"KLoM of the {SPLIT_NAMES['forget']} (p{percentile:g}, nats)", fontsize=9)
        top.supylabel(f"KLoM of the {SPLIT_NAMES[against]} (p{percentile:g}, nats)", fontsize=9)
        top.suptitle(title)
        colours = ScalarMappable(norm, cost_colours())
        bar = top.colorbar(colours, ax=axes, shrink=min(1.0, 1.6 / rows), aspect=22)
        bar.set_label("cost in trainings of one oracle")
        bar.outline.set_visible(False)
    return figure


def _panels(
    forget_sets: list[str], methods: list[str]
) -> tuple[list[tuple[str, list[str]]], int, int]:
    """What each panel shows, row by row, with the number of rows and of columns."""
    if len(forget_sets) == 1:
        columns = min(len(methods), _COLUMNS)
        shown = [(forget_sets[0], [method]) for method in methods]
    elif len(forget_sets) <= _COLUMNS:
        columns = len(forget_sets)
        shown = [(name, [method]) for method in methods for name in forget_sets]
    else:
        columns = _COLUMNS
        shown = [(name, methods) for name in forget_sets]
    return shown, math.ceil(len(shown) / columns), columns


def axis_limit(settings: pd.DataFrame, split: str) -> float:
    """The end of an axis: all scores fit; an interval may leave it."""
    values = settings[[f"{split}_score", f"{split}_null"]].to_numpy(dtype=float)
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


def _draw_panel(
    ax: Axes,
    panel: pd.DataFrame,
    against: str,
    markers: dict[str, str],
    norm: LogNorm,
    limits: dict[str, float],
) -> None:
    square_root_axes(ax, limits["forget"], limits[against])
    draw_floor(ax, panel["forget_null"].median(), panel[f"{against}_null"].median())
    # a score that is not a number stands at the end of its axis, under a cross
    x = panel["forget_score"].fillna(limits["forget"] / 1.05)
    y = panel[f"{against}_score"].fillna(limits[against] / 1.05)
    for axis_points, low, high, across in (
        ("x", panel["forget_low"], panel["forget_high"], x),
        ("y", panel[f"{against}_low"], panel[f"{against}_high"], y),
    ):
        reach = np.array([across - low, high - across]).clip(min=0)
        ax.errorbar(
            x, y, **{f"{axis_points}err": np.nan_to_num(reach)}, fmt="none", ecolor="0.72",
            elinewidth=0.5, zorder=2,
        )  # fmt: skip
    frozen = panel["batch_norm"].eq("frozen") if "batch_norm" in panel else panel["control"] & False
    own = (panel["method"] != "nothing") & ~panel["control"]
    colours = cost_colours()(norm(panel["relative_cost"].clip(lower=norm.vmin)))
    for method, marker in markers.items():
        for hollow in (False, True):
            of = (own & panel["method"].eq(method) & (frozen == hollow)).to_numpy()
            ax.scatter(
                x[of], y[of], marker=marker, s=_SIZE, color="white" if hollow else colours[of],
                edgecolor=colours[of] if hollow else INK, lw=1.0 if hollow else 0.35, zorder=4,
            )  # fmt: skip
    of = panel["control"]
    ax.scatter(x[of], y[of], marker="P", s=_SIZE, color="white", edgecolor=INK, lw=0.8, zorder=5)
    of = panel["diverged"]
    ax.scatter(x[of], y[of], marker="x", s=1.5 * _SIZE, color=INK, lw=0.9, zorder=6, clip_on=False)
    for at in zip(x[panel["method"] == "nothing"], y[panel["method"] == "nothing"], strict=True):
        draw_original(ax, *at)
    draw_oracle(ax)


def _name_panel(
    ax: Axes, panel: pd.DataFrame, forget_set: str, shown: list[str], methods: int
) -> None:
    title = forget_set_name(forget_set)
    if len(shown) < methods or methods == 1:
        title = f"{method_name(shown[0])}: {title}"
    ax.set_title(title)
    if diverged := int(panel["diverged"].sum()):
        ax.text(0.98, 0.03, f"× {diverged} diverged", transform=ax.transAxes, ha="right",
                fontsize=7, color=INK)  # fmt: skip


def draw_floor(ax: Axes, x: float, y: float) -> None:
    """The null floor of both axes: dashed lines, and a shaded corner below both."""
    ax.add_patch(Rectangle((0, 0), x, y, color=_FLOOR_SHADE, lw=0, zorder=0.5))
    ax.axvline(x, color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1.5)
    ax.axhline(y, color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1.5)


def draw_original(ax: Axes, x: float, y: float) -> None:
    """The original population: the paper's circle."""
    ax.scatter(x, y, marker="o", s=3.4 * _SIZE, color="none", edgecolor="white", lw=3, zorder=6)
    ax.scatter(x, y, marker="o", s=3.4 * _SIZE, color="none", edgecolor=INK, lw=1.5, zorder=6.1)


def draw_oracle(ax: Axes) -> None:
    """The oracle against itself: the paper's star, at 0."""
    ax.scatter(0, 0, marker="*", s=4 * _SIZE, color=INK, edgecolor="white", lw=0.6, zorder=7,
               clip_on=False)  # fmt: skip


def _legend_handles(points: pd.DataFrame, markers: dict[str, str]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        point_handle(method_name(name), marker) for name, marker in markers.items()
    ]
    if "batch_norm" in points and "frozen" in set(points["batch_norm"]):
        handles.append(point_handle("BatchNorm frozen", "^", face="white"))
    if points["control"].any():
        handles.append(point_handle("control, rate 0", "P", face="white", edge=INK))
    if points["diverged"].any():
        handles.append(point_handle("diverged", "x", edge=INK))
    return handles + reference_handles()


def reference_handles() -> list[Line2D | Patch]:
    """Legend entries of what every plane shows besides its points."""
    return [
        Line2D([], [], ls="", marker="o", ms=8.5, mfc="none", mec=INK, mew=1.5, label="original"),
        Line2D([], [], ls="", marker="*", ms=9, mfc=INK, mec="white", label="oracle (at 0)"),
        Patch(facecolor=_FLOOR_SHADE, edgecolor=INK, ls="--", lw=0.8, label="null floor"),
        Line2D([], [], color="0.6", lw=0.8, label="95 % interval"),
    ]


def point_handle(label: str, marker: str, face: str = "0.45", edge: str = "0.45") -> Line2D:
    """A legend entry of one marker."""
    return Line2D([], [], ls="", marker=marker, ms=5.5, mfc=face, mec=edge, label=label)


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(values, 0, None))
