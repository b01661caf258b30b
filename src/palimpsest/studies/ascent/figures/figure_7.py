"""Figure 7: all forget sets and methods, against the retain set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from palimpsest.plots.klom_plane import draw_klom_planes
from palimpsest.tables import by_setting, read_klom

INPUTS = ("klom",)
TITLE = "Ascent Fails to Forget, Figure 7: all forget sets, against the retain set"


def draw(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    forget_sets: list[str],
    methods: list[str],
) -> tuple[Figure, pd.DataFrame]:
    """The planes of `forget_sets`, in their order, for `methods` besides the original."""
    settings = by_setting(read_klom(inputs["klom"][0]))
    return draw_klom_planes(
        settings, forget_sets, methods, against="retain", title=TITLE, note=note
    )
