"""Figure 2: the illusion that ascent forgets, as paths through the plane and over the epochs.

A colour and a marker stand for a learning rate in all panels, so that a path on the left is found
again on the right.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.data.splits import PARTS
from palimpsest.plots.klom_plane import (
    axis_limit,
    draw_floor,
    draw_intervals,
    draw_oracle,
    draw_original,
    mark_diverged,
    mark_handles,
    reference_handles,
    square_root_axes,
    square_root_y,
)
from palimpsest.plots.style import (
    BATCH_NORM_NAMES,
    INK,
    MARKERS,
    SIZE,
    cost_colours,
    figure_style,
    forget_set_name,
    hollow,
    method_name,
    start_figure,
)
from palimpsest.tables import by_setting, read_klom, setting_columns

INPUTS = ("klom",)
_ENDS = ("klom", "low", "high", "null")


def draw(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    forget_set: str,
    method: str = "ga",
) -> tuple[Figure, pd.DataFrame]:
    """Figure 2 for a method that has learning rates and epochs.

    Left, forget set against validation set: dashed paths join the epochs of settings that are
    equal in all else, beginning at the original. Right, epochs (0 is the original) against the
    mean of the scores of forget, retain and validation set, one panel for each way of BatchNorm.
    The bars on the right are means of the ends of the three intervals, so they are too long rather
    than too short. ValueError if the table has no rows of the method and of the original.
    """
    klom = read_klom(inputs["klom"][0])
    settings = by_setting(klom)
    chosen = settings[settings["forget_set"] == forget_set]
    original = chosen[chosen["method"] == "nothing"]
    points = chosen[chosen["method"] == method]
    if points.empty or len(original) != 1 or not {"lr", "epochs"} <= set(points):
        raise ValueError(
            f"the table of KLoM needs method {method}, with learning rates and epochs, and one "
            f"row of method nothing on forget set {forget_set}"
        )
    way = points["batch_norm"].fillna("train") if "batch_norm" in points else "train"
    points = points.assign(batch_norm=way)
    keys = [name for name in points if name in {*setting_columns(klom), "batch_norm"} - {"epochs"}]
    courses = _courses(points, original, keys)
    ways = [name for name in BATCH_NORM_NAMES if name in set(courses["batch_norm"])]
    start = courses.iloc[0]
    look = _look(courses["lr"])
    with figure_style():
        handles = [*_handles(look), *mark_handles(courses), *reference_handles()]
        figure, top = start_figure(3.1 * (1 + len(ways)), 3.5, handles, note)
        axes = top.subplots(1, 1 + len(ways), squeeze=False)[0]
        _draw_paths(axes[0], courses, start, look)
        upper = 1.08 * float(courses["mean_klom"].max())
        for ax, name in zip(axes[1:], ways, strict=True):
            _draw_time_course(ax, courses[courses["batch_norm"] == name], start, look)
            square_root_y(ax, upper)
            ax.set_title(BATCH_NORM_NAMES[name])
        axes[1].set_ylabel("mean KLoM of forget, retain\nand validation set (nats)")
        top.suptitle(f"{method_name(method)}: {forget_set_name(forget_set)}")
    ends = [f"{split}_{end}" for split in ("forget", "val", "mean") for end in _ENDS]
    return figure, courses[["path", *setting_columns(klom), "percentile", *ends, "diverged"]]


def _courses(points: pd.DataFrame, original: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The settings by `path` (equal in `keys`) and epoch; each path starts at the original.

    The means over the splits are called mean_klom, mean_low, mean_high and mean_null.
    """
    points = points.assign(path=points.groupby(keys, dropna=False).ngroup())
    own = original.drop(columns=[*keys, "epochs", "diverged"], errors="ignore")
    starts = points.drop_duplicates("path")[["path", *keys]].merge(own, how="cross")
    courses = pd.concat([starts.assign(epochs=0, diverged=False), points])
    for end in _ENDS:
        courses[f"mean_{end}"] = courses[[f"{s}_{end}" for s in PARTS]].mean(axis=1, skipna=False)
    return courses.sort_values(["path", "epochs"], ignore_index=True)


def _look(rates: pd.Series) -> dict[str, Any]:
    """Seaborn's keywords: a colour and a marker for each learning rate; the control in ink."""
    names = sorted(rate for rate in rates.unique() if rate > 0)
    shades = cost_colours()(np.linspace(0, 1, max(len(names), 2)))
    marks = {rate: MARKERS[i % len(MARKERS)] for i, rate in enumerate(names)}
    return {
        "hue": "lr", "style": "lr", "legend": False,
        "palette": dict(zip(names, shades, strict=False)) | {0.0: INK},
        "markers": marks | {0.0: "P"},
    }  # fmt: skip


def _draw_paths(ax: Axes, courses: pd.DataFrame, start: pd.Series, look: dict[str, Any]) -> None:
    limits = axis_limit(courses, "forget"), axis_limit(courses, "val")
    square_root_axes(ax, *limits)
    draw_floor(ax, start["forget_null"], start["val_null"])
    placed = courses.assign(
        x=courses["forget_klom"].fillna(limits[0] / 1.05),
        y=courses["val_klom"].fillna(limits[1] / 1.05),
    )
    sns.lineplot(placed, x="x", y="y", hue="lr", palette=look["palette"], units="path", sort=False,
                 estimator=None, ls="--", lw=0.8, legend=False, ax=ax, zorder=3)  # fmt: skip
    placed = placed[placed["epochs"] > 0]
    empty = placed["batch_norm"].eq("frozen") | placed["control"]
    for chosen in (placed[~empty], placed[empty]):
        if len(chosen):
            sns.scatterplot(chosen, x="x", y="y", **look, s=SIZE, edgecolor=INK, linewidth=0.35,
                            ax=ax, zorder=4)  # fmt: skip
    if empty.any():
        hollow(ax)
    mark_diverged(ax, placed)
    draw_original(ax, start["forget_klom"], start["val_klom"])
    draw_oracle(ax)
    percentile = f"(p{start['percentile']:g}, nats)"
    ax.set(xlabel=f"KLoM of the forget set {percentile}", title="paths from the original",
           ylabel=f"KLoM of the validation set {percentile}")  # fmt: skip


def _draw_time_course(
    ax: Axes, courses: pd.DataFrame, start: pd.Series, look: dict[str, Any]
) -> None:
    ax.axhspan(0, start["mean_null"], color="0.88", lw=0, zorder=0.5)
    ax.axhline(start["mean_null"], color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1.5)
    placed = courses.assign(x=courses["epochs"], y=courses["mean_klom"])
    draw_intervals(ax, placed, courses["mean_low"], courses["mean_high"], "y")
    dashes = {rate: "" if rate else (1, 1.5) for rate in look["palette"]}
    sns.lineplot(placed, x="x", y="y", **look, dashes=dashes, units="path", estimator=None, ms=6,
                 lw=1.3, ax=ax, zorder=3)  # fmt: skip
    for line in ax.lines:
        if line.get_marker() == look["markers"][0.0]:
            line.set(mfc="white", mec=INK)
    mark_diverged(ax, placed)
    draw_original(ax, 0, start["mean_klom"])
    ax.set(xlabel="epochs of unlearning", ylabel="", xticks=sorted(courses["epochs"].unique()))
    ax.set_xlim(left=0)


def _handles(look: dict[str, Any]) -> list[Line2D]:
    return [
        Line2D([], [], lw=1.3, ms=6, mew=0.4, mec="white", color=look["palette"][rate],
               marker=look["markers"][rate], label=f"rate {rate:g}")
        for rate in look["palette"] if rate > 0
    ]  # fmt: skip
