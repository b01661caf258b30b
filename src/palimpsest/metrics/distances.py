"""How far models are from their original and from the oracle of their place, point by point.

The distances of "Residual Feature Alignment Using LoRA", Section V.B: of the output (activation
distance, to the retrained model) and of the layers (feature distance, to the original by its
definition 1 and to the retrained model by definition 2), absolute and relative;
`training.distances` says what of each point. No distance means anything by itself: two models that
were retrained with other seeds are far apart, too. So the oracles have rows of their own, each
compared with its original and with the oracle after it: the floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.records import Record
from palimpsest.values import Text

if TYPE_CHECKING:
    from torch import nn

COLUMNS = {
    "activation": "activation_to_oracle",
    "feature_original": "feature_to_original",
    "feature_oracle": "feature_to_oracle",
    "feature_original_relative": "feature_relative_to_original",
    "feature_oracle_relative": "feature_relative_to_oracle",
}
"""column of the table -> statistic of the records"""
NEEDS = ("margin", *COLUMNS.values())
RECORDED = ("layers",)
OF_ORACLES = True


def check_network(network: nn.Module, *, layers: str | None) -> None:
    """SettingError for layers that the network has not."""
    from palimpsest.training.distances import feature_layers

    feature_layers(network, layers)


def rows(
    record: Record,
    original: Record | None,
    oracle: Record,
    split: Split,
    reference: Any = None,
    *,
    layers: Text | None = None,
) -> list[dict[str, Any]]:
    """For each set of points the mean of each distance over them; mean and sd over models.

    `layers`, which the records were made with, are those whose features are compared: names apart
    from each other by a space, whole or the end of one, with * and ?, such as "layer3.* layer4.*";
    None: all convolutions and linear layers but the head. A model with a margin that is not finite
    is diverged, and its distances are as they come.
    """
    diverged = (~np.isfinite(record["margin"])).any(axis=1)
    found = []
    for part in split.parts:
        columns = split.columns(part)
        each = {
            name: record[statistic][:, columns].mean(axis=1, dtype=float)
            for name, statistic in COLUMNS.items()
        }
        row: dict[str, Any] = {"split": part}
        for name, values in each.items():
            row[name] = values.mean()
            row[f"{name}_sd"] = values.std(ddof=1) if len(values) > 1 else np.nan
        row |= {"diverged_models": int(diverged.sum()), "n_models": len(diverged)}
        models = {name: values.tolist() for name, values in each.items()}
        found.append(row | {"models": models | {"diverged": diverged.tolist()}})
    return found
