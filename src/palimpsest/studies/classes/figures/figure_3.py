"""Figures 3 and 6: the methods of fine-tuning as polygons over five axes, as in the paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palimpsest.plots.style import INK, figure_style, start_figure
from palimpsest.studies.classes.figures._charts import over_classes, plain
from palimpsest.studies.classes.trials import read_trials
from palimpsest.tables import read_accuracy

INPUTS = ("table_accuracy_models", "table_mia_models", "table_accuracy")
METHODS = ("ft", "ce_ft", "ice_ft", "kl_ft", "sparse_ft")
_QUANTITIES = ("UA", "MIA", "RA", "TA")
_NAMES = {"MIA": "MIA-efficacy"}
_TIME = "Run Time"
_LOOKS: list[tuple[str, Any]] = [
    ("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"), ("v", (0, (5, 1))), ("p", (0, (1, 1))),
]  # fmt: skip


def draw(inputs: Mapping[str, Sequence[Path]], *, note: str = "") -> tuple[Figure, pd.DataFrame]:
    """Polygons of the plain methods and of Retrain; on each axis 1 is the best of those shown.

    The best run time is the shortest, so 0.1 is ten times it. Without measured times that axis is
    left out.
    """
    trials = read_trials(inputs["table_accuracy_models"][0], inputs["table_mia_models"][0])
    means = over_classes(plain(trials, METHODS), _QUANTITIES)
    table = normalised(means, read_accuracy(inputs["table_accuracy"][0]))
    variants = list(dict.fromkeys(table["variant"]))
    axes_shown = list(dict.fromkeys(table["quantity"]))
    with figure_style():
        colours = [INK, *sns.color_palette()]
        looks = {
            name: {"color": colours[i % len(colours)], "marker": _LOOKS[i % len(_LOOKS)][0],
                   "ls": _LOOKS[i % len(_LOOKS)][1], "lw": 1.5, "ms": 4.5, "mew": 0.4}
            for i, name in enumerate(variants)
        }  # fmt: skip
        lost = set(table.loc[table["diverged"] > 0, "variant"])
        handles = [
            Line2D([], [], **look, mec="white", label=name + " (some diverged)" * (name in lost))
            for name, look in looks.items()
        ]
        figure, top = start_figure(5.6, 4.6, handles, note)
        ax = top.subplots(subplot_kw={"projection": "polar"})
        _draw_polygons(ax, table, axes_shown, looks)
        top.suptitle("Understanding Fine-tuning, Figures 3 and 6")
    return figure, table


def normalised(means: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    """The values of each variant, each beside the best of its axis and in parts of it.

    Run times are seconds for one model, the mean over classes of a method's plain settings.
    """
    own = accuracy[accuracy["split"] == "val"]
    own = own[own["prepare"].isna()] if "prepare" in own else own
    seconds = own.groupby("method")["seconds"].mean()
    values = means[["variant", "method", "quantity", "mean", "diverged"]]
    values = values.rename(columns={"mean": "value"})
    times = values.drop_duplicates("variant").assign(quantity=_TIME)
    times["value"] = times["method"].map(seconds)
    if times["value"].notna().any():
        values = pd.concat([values, times], ignore_index=True)
    best = values.groupby("quantity")["value"]
    shortest = values["quantity"] == _TIME
    values["best"] = best.transform("min").where(shortest, best.transform("max"))
    share = (values["best"] / values["value"]).where(shortest, values["value"] / values["best"])
    values["normalised"] = share.where(values["best"] != 0, 0.0)
    return values


def _draw_polygons(
    ax: Axes, table: pd.DataFrame, names: Sequence[str], looks: Mapping[str, dict[str, Any]]
) -> None:
    angles = 2 * np.pi * np.arange(len(names)) / len(names)
    closed = np.append(angles, angles[:1])
    for variant, look in looks.items():
        own = table[table["variant"] == variant].set_index("quantity")["normalised"].reindex(names)
        values = np.append(own, own.iloc[:1])
        ax.plot(closed, values, **look, mec="white", clip_on=False, zorder=3)
    best = table.drop_duplicates("quantity").set_index("quantity")["best"]
    labels = [
        f"{_NAMES.get(name, name)}\n{best[name]:.3g} {'s' if name == _TIME else '%'}"
        for name in names
    ]
    ax.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    ax.set_theta_direction(-1)  # type: ignore[attr-defined]
    ax.set_xticks(angles, labels)
    ax.tick_params(axis="x", pad=17)
    ax.set_ylim(0, 1)
    ax.set_yticks([0.25, 0.5, 0.75, 1], ["0.25", "0.5", "0.75", "1"], fontsize=7, color="0.35")
    ax.set_rlabel_position(4)  # type: ignore[attr-defined]
