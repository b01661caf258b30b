"""What Figures 1, 3, 6 and 7 share: planes of KLoM, one for each of some forget sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from palimpsest.plots.klom_plane import draw_klom_planes
from palimpsest.tables import by_setting, read_klom


def draw_planes(
    inputs: Mapping[str, Sequence[Path]],
    *,
    note: str = "",
    forget_sets: list[str],
    methods: list[str],
    title: str,
    against: str,
) -> tuple[Figure, pd.DataFrame]:
    """The planes of `forget_sets`, in their order, for `methods` besides the original."""
    settings = by_setting(read_klom(inputs["klom"][0]))
    return draw_klom_planes(settings, forget_sets, methods, against=against, title=title, note=note)
