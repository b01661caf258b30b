"""Accuracy on forget, retain and validation set: mean and spread over the models, and of each.

Where a whole class is forgotten, the validation set is that of the other classes, as in the lineage
of "Understanding Fine-tuning" (its TA); with all classes stands beside it. UA = 1 - the accuracy on
the forget set, RA that on the retain set. Where the split knows which validation points are like
the forgotten ones, these (`val_forget`) and the others (`val_retain`) have rows of their own.
"""

from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.records import Record

NEEDS = ("correct", "margin")
OF_ORACLES = True


def rows(
    record: Record, original: Record | None, oracle: Record, split: Split, reference: Any = None
) -> list[dict[str, Any]]:
    """Accuracy and its sd over models; models of which any margin is not finite are diverged."""
    found = []
    diverged = (~np.isfinite(record["margin"])).any(axis=1)
    lost = forgotten(record, split)
    for part in split.parts:
        columns = split.columns(part)
        kept = columns if part.endswith("forget") else columns[~lost[columns]]
        accuracies = record["correct"][:, kept].mean(axis=1)
        everything = record["correct"][:, columns].mean(axis=1)
        found.append(
            {
                "split": part,
                "accuracy": accuracies.mean(),
                "accuracy_sd": accuracies.std(ddof=1) if len(accuracies) > 1 else np.nan,
                "all_classes": everything.mean(),
                "diverged_models": int(diverged.sum()),
                "n_models": len(accuracies),
                "models": {
                    "accuracy": accuracies.tolist(),
                    "all_classes": everything.tolist(),
                    "diverged": diverged.tolist(),
                },
            }
        )
    return found


def forgotten(record: Record, split: Split) -> np.ndarray:
    """Whether each point of a record is of a class that the retain set has no point of."""
    kept = np.unique(record.labels[split.columns("retain")])
    return ~np.isin(record.labels, kept)
