"""The configuration: read, completed, and made into settings and plans; `checking` checks it whole.

What is wrong is told in one sentence (InputError) that names where it stands, the dotted key, what
was found and what is allowed. Nothing here imports torch, scipy or pandas. Every job imports this
package, so what only the start of a run needs stands in `checking` and what that imports.
"""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from palimpsest import registry
from palimpsest.config import settings
from palimpsest.config.grids import combinations, complete, flat, plan_of
from palimpsest.config.origins import Origins
from palimpsest.config.reading import load, merge
from palimpsest.config.sentences import validate

__all__ = ["combinations", "complete", "flat", "load", "merge", "metric", "plan_of", "section"]


def section(name: str, value: Any, where: str) -> dict[str, Any]:
    """One section given by hand, such as "training", or "forget_set": checked and complete.

    InputError names `where` it was given, such as "--training".
    """
    kind = settings.forget_set() if name == "forget_set" else settings.sections()[name]
    found = _validated(kind, value, where)
    return {key: entry for key, entry in found.items() if name != "metrics" or entry is not None}


def metric(name: str, value: Any, where: str, part: bool = False) -> dict[str, Any]:
    """The settings of one metric, given by hand: checked and complete, or the `part` given."""
    kind = registry.settings_of("metrics", name, list(value) if part else None)
    return _validated(kind, value, where)


def _validated(kind: type[BaseModel], value: Any, where: str) -> dict[str, Any]:
    checked = validate(kind, Origins(value, [(where, value)]))
    found: dict[str, Any] = TypeAdapter(kind).dump_python(checked)
    return found
