"""Metrics: each file is one, found by name; from records to rows of a table.

A metric has

    NEEDS       statistics that the records have to hold, see `records.STATISTICS`; they are kept
                for every experiment that names the metric
    more_needs(settings), if wanted
                those that they have to hold for such settings as well
    RECORDED, if wanted
                those of its settings that decide what the records hold
    check_network(network, **settings), if wanted
                SettingError for settings, one of them not None, that do not fit the run's network
    OF_ORACLES  whether the oracles themselves have a score (accuracy), or are the yardstick (KLoM)
    rows(record, original, oracle, split, reference, *, ...)
                one dictionary for each set of points ("split": those of `split.parts`), the rest of
                whose entries are results; the keywords are the metric's settings. `original` is
                the record of the models that the unlearned ones started from, row by row (None
                where the oracles themselves are scored). Two entries of a row, if it has them,
                go into tables of their own: the list `redraws`, repetitions of the score, into
                METRIC_redraws, and the map `models`, lists of what each model scored by name, into
                METRIC_models, a row for each model
    reference(oracle, split, *, ...), if wanted; its keywords are some of the settings
                what only the oracles decide, such as a floor: worked out once for all methods,
                kept as JSON and handed to `rows`

so that a table of a metric has the columns of its rows, and a new metric is this one file.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from palimpsest.registry import accepted, module


def needs(metric: ModuleType, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The statistics that the records have to hold for a metric with these settings."""
    more = getattr(metric, "more_needs", lambda _: ())
    return (*metric.NEEDS, *more(settings))


def needs_of(names: Iterable[str], settings: Mapping[str, Any]) -> set[str]:
    """The statistics that the metrics of these names need; `settings`: of each, by its name."""
    found = [needs(module("metrics", name), settings.get(name) or {}) for name in names]
    return {statistic for statistics in found for statistic in statistics}


def recorded(names: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings of the metrics of these names that decide what records hold, and are set."""
    return {
        key: (settings.get(name) or {})[key]
        for name in names
        for key in getattr(module("metrics", name), "RECORDED", ())
        if (settings.get(name) or {}).get(key) is not None
    }


def settings_on_oracles(metric: ModuleType, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a metric's settings on which depends what is scored of the oracles alone."""
    functions = [metric.rows] if metric.OF_ORACLES else []
    functions += [metric.reference] if hasattr(metric, "reference") else []
    used = {name for function in functions for name in accepted(function, settings)}
    return {name: value for name, value in settings.items() if name in used}
