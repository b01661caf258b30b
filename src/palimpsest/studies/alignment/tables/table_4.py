"""Perplexity of text generation (the paper's Table IV)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("text generation",)
INPUTS = ("table_quality_models", "printed")
make = printed_table(4, "perplexity")
