"""Accuracy on forget, retain and validation set: mean and spread over the models."""

from typing import Any

import numpy as np

from palimpsest.data.splits import PARTS, Split
from palimpsest.records import Record

NEEDS = ("correct", "margin")
OF_ORACLES = True


def rows(
    record: Record, original: Record | None, oracle: Record, split: Split, reference: Any = None
) -> list[dict[str, Any]]:
    """Accuracy and its sd over models; models of which any margin is not finite are diverged."""
    found = []
    diverged = int((~np.isfinite(record["margin"])).any(axis=1).sum())
    for part in PARTS:
        accuracies = record["correct"][:, split.columns(part)].mean(axis=1)
        found.append(
            {
                "split": part,
                "accuracy": accuracies.mean(),
                "accuracy_sd": accuracies.std(ddof=1) if len(accuracies) > 1 else np.nan,
                "diverged_models": diverged,
                "n_models": len(accuracies),
            }
        )
    return found
