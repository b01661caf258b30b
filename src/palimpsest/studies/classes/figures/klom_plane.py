"""Which method with UA 100 is still not the oracle? The methods on the plane of KLoM, beside UA."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palimpsest.plots.charts import limits_of
from palimpsest.plots.klom_plane import (
    axis_limit,
    draw_floor,
    draw_intervals,
    draw_oracle,
    draw_original,
    mark_diverged,
    reference_handles,
    square_root_axes,
)
from palimpsest.plots.style import (
    INK,
    SIZE,
    figure_style,
    forget_set_name,
    method_markers,
    method_name,
    point_handle,
    start_figure,
)
from palimpsest.studies.classes.trials import ORACLE, class_means, read_trials
from palimpsest.tables import by_setting, read_klom, setting_columns

INPUTS = ("klom_klom", "klom_accuracy_models")


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Left: KLoM of the forget set against that of the validation set, and that part of the plane
    larger in which the methods lie. Right: how much larger the mean margin on the forget set is
    than the oracles', against UA, since KLoM has an end that many scores come near.

    A row of panels for each forget set. A marker is a method; a colour and a letter what else a
    variant has: a preparation, a learning rate.
    """
    klom = read_klom(inputs["klom_klom"][0])
    trials = read_trials(inputs["klom_accuracy_models"][0])
    table = variants_of(by_setting(klom), trials, ["forget_set", "method", *setting_columns(klom)])
    oracle = class_means(trials).loc[ORACLE, "UA"]
    looks, letters = _looks(table)
    with figure_style():
        sets = list(dict.fromkeys(table["forget_set"]))
        handles = _handles(table, looks, letters)
        figure, top = start_figure(10.4, 3.3 * len(sets) + 0.2, handles, note)
        for axes, name in zip(top.subplots(len(sets), 3, squeeze=False), sets, strict=True):
            own = table[table["forget_set"] == name]
            _draw_plane(axes[0], own, looks, letters)
            _draw_plane(axes[1], own, looks, letters, closer=True)
            _draw_against_ua(axes[2], own, oracle[name], looks, letters)
            axes[0].set_title(f"{forget_set_name(name)}: how far from the oracles")
            axes[1].set_title("the same, closer")
            axes[2].set_title("beside UA")
    return figure, table


def variants_of(settings: pd.DataFrame, trials: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """KLoM of each setting with its `variant`, what of that is not the method (`further`), and its
    UA, the mean over the trials."""
    unlearned = trials[trials["method"] != "oracle"]
    means = unlearned.groupby([*keys, "variant"], dropna=False, sort=False)["UA"].mean()
    found = means.reset_index()
    joined = settings.astype(dict.fromkeys(keys, object)).merge(
        found.astype(dict.fromkeys(keys, object)), on=list(keys), how="left", validate="1:1"
    )
    joined["further"] = [
        variant.removeprefix(method_name(method)).lstrip(" +,")
        for variant, method in zip(joined["variant"], joined["method"], strict=True)
    ]
    scores = [f"{split}_{end}" for split in ("forget", "val") for end in _ENDS]
    measured = ["percentile", *scores, "forget_average", "forget_margin_gap", "diverged"]
    return joined[["forget_set", "method", "variant", "further", "UA", *measured]]


_ENDS = ("klom", "low", "high", "null")


def _looks(table: pd.DataFrame) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Marker and colour of each variant, and the letter of what some have besides their method."""
    markers = method_markers(table["method"])
    further = sorted(set(table["further"]) - {""})
    letters = {name: "abcdefghijklmnopqrstuvwxyz"[i % 26] for i, name in enumerate(further)}
    colours = dict(zip(further, sns.color_palette("colorblind", len(further)), strict=True))
    rows = table[table["method"] != "nothing"].drop_duplicates("variant")
    return {
        row["variant"]: {
            "marker": markers[row["method"]], "color": colours.get(row["further"], "white"),
        }
        for _, row in rows.iterrows()
    }, letters  # fmt: skip


def _draw_points(
    ax: Axes, placed: pd.DataFrame, looks: Mapping[str, Any], letters: Mapping[str, str]
) -> None:
    """The variants at their x and y; the original as the paper's circle."""
    for _, row in placed.iterrows():
        if row["method"] == "nothing":
            draw_original(ax, row["x"], row["y"])
            continue
        ax.scatter(row["x"], row["y"], **looks[row["variant"]], s=1.3 * SIZE, ec=INK, lw=0.6,
                   zorder=4, clip_on=False)  # fmt: skip
        if row["further"]:
            ax.annotate(letters[row["further"]], (row["x"], row["y"]), xytext=(4, 3), fontsize=7.5,
                        textcoords="offset points", color=INK, zorder=8)  # fmt: skip
    mark_diverged(ax, placed)


def _draw_plane(
    ax: Axes,
    own: pd.DataFrame,
    looks: Mapping[str, Any],
    letters: Mapping[str, str],
    *,
    closer: bool = False,
) -> None:
    limits = axis_limit(own, "forget"), axis_limit(own, "val")
    if not closer:
        square_root_axes(ax, *limits)
        draw_floor(ax, own["forget_null"].median(), own["val_null"].median())
    placed = own.assign(
        x=own["forget_klom"].fillna(limits[0] / 1.05), y=own["val_klom"].fillna(limits[1] / 1.05)
    )
    for axis, split in (("x", "forget"), ("y", "val")):
        draw_intervals(ax, placed, own[f"{split}_low"], own[f"{split}_high"], axis)
    _draw_points(ax, placed, looks, letters)
    if closer:
        ax.set(xlim=limits_of(placed["x"], 0.08, 0.1), ylim=limits_of(placed["y"], 0.08, 0.1))
    else:
        draw_oracle(ax)
    percentile = f"(p{own['percentile'].iloc[0]:g}, nats)"
    ax.set(xlabel=f"KLoM of the forget set {percentile}",
           ylabel=f"KLoM of the validation set {percentile}")  # fmt: skip


def _draw_against_ua(
    ax: Axes, own: pd.DataFrame, oracle: float, looks: Mapping[str, Any], letters: Mapping[str, str]
) -> None:
    gaps = own["forget_margin_gap"]
    low, high = limits_of([0.0, *gaps.dropna()], 0.08, 1.0)
    placed = own.assign(x=own["UA"], y=gaps.fillna(high - (high - low) / 30))
    ax.axhline(0, color=INK, lw=0.8, ls="--", zorder=1)
    ax.set(xlim=(-4, 104), ylim=(low, high))
    _draw_points(ax, placed, looks, letters)
    draw_oracle(ax, oracle)
    ax.set(xlabel="UA (%)", ylabel="mean margin on the forget set\nless the oracles' (nats)")


def _handles(
    table: pd.DataFrame, looks: Mapping[str, dict[str, Any]], letters: Mapping[str, str]
) -> list[Line2D | Patch]:
    first = table[table["method"] != "nothing"].drop_duplicates("method")
    handles: list[Line2D | Patch] = [
        point_handle(method_name(row["method"]), looks[row["variant"]]["marker"], "white", INK)
        for _, row in first.iterrows()
    ]
    for name, letter in letters.items():
        of = table.loc[table["further"] == name, "variant"].iloc[0]
        handles.append(point_handle(f"{letter}: {name}", "o", looks[of]["color"], INK))
    if table["diverged"].any():
        handles.append(point_handle("diverged", "x", edge=INK))
    return [*handles, *reference_handles()]
