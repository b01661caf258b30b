"""Sections of the configuration as arguments of a program: completed from config.yaml, checked."""

import argparse
from pathlib import Path
from typing import Any

from palimpsest import config, registry
from palimpsest.files import InputError
from palimpsest.metrics import settings_on_oracles
from palimpsest.programs import json_map

SHIPPED = Path(__file__).parents[2] / "config.yaml"


def add_section(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """--NAME: a section of the configuration, as JSON; `section` completes and checks it."""
    parser.add_argument(
        f"--{name}", type=json_map, default={}, metavar="JSON",
        help=f"{text}, such as the section {name} of config.yaml, which holds for what is left out",
    )  # fmt: skip


def section(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """The section that --NAME gave, completed from config.yaml and checked; InputError if wrong.

    Maps merge, as in an overlay. Nothing is taken from config.yaml where --NAME names another thing
    (model, data set) than it.
    """
    given, shipped = getattr(args, name), config.load([SHIPPED])[name]
    if given.get("name", shipped.get("name")) != shipped.get("name"):
        shipped = {}
    return config.section(name, config.merge(shipped, given), f"--{name}")


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """--metrics: which metrics, each with its settings; `metrics_of` completes and checks them."""
    parser.add_argument(
        "--metrics", type=json_map, required=True, metavar="JSON",
        help='metrics with their settings, such as \'{"accuracy": {}, "klom": {"bins": 20}}\'; '
        "the section metrics of config.yaml holds for what is left out",
    )  # fmt: skip


def metrics_of(args: argparse.Namespace, on_oracles: bool = False) -> dict[str, dict[str, Any]]:
    """The metrics that --metrics gave, by name, with complete settings; InputError if wrong.

    `on_oracles` asks only for the settings on which what is scored of the oracles alone depends.
    """
    shipped, found = config.load([SHIPPED])["metrics"], {}
    if not args.metrics:
        raise InputError("--metrics names no metric; needed: at least one")
    for name, given in args.metrics.items():
        metric, value = registry.module("metrics", name), given
        if isinstance(given, dict):
            value = {**shipped.get(name, {}), **given}
            value = settings_on_oracles(metric, value) if on_oracles else value
        part = on_oracles and isinstance(value, dict)
        found[name] = config.metric(name, value, f"--metrics: {name}", part)
    return found
