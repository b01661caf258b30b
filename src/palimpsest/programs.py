"""What every program in src/ shares: how it starts, ends, and reports a wrong input."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path


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
