"""Things found by name: each file of a folder is one, its settings the keywords of its function.

A method, a model, a metric, ... is a Python file in the folder of its kind. The function that makes
it has the name that stands in KINDS; the arguments after `*` are its settings, each annotated (see
`values`). From them a closed, strict pydantic model is made, which checks the configuration and the
programs' arguments alike. Nothing here imports torch.
"""

import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from palimpsest.files import InputError
from palimpsest.values import Once

LIBRARY = Path(__file__).parent
KINDS = {
    "methods": "plan",
    "preparations": "prepare",
    "models": "build",
    "metrics": "rows",
    "data/sources": "load",
    "data/forget_sets": "choose",
}
"""folder -> the name of the function that each of its files has"""


def names(folder: str) -> list[str]:
    """The things of a folder such as "methods" or "data/sources", sorted."""
    found = (module.name for module in pkgutil.iter_modules([str(LIBRARY / folder)]))
    return sorted(name for name in found if not name.startswith("_"))


def module(folder: str, name: str) -> ModuleType:
    """The module of one thing; InputError for a name that has no file."""
    if name not in names(folder):
        allowed = ", ".join(names(folder))
        raise InputError(f"{folder}: there is no {name!r}; allowed: {allowed}")
    return importlib.import_module(f"palimpsest.{folder.replace('/', '.')}.{name}")


def function(folder: str, name: str) -> Callable[..., Any]:
    """The function that makes a thing; InputError if its file has none."""
    made = getattr(module(folder, name), KINDS[folder], None)
    if not callable(made):
        raise InputError(
            f"{_file(folder, name)}: has no function {KINDS[folder]}; needed: one, whose arguments "
            "after * are the settings"
        )
    found: Callable[..., Any] = made
    return found


@functools.cache
def settings_of(folder: str, name: str) -> type[BaseModel]:
    """The settings of a thing as a pydantic model that is closed (no other keys) and strict.

    InputError for a setting without an annotation.
    """
    made = function(folder, name)
    hints = inspect.get_annotations(made, eval_str=False)
    scope = vars(inspect.getmodule(made))
    fields: dict[str, Any] = {}
    for key, parameter in inspect.signature(made).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if key not in hints:
            raise InputError(
                f"{_file(folder, name)}: the setting {key} of {KINDS[folder]}() has no annotation; "
                "needed: a kind of value (palimpsest/values.py), bool or a Literal"
            )
        hint = hints[key]
        hint = eval(hint, scope) if isinstance(hint, str) else hint  # only of this library's files
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[key] = (hint, default)
    config = ConfigDict(extra="forbid", strict=True, frozen=True)
    return create_model(f"{folder}/{name}", __config__=config, **fields)


def grid_of(folder: str, name: str) -> type[BaseModel]:
    """Like `settings_of`, but each setting is a list of values, each once: a grid."""
    config = ConfigDict(extra="forbid", strict=True, frozen=True)
    fields: dict[str, Any] = {}
    for key, field in settings_of(folder, name).model_fields.items():
        hint: Any = field.annotation
        for part in field.metadata:
            hint = typing.Annotated[hint, part]
        entries = typing.Annotated[list[hint], Field(min_length=1), Once]
        default = ... if field.is_required() else [field.default]
        fields[key] = (entries, default)
    return create_model(f"{folder}/{name} grid", __config__=config, **fields)


def make(folder: str, name: str, *given: Any, settings: Mapping[str, Any]) -> Any:
    """Call the function of a thing with the `settings`, which must be complete and checked."""
    return function(folder, name)(*given, **settings)


def _file(folder: str, name: str) -> str:
    return f"src/palimpsest/{folder}/{name}.py"
