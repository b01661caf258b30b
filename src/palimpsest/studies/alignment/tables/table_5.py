"""Activation distance of image classification (the paper's Table V)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("image classification",)
INPUTS = ("table_quality_models", "table_distances_models", "printed")
make = printed_table(5, "activation")
