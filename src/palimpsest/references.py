"""What the oracles of a forget set decide alone, metric by metric: worked out once, kept as JSON.

A file of them says which oracles, and which settings of the metrics, they are of; whoever scores
against these oracles asks for just that.
"""

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from palimpsest import registry
from palimpsest.data.splits import Split
from palimpsest.files import AGAIN, MADE_BY, InputError, read_json, write_json
from palimpsest.population import OF, Population, check_population
from palimpsest.records import Record
from palimpsest.values import wrong


def write_references(
    path: str | Path,
    references: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    oracles: Record,
    split: Split,
    made_by: Mapping[str, str] | None = None,
) -> None:
    """Write the references of metrics, by name, that these settings give of these oracles."""
    content = {
        MADE_BY: made_by or {},
        OF: Population.of("oracle", split).as_map(),
        "seeds": oracles.seeds.tolist(),
        "metrics": {name: _decisive(name, metrics[name]) for name in references},
        "references": dict(references),
    }
    write_json(path, content)


def read_references(
    path: str | Path, metrics: Mapping[str, Mapping[str, Any]], oracles: Record, split: Split
) -> dict[str, Any]:
    """Those of the metrics that have one; InputError for a file of other oracles, of other
    settings, or of another form than the metric gives."""
    content = read_json(path, seal=True)
    maps = [content.get(key) for key in ("metrics", "references")]
    if "seeds" not in content or not all(isinstance(one, dict) for one in maps):
        raise InputError(f"{path}: not references of metrics{AGAIN}")
    check_population(Population.read(content.get(OF)), path, Population.of("oracle", split))
    if content["seeds"] != oracles.seeds.tolist():
        raise InputError(f"{path}: is of other oracles than those that are scored against")
    found = {}
    for name, settings in metrics.items():
        metric = registry.module("metrics", name)
        if not hasattr(metric, "reference"):
            continue
        if name not in content["references"]:
            raise InputError(f"{path}: holds no reference of the metric {name}{AGAIN}")
        known, needed = content["metrics"].get(name), _decisive(name, settings)
        if known != needed:
            raise InputError(
                f"{path}: its reference of the metric {name} was made with {known}; needed: "
                f"{needed}"
            )
        found[name] = content["references"][name]
        try:
            form = typing.get_type_hints(metric.reference, include_extras=True).get("return", Any)
            TypeAdapter(form).validate_python(found[name], strict=True)
        except ValidationError as error:
            raise InputError(
                f"{path}: not a reference of the metric ({wrong(error, name)}){AGAIN}"
            ) from None
    return found


def _decisive(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a metric on which its reference depends."""
    metric = registry.module("metrics", name)
    return registry.accepted(metric.reference, settings)
