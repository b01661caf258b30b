"""Figures 1a-d and 2a-b of Why Fine-Tuning Struggles, in one setting."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palimpsest.studies.theory import linear_model as linear
from palimpsest.studies.theory.drawing.style import COLOURS, GREY
from palimpsest.studies.theory.linear_measure import measure
from palimpsest.studies.theory.linear_model import Shape

# distinct features, overlapping features
SETTINGS = {
    "a1": (Shape(30, 10, 20, 0, 20), Shape(30, 10, 20, 8, 12)),
    "overparameterised": (Shape(30, 10, 70, 0, 70), Shape(30, 10, 50, 40, 50)),
}
PANELS = (
    ("1a", "fine-tuning, distinct features", 0, "t"),
    ("1b", "fine-tuning, overlapping features", 1, "t"),
    ("1c", "regularised, distinct features", 0, "a"),
    ("1d", "regularised, overlapping features", 1, "a"),
    ("2a", "overlap kept (option A)", 1, "a"),
    ("2b", "overlap dropped (option B)", 1, "b"),
)


def curves(shape: Shape, seed: int) -> list[dict[str, float]]:
    """Everything measured for n_t = 1 to n_r - 1 on one data set."""
    model = linear.draw(shape, np.random.default_rng(seed))
    return [measure(model, n_t) for n_t in range(1, shape.n_r)]


def draw(setting: str, seed: int = 0) -> Figure:
    """Six panels: losses against the number of fine-tuning samples, formulas as crosses."""
    if setting not in SETTINGS:
        raise ValueError(f"{setting!r} is no setting; allowed: {', '.join(SETTINGS)}")
    shapes = SETTINGS[setting]
    data = [curves(shape, seed) for shape in shapes]
    figure = Figure(figsize=(9.6, 6.0), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True)
    for axis, (name, title, which, key) in zip(axes.flat, PANELS, strict=True):
        _panel(axis, data[which], key, which == 1)
        axis.set_title(f"{name}: {title}")
    for axis in axes[1]:
        axis.set_xlabel("fine-tuning samples $n_t$")
    for axis in axes[:, 0]:
        axis.set_ylabel("mean squared error")
    handles, labels = axes[1, 2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    one, other = shapes
    figure.suptitle(
        f"{one.n_r} retained and {one.n_f} forgotten samples; features $d_r, d_{{lap}}, d_f$ = "
        f"{one.d_r}, {one.d_lap}, {one.d_f} (distinct) and "
        f"{other.d_r}, {other.d_lap}, {other.d_f} (overlapping)",
        fontsize=9,
    )
    return figure


def _panel(axis: Axes, rows: list[dict[str, float]], key: str, overlap: bool) -> None:
    n_t = np.arange(1, len(rows) + 1)

    def values(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows])

    for loss, colour in (("ul", COLOURS[1]), ("rl", COLOURS[0])):
        upper = loss.upper()
        axis.plot(n_t, values(f"{loss}_g"), color=colour, lw=5, alpha=0.35, solid_capstyle="butt",
                  label=f"{upper}, golden model")  # fmt: skip
        looks: dict[str, Any] = {"marker": "s", "ms": 2.5, "ls": "--", "zorder": 3}
        if loss == "ul":
            looks = {"marker": "o", "ms": 5.5, "mfc": "none", "ls": "-", "zorder": 4}
        axis.plot(n_t, values(f"{loss}_{key}"), color=colour, lw=1.2,
                  label=f"{upper}, fine-tuned",
                  **looks)  # fmt: skip
    if overlap and key in "ab":
        for loss, marker in (("ul", "x"), ("rl", "+")):
            axis.plot(n_t[::2], values(f"{loss}_{key}_printed")[::2], marker, color="black", ms=5,
                      mew=0.9, label=f"{loss.upper()}, Theorem 4.1 as printed")  # fmt: skip
    top = max(values("ul_g").max(), values(f"ul_{key}").max(), values(f"rl_{key}").max())
    if overlap and key in "ab":
        top = max(top, values(f"ul_{key}_printed").max(), values(f"rl_{key}_printed").max())
    axis.set_ylim(-0.04 * top, 1.12 * top)
    axis.axhline(0, color=GREY, lw=0.5, zorder=0)
