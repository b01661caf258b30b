"""Figure 5: t-SNE of the penultimate features of one model, before and after it forgets a class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.costs import load_unlearned
from palimpsest.data.splits import Split
from palimpsest.plots.style import figure_style, forget_set_name, point_handle, start_figure
from palimpsest.records import Record, load_population

INPUTS = ("split", "originals", "oracles", "ft_records", "ft_costs")
_PERPLEXITY = 30.0  # scikit-learn's default; smaller where a quarter of the points are fewer
_LOOKS = {False: ("o", 9, 7, "the other classes"), True: ("^", 3, 13, "forgotten class")}


def draw(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    forget_set: str,
    setting: Mapping[str, Any],
    most: int = 1000,
) -> tuple[Figure, pd.DataFrame]:
    """The first model of each population, in a panel of its own: original, FT of it, oracle.

    The points are at most `most` of the training set, all of the forget set among them, the others
    drawn with a fixed seed; the same in each panel. UA is of all of the forget set. `setting` is
    that of FT.
    """
    split = Split.load(inputs["split"][0])
    unlearned, costs = load_unlearned(inputs["ft_records"], inputs["ft_costs"], split, "ft")
    models = {
        "original": load_population(inputs["originals"][:1], split, "original"),
        "FT": unlearned.setting(place_of(costs[0]["settings"], setting)),
        "oracle (Retrain)": load_population(inputs["oracles"][:1], split, "oracle"),
    }
    points = sample(split, most)
    parts = [panel_table(name, record, split, points) for name, record in models.items()]
    with figure_style():
        colours = sns.color_palette()
        handles = [point_handle(label, marker, face=colours[colour], edge="white")
                   for marker, colour, _, label in _LOOKS.values()]  # fmt: skip
        figure, top = start_figure(8.7, 3.15, handles, note)
        for ax, part in zip(top.subplots(1, len(parts)), parts, strict=True):
            _draw_panel(ax, part)
        top.suptitle(f"Understanding Fine-tuning, Figure 5: {forget_set_name(forget_set)}")
    return figure, pd.concat(parts, ignore_index=True)


def place_of(settings: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> int:
    """The place of a setting of FT among those of a block."""
    for place, setting in enumerate(settings):
        if {"prepare": None, **setting} == {"prepare": None, **wanted}:
            return place
    raise ValueError(f"nothing was recorded for the setting of FT {dict(wanted)}")


def sample(split: Split, most: int) -> np.ndarray:
    """Places in `split.points` of the forget set and of as many others as make `most`, sorted."""
    forget, retain = split.columns("forget"), split.columns("retain")
    others = min(len(retain), max(0, most - len(forget)))
    drawn = np.random.default_rng(0).choice(retain, others, replace=False)
    return np.sort(np.concatenate([forget, drawn]))


def panel_table(name: str, record: Record, split: Split, points: np.ndarray) -> pd.DataFrame:
    """A row for each of `points`: model, its `UA` in percent, pool index, class, whether it is
    `forgotten`, and its place; NaN where the features of the model are not finite."""
    features = record["features"][0, points].astype(np.float32)
    places = np.full((len(points), 2), np.nan)
    if np.isfinite(features).all():
        places = embed(features)
    return pd.DataFrame({
        "model": name,
        "UA": 100 * (1 - record["correct"][0, split.columns("forget")].mean()),
        "point": split.points[points],
        "class": record.labels[points],
        "forgotten": np.isin(points, split.columns("forget")),
        "component_1": places[:, 0],
        "component_2": places[:, 1],
    })  # fmt: skip


def embed(features: np.ndarray) -> np.ndarray:
    """t-SNE in two dimensions, from the principal components and with a fixed seed."""
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, len(features) / 4)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=0, n_jobs=1)
    return np.asarray(tsne.fit_transform(features))


def _draw_panel(ax: Axes, part: pd.DataFrame) -> None:
    for forgotten, (marker, colour, size, _) in _LOOKS.items():
        own = part[part["forgotten"] == forgotten]
        ax.scatter(own["component_1"], own["component_2"], marker=marker, s=size, lw=0.2,
                   color=sns.color_palette()[colour], ec="white", zorder=2 + forgotten)  # fmt: skip
    if part["component_1"].isna().any():
        ax.text(0.5, 0.5, "features are not finite", ha="center", transform=ax.transAxes)
    first = part.iloc[0]
    ax.set(title=f"{first['model']}: UA {first['UA']:.1f} %", xlabel="t-SNE component 1")
    if first["model"] == "original":
        ax.set_ylabel("t-SNE component 2")
    ax.tick_params(labelsize=7)
