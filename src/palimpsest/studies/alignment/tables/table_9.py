"""Membership inference, of image classification (the paper's Table IX)."""

from palimpsest.studies.alignment.tables._rows import BY_ATTACK, printed_table

TASKS = ("image classification",)
INPUTS = ("table_quality_models", "table_mia", "table_mia_models", "printed")
make = printed_table(9, "mia", subsets=["D_f"], more=BY_ATTACK, attack=True)
