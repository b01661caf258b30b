"""What populations cost: gradient passes and wall time, from the files that jobs leave."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palimpsest.data.splits import Split
from palimpsest.files import AGAIN, InputError, checksum_of, read_json
from palimpsest.population import OF, Population, check_population
from palimpsest.records import Record, load_population
from palimpsest.values import wrong


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """--seconds: whether tables have wall times."""
    parser.add_argument(
        "--seconds",
        choices=["measured", "omitted"],
        default="measured",
        help="omitted: leave wall times out, so that equal runs give equal tables",
    )


class _Costs(BaseModel):
    """What the file of a block holds, at least."""

    model_config = ConfigDict(strict=True)
    models: int = Field(ge=1)


class _Training(_Costs):
    seconds: float = Field(ge=0)


class _Unlearning(_Costs):
    method: str
    settings: list[dict[str, Any]]
    seeds: list[int]
    passes: list[float]
    seconds: list[float]
    epochs_separate: int
    epochs_shared: int


def _read(path: Path, form: type[_Costs], *needed: Population) -> dict[str, Any]:
    """The costs of a block, of this form; InputError for others, or for those of others."""
    costs: dict[str, Any] = read_json(path, seal=True)
    try:
        form.model_validate(costs)
    except ValidationError as error:
        what = form.__name__.strip("_").lower()
        raise InputError(f"{path}: not the costs of {what} ({wrong(error)}){AGAIN}") from None
    check_population(Population.read(costs.get(OF)), path, *needed)
    return costs


def load_unlearned(
    records: Sequence[Path], costs: Sequence[Path], split: Split, method: str
) -> tuple[Record, list[dict[str, Any]]]:
    """What a method made of originals on a split, and its costs, block by block.

    InputError for records or costs of anything else, or of other settings or models than each
    other.
    """
    record = load_population(records, split, "unlearned", method=method)
    found = [_read(path, _Unlearning, Population.of("unlearned", split, method)) for path in costs]
    known = record.population.settings if record.population else ""
    for path, block in zip(costs, found, strict=True):
        settings = block["settings"]
        lengths = {len(own) for own in (settings, block["passes"], block["seconds"])}
        if checksum_of(settings) != known or lengths != {len(record["margin"])}:
            raise InputError(
                f"{path}: the costs of {len(settings)} settings, which are not the "
                f"{len(record['margin'])} of {records[0]}; needed: those that were written with it"
            )
    if [seed for block in found for seed in block["seeds"]] != record.seeds.tolist():
        raise InputError(
            f"{costs[0]}: the costs of other models than those of {records[0]}; needed: those of "
            "the same blocks, in the same order"
        )
    return record, found


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


def oracle_seconds(paths: Sequence[Path], seconds: str, split: Split) -> float | None:
    """Seconds that the training of one oracle took, the mean over blocks; None where not told."""
    blocks = [_read(path, _Training, Population.of("oracle", split)) for path in paths]
    if seconds == "omitted" or not paths:
        return None
    spent = sum(block["models"] * block["seconds"] for block in blocks)
    return float(spent / sum(block["models"] for block in blocks))
