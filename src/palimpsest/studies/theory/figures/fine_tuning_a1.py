"""Figures 1a-d and 2a-b of Why Fine-Tuning Struggles, in the setting of its App. A.1."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from palimpsest.studies.theory.figures._fine_tuning import draw_setting
from palimpsest.studies.theory.statements.linear_models.model import Shape

INPUTS: tuple[str, ...] = ()
DISTINCT = Shape(30, 10, 20, 0, 20)
OVERLAPPING = Shape(30, 10, 20, 8, 12)


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", seed: int = 0
) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; `seed` is that of the one data set of each kind."""
    return draw_setting(DISTINCT, OVERLAPPING, seed, note)
