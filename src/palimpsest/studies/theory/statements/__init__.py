"""The statements of both papers, each with the cases that decide it."""

from palimpsest.studies.theory.statements import (
    collinear,
    coordinates,
    figure_4,
    iteration,
    landscape,
    linear,
    one_dimension,
    overlap,
    random_sets,
    stationary_points,
    two_dimensions,
)
from palimpsest.studies.theory.verdicts import Statement

MODULES = (
    random_sets, one_dimension, coordinates, iteration, two_dimensions, stationary_points,
    figure_4, landscape, collinear, linear, overlap,
)  # fmt: skip
STATEMENTS: tuple[Statement, ...] = tuple(s for module in MODULES for s in module.STATEMENTS)
