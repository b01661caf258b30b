"""Settings of methods: combinations of grids, the plans that they make, and their columns."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from palimpsest import registry
from palimpsest.config.origins import Origins
from palimpsest.config.sentences import validate
from palimpsest.config.settings import grid_of
from palimpsest.files import InputError, SettingError
from palimpsest.plans.plan import Plan, Prepare
from palimpsest.values import repeated

PREPARE = "prepare"
"""the key of a grid under which preparations stand, for whatever method"""
MOST = 10_000
"""settings of a method: each is a run of all models, and a row of every table"""


def combinations(method: str, grids: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every setting of a method's grids, complete: for each grid the product of its lists.

    A setting has the keys in the order of the method's signature, defaults filled in, and last, if
    any of the grids names preparations, `prepare`: None or a map of name and settings. InputError
    for a grid that is wrong.
    """
    model, where = grid_of(method), f"a grid of {method}"
    prepared = any(PREPARE in lists for lists in grids)
    settings: list[dict[str, Any]] = []
    for lists in grids:
        complete = validate(model, Origins(lists, [(where, lists)])).model_dump()
        if not prepared:
            del complete[PREPARE]
        number = len(settings) + math.prod(map(len, complete.values()))
        if number > MOST:
            key = max(lists, key=lambda name: len(lists[name]))
            found = f"is a list of {len(lists[key])}: {number} settings of {method} in all"
            raise SettingError(key, found, f"at most {MOST} settings")
        product = itertools.product(*complete.values())
        settings += [dict(zip(complete, values, strict=True)) for values in product]
    return settings


def complete(
    method: str, settings: Sequence[Mapping[str, Any]], where: str
) -> list[dict[str, Any]]:
    """Settings of a method given by hand: checked, defaults filled in, as in `combinations`.

    InputError for one that stands twice.
    """
    found = [_complete(method, setting, where) for setting in settings]
    if (number := repeated(list(map(json.dumps, found)))) is not None:
        raise InputError(f"{where} names {json.dumps(found[number])} twice; allowed: each once")
    return found


def _complete(method: str, setting: Mapping[str, Any], where: str) -> dict[str, Any]:
    lists = {key: [value] for key, value in setting.items()}
    found = validate(grid_of(method), Origins(lists, [(where, lists)])).model_dump()
    return {key: value[0] for key, value in found.items() if key != PREPARE or key in setting}


def plan_of(method: str, setting: Mapping[str, Any]) -> Plan:
    """The plan of a setting of `combinations`; SettingError if its values do not fit each other."""
    settings = dict(setting)
    prepare = settings.pop(PREPARE, None)
    plan: Plan = registry.make("methods", method, settings=settings)
    if prepare is None:
        return plan
    if plan.prepare is not None:
        found = f"names {prepare['name']}, and {method} prepares the network by itself"
        raise SettingError(PREPARE, found, f"no {PREPARE} here, or null")
    if not plan.epochs:
        found = f"names {prepare['name']}, and {method} takes no step"
        raise SettingError(PREPARE, found, f"no {PREPARE} here, or null")
    own = tuple((key, value) for key, value in prepare.items() if key != "name")
    return replace(plan, prepare=Prepare(prepare["name"], own))


def flat(setting: Mapping[str, Any]) -> dict[str, Any]:
    """A setting as columns of a table: the settings of `prepare` are called prepare_..."""
    columns = dict(setting)
    prepare = columns.get(PREPARE)
    if prepare is not None:
        columns[PREPARE] = prepare["name"]
        columns |= {f"{PREPARE}_{key}": own for key, own in prepare.items() if key != "name"}
    return columns
