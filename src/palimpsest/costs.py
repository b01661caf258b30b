"""What populations cost: gradient passes and wall time, from the files that jobs leave."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.files import AGAIN, InputError, read_json


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """--seconds: whether tables have wall times."""
    parser.add_argument(
        "--seconds",
        choices=["measured", "omitted"],
        default="measured",
        help="omitted: leave wall times out, so that equal runs give equal tables",
    )


def read_costs(path: Path, method: str) -> dict[str, Any]:
    """The costs of a block of a method; InputError if they are of another, or no costs."""
    costs: dict[str, Any] = read_json(path)
    keys = {"method", "settings", "models", "passes", "seconds", "epochs_separate", "epochs_shared"}
    if not isinstance(costs, dict) or not keys <= costs.keys():
        needed = ", ".join(sorted(keys))
        raise InputError(f"{path}: not the costs of unlearning; needed: {needed}{AGAIN}")
    settings = costs["settings"]
    if not isinstance(settings, list) or not all(isinstance(one, dict) for one in settings):
        raise InputError(f"{path}: not the costs of unlearning (settings are no maps){AGAIN}")
    for key in ("passes", "seconds"):
        if not isinstance(costs[key], list) or len(costs[key]) != len(settings):
            raise InputError(
                f"{path}: not the costs of unlearning ({key}, of {len(settings)} settings){AGAIN}"
            )
    if costs["method"] != method:
        raise InputError(f"{path}: holds the costs of {costs['method']}, and --method is {method}")
    return costs


def cost_of(
    number: int, costs: Sequence[Mapping[str, Any]], oracle_passes: int, seconds: str
) -> dict[str, float | None]:
    """Gradient passes of a setting in units of one oracle's training, and seconds per model."""
    models = sum(block["models"] for block in costs)
    spent = sum(block["seconds"][number] * block["models"] for block in costs) / models
    return {
        "relative_cost": costs[0]["passes"][number] / oracle_passes,
        "seconds": spent if seconds == "measured" else None,
    }


def oracle_seconds(paths: Sequence[Path], seconds: str) -> float | None:
    """Seconds that the training of one oracle took, the mean over blocks; None where not told."""
    if seconds == "omitted" or not paths:
        return None
    models, spent = 0, 0.0
    for path in paths:
        costs = read_json(path)
        if not isinstance(costs, dict) or not {"models", "seconds"} <= costs.keys():
            raise InputError(f"{path}: not the costs of training; needed: models, seconds{AGAIN}")
        models += costs["models"]
        spent += costs["models"] * costs["seconds"]
    return spent / models
