"""Unlearning methods by name: each file of this folder is one method.

A method is a module with `schedule(**settings) -> Schedule`. Its keyword arguments are its
settings, their defaults the paper's; a new file is found by its name, and the conformance tests run
for it without being told.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from palimpsest.phases import Schedule


def names() -> list[str]:
    """All methods, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def settings_of(method: str) -> list[str]:
    """The names of the settings that `method` takes."""
    return list(inspect.signature(function(method)).parameters)


def complete(method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """`settings` with the defaults of those that were left out, in the order of the method's."""
    parameters = inspect.signature(function(method)).parameters
    return {name: settings.get(name, parameters[name].default) for name in parameters}


def schedule(method: str, settings: dict[str, Any]) -> Schedule:
    """The schedule of `method`; ValueError for an unknown method, an unknown or missing setting."""
    unknown = set(settings) - set(settings_of(method))
    if unknown:
        raise ValueError(
            f"method {method}: unknown setting {', '.join(sorted(unknown))}; "
            f"allowed are {', '.join(settings_of(method)) or 'none'}"
        )
    for name, parameter in inspect.signature(function(method)).parameters.items():
        if name not in settings and parameter.default is parameter.empty:
            raise ValueError(f"method {method}: the setting {name} is missing")
    return function(method)(**settings)


def function(method: str) -> Callable[..., Schedule]:
    """What makes the schedule of `method` from its settings."""
    if method not in names():
        raise ValueError(f"unknown method {method!r}: allowed are {', '.join(names())}")
    made: Callable[..., Schedule] = importlib.import_module(f"{__name__}.{method}").schedule
    return made
