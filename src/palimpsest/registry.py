"""Things found by name: each file of a folder is one, its settings the keywords of its function.

A method, a model, a metric, ... is a Python file in the folder of its kind. The function that makes
it has the name that stands in KINDS; the arguments after `*` are its settings, each annotated (see
`values`). From them closed, strict pydantic models are made, which check the configuration and the
programs' arguments alike. Nothing here imports torch.
"""

import functools
import importlib
import inspect
import operator
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model
from pydantic.errors import PydanticUserError

from palimpsest.files import InputError
from palimpsest.values import Closed, Once, Some

KINDS = {
    "methods": "plan",
    "preparations": "prepare",
    "models": "build",
    "metrics": "rows",
    "data/sources": "load",
    "data/forget_sets": "choose",
    "datamodels/estimators": "estimate",
}
"""folder -> the name of the function that each of its files has"""


GIVEN = {
    "methods": 0,
    "preparations": 3,
    "models": 1,
    "metrics": 5,
    "data/sources": 3,
    "data/forget_sets": 3,
    "datamodels/estimators": 1,
}
"""folder -> how many arguments stand before * in that function, handed in by the engine"""
RESERVED = ("forget_set", "method", "split", "name", "kind", "prepare")
"""names that no setting may have"""


def names(folder: str) -> list[str]:
    """The things of a folder such as "methods" or "data/sources", sorted."""
    package = importlib.import_module(_dotted(folder))
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def module(folder: str, name: str) -> ModuleType:
    """The module of one thing; InputError for a name that has no file."""
    if name not in names(folder):
        allowed = ", ".join(names(folder))
        raise InputError(f"{folder}: there is no {name!r}; allowed: {allowed}")
    try:
        return importlib.import_module(f"{_dotted(folder)}.{name}")
    except Exception as error:
        kind, found = type(error).__name__, " ".join(str(error).split())
        raise InputError(
            f"{_file(folder, name)}: cannot be loaded ({kind}: {found}); needed: a Python file "
            "that can be imported"
        ) from error


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


def make(folder: str, name: str, *given: Any, settings: Mapping[str, Any]) -> Any:
    """Call the function of a thing with the `settings`, which must be complete and checked."""
    return function(folder, name)(*given, **settings)


def accepted(made: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `settings` that are keywords of a function."""
    known = inspect.signature(made).parameters
    return {key: value for key, value in settings.items() if key in known}


def keywords(made: Callable[..., Any], file: str) -> dict[str, tuple[Any, Any]]:
    """Annotation and default (`...`: none) of each keyword of a function, for `create_model`.

    InputError, which names the `file`, for a keyword without an annotation.
    """
    fields = {}
    for key, parameter in inspect.signature(made).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if key in RESERVED:
            raise InputError(
                f"{file}: the setting {key} of {made.__name__}() has a name that tables and grids "
                f"use; needed: another than {', '.join(RESERVED)}"
            )
        hint = parameter.annotation
        if hint is parameter.empty:
            raise InputError(
                f"{file}: the setting {key} of {made.__name__}() has no annotation; "
                "needed: a kind of value (palimpsest/values.py), bool or a Literal"
            )
        if isinstance(hint, str):  # the file postpones its annotations
            hint = _evaluated(hint, made, file)
        fields[key] = (hint, ... if parameter.default is parameter.empty else parameter.default)
    return fields


def _evaluated(hint: str, made: Callable[..., Any], file: str) -> Any:
    try:
        return eval(hint, vars(inspect.getmodule(made)))  # of a file of this library
    except Exception as error:
        raise InputError(
            f"{file}: the annotation {hint} cannot be read ({error}); needed: a name that the "
            "file knows"
        ) from error


def settings_of(folder: str, name: str, only: list[str] | None = None) -> type[BaseModel]:
    """The settings of a thing as a model; with `only`, those of them."""
    fields = _keywords(folder, name)
    if only is not None:
        fields = {key: field for key, field in fields.items() if key in only}
    return _model(f"{folder}/{name}", fields)


def grid_of(folder: str, name: str, **more: Any) -> type[BaseModel]:
    """Like `settings_of`, but each setting is a list of values, each once: a grid.

    `more` are further settings, name to annotation, that every grid of the kind may hold; left
    out, their one value is None.
    """
    fields = _keywords(folder, name) | {key: (hint, None) for key, hint in more.items()}
    lists = {
        key: (_each_once(hint), ... if default is ... else [default])
        for key, (hint, default) in fields.items()
    }
    return _model(f"{folder}/{name} grid", lists)


def tagged(folder: str, key: str, base: type[BaseModel] = Closed) -> Any:
    """A map that names one of a folder's things under `key`, and holds its settings: an annotation.

    `base` has the keys that all things of the folder share.
    """
    members: list[Any] = [
        _model(f"{folder}/{name}", {key: (Literal[name], ...)} | _keywords(folder, name), base)
        for name in names(folder)
    ]
    if len(members) == 1:
        return members[0]
    return Annotated[functools.reduce(operator.or_, members), Field(discriminator=key)]


def _model(title: str, fields: Any, base: type[BaseModel] = Closed) -> type[BaseModel]:
    return create_model(title, __base__=base, **fields)


def _each_once(hint: Any) -> Any:
    return Annotated[list[hint], Some, Once]


@functools.cache
def _keywords(folder: str, name: str) -> dict[str, tuple[Any, Any]]:
    made, file = function(folder, name), _file(folder, name)
    parameters = inspect.signature(made).parameters.values()
    before = sum(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
    loose = any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in parameters)
    if before != GIVEN[folder] or loose:
        raise InputError(
            f"{file}: {made.__name__}{inspect.signature(made)} has other arguments before * than "
            f"it is given; needed: {GIVEN[folder]} before *, and the settings after it"
        )
    fields = keywords(made, file)
    try:
        _model(f"{folder}/{name}", fields)
    except PydanticUserError as error:
        found = str(error).splitlines()[0]
        raise InputError(
            f"{file}: an annotation is no kind of value ({found}); needed: one of "
            "palimpsest/values.py, bool or a Literal"
        ) from error
    return fields


def _dotted(folder: str) -> str:
    return f"palimpsest.{folder.replace('/', '.')}"


def _file(folder: str, name: str) -> str:
    return f"src/palimpsest/{folder}/{name}.py"
