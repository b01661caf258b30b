"""Figures 1a-d and 2a-b of Why Fine-Tuning Struggles, where the models are overparameterised."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from palimpsest.studies.theory.figures._fine_tuning import draw_setting
from palimpsest.studies.theory.statements.linear_models.model import Shape

INPUTS: tuple[str, ...] = ()
DISTINCT = Shape(30, 10, 70, 0, 70)
OVERLAPPING = Shape(30, 10, 50, 40, 50)


def draw(
    inputs: Mapping[str, Sequence[Path]], *, note: str = "", seed: int = 0
) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; `seed` is that of the one data set of each kind."""
    return draw_setting(DISTINCT, OVERLAPPING, seed, note)
