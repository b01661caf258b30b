"""KLoM and accuracy of a population, set of points by set of points."""

from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.margins import Margins
from palimpsest.metrics import clipped_points, klom, klom_intervals, nan_points

PARTS = ("forget", "retain", "val")


def percentile_name(percentile: float) -> str:
    """How columns name a percentile: p95, p99.5."""
    return f"p{percentile:.9f}".rstrip("0").rstrip(".")


def klom_rows(
    unlearned: np.ndarray,
    oracle: np.ndarray,
    split: Split,
    null: dict[str, float],
    *,
    percentile: float,
    repeats: int,
    settings: dict[str, Any],
) -> list[dict[str, Any]]:
    """One row per set of points for margins (models, points) of a population and its oracles.

    Args:
        null: null floor of each set.
        repeats: redrawn populations behind the interval.
        settings: keyword arguments of `klom`.
    """
    columns = {part: split.columns(part) for part in PARTS}
    scores = klom(unlearned, oracle, **settings)
    intervals = klom_intervals(
        unlearned, oracle, columns, percentile=percentile, repeats=repeats, **settings
    )
    name = percentile_name(percentile)
    return [
        {
            "split": part,
            f"klom_{name}": intervals[part].score,
            "ci_low": intervals[part].ci_low,
            "ci_high": intervals[part].ci_high,
            f"null_{name}": null[part],
            "klom_mean": scores[where].mean(),
            "n_models": len(unlearned),
            "nan_points": nan_points(unlearned[:, where], oracle[:, where]),
            "clipped_points": clipped_points(
                unlearned[:, where], oracle[:, where], clip=settings["clip"]
            ),
        }
        for part, where in columns.items()
    ]


def accuracy_rows(population: Margins, split: Split) -> list[dict[str, Any]]:
    """One row per set of points: accuracy over models (mean and sd), diverged models.

    A model is diverged when any of its margins is not a finite number.
    """
    rows = []
    diverged = int((~np.isfinite(population.margins)).any(axis=1).sum())
    for part in PARTS:
        accuracies = population.correct[:, split.columns(part)].mean(axis=1)
        rows.append(
            {
                "split": part,
                "accuracy": accuracies.mean(),
                "accuracy_sd": accuracies.std(ddof=1) if len(accuracies) > 1 else np.nan,
                "diverged_models": diverged,
                "n_models": len(accuracies),
            }
        )
    return rows
