"""The statements of both papers, each file with its formulas and the cases that decide it."""

import pkgutil
from importlib import import_module

from palimpsest.studies.theory.judging import Statement

STATEMENTS: tuple[Statement, ...] = tuple(
    statement
    for found in pkgutil.walk_packages(__path__, f"{__name__}.")
    for statement in getattr(import_module(found.name), "STATEMENTS", ())
)
