"""Downloads that break off: tried again, and in the end one sentence."""

import errno
import logging
import socket
import tarfile
import time
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from palimpsest.files import InputError, one_line

WAITS = (5, 20, 60)
"""seconds before each further try"""
SILENT = 60
"""seconds without a byte after which a download has broken off"""
_BROKEN = OSError, EOFError, RuntimeError, HTTPException, tarfile.TarError, zlib.error
"""RuntimeError is what torchvision says of a file that has another checksum, such as half a one"""


def again(fetch: Callable[[], None], title: str, folder: Path) -> None:
    """Call `fetch`, which puts `title` into `folder`, and again after each of WAITS if it breaks
    off.

    InputError when it does to the end; at once where another try would end alike.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENT)
    try:
        for wait in (*WAITS, None):
            try:
                return fetch()
            except _BROKEN as error:
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    raise InputError(
                        f"{folder}: the disk is full, and {title} is not there as a whole; "
                        "needed: more free space"
                    ) from None
                if wait is None or _lasts(error):
                    raise InputError(
                        f"{title} could not be had in {folder}: {one_line(error)}"
                    ) from None
                logging.warning("%s: %s; again in %d s", title, one_line(error), wait)
                time.sleep(wait)
    finally:
        socket.setdefaulttimeout(before)


def _lasts(error: Exception) -> bool:
    """Whether the server has no such file, or none can be written here."""
    if isinstance(error, HTTPError):
        return 400 <= error.code < 500 and error.code not in (408, 429)  # slow down, come again
    return isinstance(error, OSError) and error.filename is not None
