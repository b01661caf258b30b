"""Membership inference, of text classification and text generation (the paper's Table X)."""

from palimpsest.studies.alignment.tables._rows import BY_ATTACK, printed_table

TASKS = ("text classification", "text generation")
INPUTS = ("table_quality_models", "table_mia", "table_mia_models", "printed")
make = printed_table(10, "mia", subsets=["D_f"], more=BY_ATTACK, attack=True)
