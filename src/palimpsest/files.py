"""Files that are either whole or absent: write to a temporary name, then rename."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTIAL = ".partial"
"""in the names of files that are being written"""
guards: list[Callable[[Path], None]] = []
"""asked before a file is put in place: an InputError of theirs keeps it out"""
AGAIN = "; delete it, then run again"
"""the end of a sentence on a damaged result"""
SEAL_KEY = "sha256"
"""the name, in a file, of the checksum of its content"""
MADE_BY = "made_by"
"""and of what made it; a file that says so has a checksum"""


class InputError(ValueError):
    """A file or a setting given by the user is wrong; the message is one clear sentence."""


class SettingError(InputError):
    """A setting is wrong; whoever knows where it stands puts the place before the sentence.

    Args:
        key: the setting.
        found, allowed: the parts of the sentence `KEY {found}; allowed: {allowed}`.
    """

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key} {found}; allowed: {allowed}")
        self.key, self.found, self.allowed = key, found, allowed


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without error.

    The temporary file keeps the suffix of `path` (NumPy and Matplotlib choose formats by suffix)
    and is removed when the block fails, so a reader never sees a half-written file. `guards` are
    asked before it is renamed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem[:100]}.", suffix=PARTIAL + path.suffix, dir=path.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        for allowed in guards:
            allowed(path)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: str | Path, value: dict[str, Any]) -> None:
    """Write `value` as indented JSON with the checksum of its content, atomically."""
    sealed = {**value, SEAL_KEY: _checksum_of(value)}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(sealed, indent=1) + "\n", encoding="utf-8")


def read_json(path: str | Path, *, own: bool = False) -> Any:
    """Read JSON; InputError for a file that is missing, damaged, or not what its checksum says.

    `own`: the file is the user's, and no run would make it again.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}){'' if own else AGAIN}") from None
    if isinstance(value, dict) and (SEAL_KEY in value or MADE_BY in value):
        written = value.pop(SEAL_KEY, None)
        if written != _checksum_of(value):
            raise InputError(altered(path))
    return value


def altered(path: str | Path) -> str:
    """The sentence on a file whose content is not what its checksum says."""
    return f"{path}: damaged or altered, its content does not match its checksum{AGAIN}"


def one_line(error: Exception) -> str:
    """What an error says, short and on one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _checksum_of(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
