"""Perplexity on forget, retain and validation set: mean and spread over the models, and of each.

exp(total token loss / tokens) of each model, over all texts of a set together, so that a long text
weighs more than a short one; padding is no token. As for accuracy, where a whole class is forgotten
the validation set is that of the other classes, and with all classes stands beside it; parts of it
that the split knows have rows of their own.
"""

from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.metrics.accuracy import forgotten
from palimpsest.records import Record

NEEDS = ("token_loss", "tokens", "margin")
OF_ORACLES = True


def rows(
    record: Record, original: Record | None, oracle: Record, split: Split, reference: Any = None
) -> list[dict[str, Any]]:
    """Perplexity and its sd over models; models of which any margin is not finite are diverged.

    A diverged model's perplexity is infinite or NaN, and so is the mean with it.
    """
    found = []
    diverged = (~np.isfinite(record["margin"])).any(axis=1)
    lost = forgotten(record, split)
    for part in split.parts:
        columns = split.columns(part)
        kept = columns if part.endswith("forget") else columns[~lost[columns]]
        own, everything = _perplexities(record, kept), _perplexities(record, columns)
        found.append(
            {
                "split": part,
                "perplexity": own.mean(),
                "perplexity_sd": own.std(ddof=1) if len(own) > 1 else np.nan,
                "all_classes": everything.mean(),
                "tokens": int(record["tokens"][0, kept].sum()),
                "diverged_models": int(diverged.sum()),
                "n_models": len(own),
                "models": {
                    "perplexity": own.tolist(),
                    "all_classes": everything.tolist(),
                    "diverged": diverged.tolist(),
                },
            }
        )
    return found


def _perplexities(record: Record, columns: np.ndarray) -> np.ndarray:
    """Of each model on the points of these columns, (models,)."""
    losses = record["token_loss"][:, columns].sum(axis=1, dtype=float)
    tokens = record["tokens"][:, columns].sum(axis=1, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(losses / tokens)
