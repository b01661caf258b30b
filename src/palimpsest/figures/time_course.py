"""The illusion that ascent forgets: one method's path through the plane, and its time course.

After Figure 2 of "Ascent Fails to Forget". Here a colour and a marker stand for a learning rate
in all panels, so that a path on the left is found again on the right.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.figures.klom_plane import (
    axis_limit,
    draw_floor,
    draw_oracle,
    draw_original,
    point_handle,
    reference_handles,
    square_root_axes,
    square_root_y,
)
from palimpsest.plots.style import (
    INK,
    cost_colours,
    figure_style,
    forget_set_name,
    method_name,
    start_figure,
)
from palimpsest.tables import SPLITS

_MARKERS = ("s", "^", "D", "v", "p", "<", "h", ">", "8", "d")
_BATCH_NORMS = {"train": "BatchNorm in train mode", "frozen": "BatchNorm frozen"}


def draw_illusion(
    settings: pd.DataFrame,
    forget_set: str,
    *,
    method: str = "ga",
    title: str = "",
    note: str = "",
    percentile: float = 95,
) -> Figure:
    """Figure 2 for the points of `settings` (see `tables.by_setting`).

    Left, forget set against validation set: dashed paths join the epochs of one learning rate,
    beginning at the original. Right, epochs (0 is the original) against the mean of the scores of
    forget, retain and validation set, one panel for each way of BatchNorm. The bars on the right
    are means of the ends of the three intervals, so they are too long rather than too short.
    ValueError if the table has no rows of the method and of the original on this forget set.
    """
    chosen = settings[settings["forget_set"] == forget_set]
    original = chosen[chosen["method"] == "nothing"]
    points = chosen[chosen["method"] == method]
    if points.empty or len(original) != 1 or not {"lr", "epochs"} <= set(points):
        raise ValueError(
            f"the table of KLoM needs method {method}, with learning rates and epochs, and one "
            f"row of method nothing on forget set {forget_set}"
        )
    if "batch_norm" not in points:
        points = points.assign(batch_norm="train")
    points = points.assign(batch_norm=points["batch_norm"].fillna("train"))
    start: dict[str, Any] = original.iloc[0].to_dict()
    ways = [way for way in _BATCH_NORMS if way in set(points["batch_norm"])]
    looks = _looks(points)
    with figure_style():
        figure, top = start_figure(3.1 * (1 + len(ways)), 3.5, _handles(points, looks), note)
        axes = top.subplots(1, 1 + len(ways), squeeze=False)[0]
        _draw_paths(axes[0], points, start, looks, percentile)
        upper = 1.08 * float(np.nanmax([start["worst_score"] / 2, *_mean(points, "score")]))
        for ax, way in zip(axes[1:], ways, strict=True):
            _draw_time_course(ax, points[points["batch_norm"] == way], start, looks)
            square_root_y(ax, upper)
            ax.set_title(_BATCH_NORMS[way])
        axes[1].set_ylabel("mean KLoM of forget, retain\nand validation set (nats)")
        top.suptitle(title or f"{method_name(method)}: {forget_set_name(forget_set)}")
    return figure


def _looks(points: pd.DataFrame) -> dict[float, dict[str, Any]]:
    """Colour and marker of each learning rate; the control is drawn in ink."""
    rates = sorted(rate for rate in points["lr"].unique() if rate > 0)
    shades = cost_colours()(np.linspace(0, 1, max(len(rates), 2)))
    looks: dict[float, dict[str, Any]] = {
        rate: {"color": shades[i], "marker": _MARKERS[i % len(_MARKERS)]}
        for i, rate in enumerate(rates)
    }
    return looks | {0.0: {"color": INK, "marker": "P", "mfc": "white"}}


def _paths(points: pd.DataFrame) -> Iterator[tuple[float, pd.DataFrame]]:
    """The settings that differ only in their epochs, in order of these, with their rate."""
    keys = [name for name in ("lr", "forget_batch", "retain_batch", "batch_norm", "ascent_epochs")
            if name in points]  # fmt: skip
    for _, path in points.groupby(keys, dropna=False):
        yield float(path["lr"].iloc[0]), path.sort_values("epochs")


def _draw_paths(
    ax: Axes,
    points: pd.DataFrame,
    start: dict[str, Any],
    looks: dict[float, dict[str, Any]],
    percentile: float,
) -> None:
    both = pd.concat([points, pd.DataFrame([start])])
    limits = axis_limit(both, "forget"), axis_limit(both, "val")
    square_root_axes(ax, *limits)
    draw_floor(ax, start["forget_null"], start["val_null"])
    for rate, path in _paths(points):
        x = np.append(start["forget_score"], path["forget_score"].fillna(limits[0] / 1.05))
        y = np.append(start["val_score"], path["val_score"].fillna(limits[1] / 1.05))
        look = looks[rate]
        frozen = path["batch_norm"].iloc[0] == "frozen"
        face = "white" if frozen else look.get("mfc", look["color"])
        ax.plot(x, y, ls="--", lw=0.8, color=look["color"], zorder=3)
        ax.plot(
            x[1:], y[1:], ls="", marker=look["marker"], ms=5, zorder=4, mfc=face,
            mec=INK if face is look["color"] else look["color"],
            mew=0.35 if face is look["color"] else 1.0,
        )  # fmt: skip
        wrong = path["diverged"].to_numpy()
        ax.plot(x[1:][wrong], y[1:][wrong], "x", color=INK, ms=6, mew=0.9, zorder=6)
    draw_original(ax, start["forget_score"], start["val_score"])
    draw_oracle(ax)
    ax.set_xlabel(f"KLoM of the forget set (p{percentile:g}, nats)")
    ax.set_ylabel(f"KLoM of the validation set (p{percentile:g}, nats)")
    ax.set_title("paths from the original")


def _draw_time_course(
    ax: Axes, points: pd.DataFrame, start: dict[str, Any], looks: dict[float, dict[str, Any]]
) -> None:
    beginning = pd.DataFrame([start]).assign(epochs=0, diverged=False)
    ax.axhspan(0, float(_mean(beginning, "null")[0]), color="0.88", lw=0, zorder=0.5)
    ax.axhline(float(_mean(beginning, "null")[0]), color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1.5)
    for rate, path in _paths(points):
        line = pd.concat([beginning, path], ignore_index=True)
        mean, low, high = (_mean(line, end) for end in ("score", "low", "high"))
        reach = np.array([mean - low, high - mean]).clip(min=0)
        ax.errorbar(line["epochs"], mean, yerr=reach, fmt="none", ecolor="0.75", elinewidth=0.7)
        ax.plot(line["epochs"], mean, lw=1.3, ls=":" if rate == 0 else "-", ms=5, mew=0.6,
                mec="white" if rate else INK, zorder=3, **looks[rate])  # fmt: skip
        wrong = line[line["diverged"]]
        ax.plot(wrong["epochs"], _mean(wrong, "score"), "x", color=INK, ms=6, mew=0.9, zorder=6)
    ax.plot(0, _mean(beginning, "score"), "o", ms=9, mfc="none", mec=INK, mew=1.5, zorder=6,
            clip_on=False)  # fmt: skip
    ax.set_xlabel("epochs of unlearning")
    ax.set_xticks([0, *sorted(points["epochs"].unique())])
    ax.set_xlim(left=0)


def _mean(points: pd.DataFrame, end: str) -> np.ndarray:
    """Mean over the splits of `score`, `low`, `high` or `null`, shape (settings,)."""
    return points[[f"{split}_{end}" for split in SPLITS]].mean(axis=1, skipna=False).to_numpy()


def _handles(points: pd.DataFrame, looks: dict[float, dict[str, Any]]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], lw=1.3, ms=5, label=f"rate {rate:g}", **look)
        for rate, look in looks.items()
        if rate > 0
    ]
    if points["control"].any():
        handles.append(Line2D([], [], lw=1.3, ls=":", ms=5, label="control, rate 0", **looks[0.0]))
    if "frozen" in set(points["batch_norm"]):
        handles.append(point_handle("BatchNorm frozen", "^", face="white"))
    if points["diverged"].any():
        handles.append(point_handle("diverged", "x", edge=INK))
    return handles + reference_handles()
