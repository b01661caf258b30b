"""What every program in src/ shares: how it starts, ends, and reports a wrong input."""

import argparse
import errno
import importlib
import inspect
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from palimpsest import files, runs, sources
from palimpsest.files import InputError


def whole(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small; allowed: {least} or more")
        return value

    return parse


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """--first-seed and --models: a block of consecutive seeds."""
    group = parser.add_argument_group("block of seeds")
    group.add_argument("--first-seed", type=whole(0), required=True, help="seed of the first model")
    group.add_argument("--models", type=whole(1), required=True, help="number of models")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, --precision and --stack."""
    group = parser.add_argument_group("device")
    group.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    group.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    group.add_argument(
        "--stack", type=whole(1), default=1, help="models run side by side; changes no result"
    )


def json_map(text: str) -> dict[str, Any]:
    """An argparse type: a JSON map."""
    value = _json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not a map")
    return value


def json_maps(text: str) -> list[dict[str, Any]]:
    """An argparse type: a JSON list of maps, not empty."""
    value = _json(text)
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not a list of maps")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not JSON ({error})") from None


def named_paths(words: list[str]) -> dict[str, list[Path]]:
    """NAME=PATH words as the paths of each name, in their order; ValueError for another form."""
    found: dict[str, list[Path]] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (name.isidentifier() and equals and path):
            raise ValueError(f"{word!r} is not of the form NAME=PATH")
        found.setdefault(name, []).append(Path(path))
    return found


def check_keywords(made: Callable[..., Any], given: Mapping[str, Any], where: str) -> None:
    """ValueError unless `given` are keywords of a function, and all that have no default."""
    known = {
        name: parameter.default is parameter.empty
        for name, parameter in inspect.signature(made).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{where}: unknown setting {name}; allowed: {allowed}")
    for name, needed in known.items():
        if needed and name not in given:
            raise ValueError(f"{where}: {name} is missing; needed: a value of it in --settings")


def run_program(main: Callable[[], None]) -> None:
    """Run `main`, logging start and finish to stderr, and end the program.

    A ValueError (InputError included) and a full disk become `error: <sentence>` on stderr and exit
    code 1, without a traceback; any other exception is a defect and keeps its traceback. Files are
    put in place only while the program's sources are unchanged and its run has not been followed by
    another.
    """
    sources.remember(sys.argv[0])
    files.guards[:] = [runs.check_wanted, lambda _: sources.check_unchanged()]
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    program = Path(sys.argv[0]).stem
    started = time.perf_counter()
    logging.info("%s starts", program)
    try:
        main()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = f" for {error.filename}" if error.filename else ""
        print(f"error: the disk is full{place}; needed: more free space", file=sys.stderr)
        sys.exit(1)
    logging.info("%s done in %.1f s", program, time.perf_counter() - started)


def study_module(study: str, name: str) -> ModuleType:
    """A file of the study that --study names, such as "measures"; InputError if it has none."""
    file = Path(__file__).parent / "studies" / study / f"{name}.py"
    if not file.is_file():
        raise InputError(f"--study is {study!r}, and there is no {file}")
    return importlib.import_module(f"palimpsest.studies.{study}.{name}")
