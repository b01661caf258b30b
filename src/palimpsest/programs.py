"""What every program in src/ shares: how it starts, ends, and reports a wrong input."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path


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
