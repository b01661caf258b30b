"""Accuracy of text classification (the paper's Table III)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("text classification",)
INPUTS = ("table_quality_models", "printed")
make = printed_table(3, "accuracy")
