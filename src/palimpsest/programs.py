"""What every program in src/ shares: how it starts, ends, and reports a wrong input."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


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


def json_map(text: str) -> dict[str, Any]:
    """An argparse type: a JSON map."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not a map")
    return value


def named_paths(words: list[str]) -> dict[str, list[Path]]:
    """NAME=PATH words as the paths of each name, in their order; ValueError for another form."""
    found: dict[str, list[Path]] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (name.isidentifier() and equals and path):
            raise ValueError(f"{word!r} is not of the form NAME=PATH")
        found.setdefault(name, []).append(Path(path))
    return found


def run_program(main: Callable[[], None]) -> None:
    """Run `main`, logging start and finish to stderr, and end the program.

    A ValueError (InputError included) becomes `error: <sentence>` on stderr and exit code 1,
    without a traceback; any other exception is a defect and keeps its traceback.
    """
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
    logging.info("%s done in %.1f s", program, time.perf_counter() - started)
