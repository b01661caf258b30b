"""Feature distance to the retrained model, of text generation (the paper's Table VIII)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("text generation",)
INPUTS = ("table_quality_models", "table_distances_models", "printed")
make = printed_table(8, "feature_2", more={"relative": "feature_2_relative"})
