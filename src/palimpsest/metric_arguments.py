"""Command-line arguments that say how KLoM is computed, shared by the programs that score."""

import argparse
from typing import Any

from palimpsest.metrics import DIRECTIONS, MODES
from palimpsest.programs import whole


def add_klom(parser: argparse.ArgumentParser) -> None:
    """--mode, --direction, --bins, --clip, --floor, --percentile; the defaults are ours."""
    group = parser.add_argument_group("KLoM")
    group.add_argument("--mode", choices=list(MODES), default="ours")
    group.add_argument("--direction", choices=list(DIRECTIONS), default="unlearned||oracle")
    group.add_argument("--bins", type=whole(2), default=20)
    group.add_argument("--clip", type=float, default=100.0)
    group.add_argument("--floor", type=float, default=1e-5)
    group.add_argument("--percentile", type=float, default=95.0, help="over the points of a set")


def klom_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of `palimpsest.metrics.klom`."""
    return {name: getattr(args, name) for name in ("mode", "direction", "bins", "clip", "floor")}
