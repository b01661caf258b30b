"""Accuracy of image classification after two epochs of sample unlearning (the paper's Table II)."""

from palimpsest.studies.alignment.tables._rows import printed_table

TASKS = ("image classification",)
INPUTS = ("two_epochs_quality_models", "printed")
make = printed_table(2, "accuracy", experiment="two_epochs")
