"""Feature distance to the original, of image classification (the paper's Table VII)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("image classification",)
INPUTS = ("table_quality_models", "table_distances_models", "printed")
make = printed_table(7, "feature_1", more={"relative": "feature_1_relative"})
