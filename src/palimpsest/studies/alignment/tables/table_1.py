"""Accuracy of image classification (the paper's Table I)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("image classification",)
INPUTS = ("table_quality_models", "printed")
make = printed_table(1, "accuracy")
