"""Activation distance of text generation (the paper's Table VI)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("text generation",)
INPUTS = ("table_quality_models", "table_distances_models", "printed")
make = printed_table(6, "activation")
