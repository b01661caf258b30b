"""Files that are whole or absent, and nothing but files: no device, no pipe, no folder."""

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
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
LONGEST_TEXT = 10**9
"""bytes of a text: none that is read here comes near"""
_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


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


def regular_file(path: str | Path, what: str = "file") -> Path:
    """`path`; InputError unless a file lies there, `what` it is to be, that can be read.

    Whoever reads a file asks here first: a pipe would be waited for without end, and a device, or a
    file with a hole of a terabyte, fill the memory.
    """
    path = Path(path)
    found = _status(path)
    if found is None:
        raise InputError(f"{path}: there is no such {what}")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is {_KINDS[stat.S_IFMT(found.st_mode)]}; needed: a {what}")
    memory = memory_here()
    if found.st_size > memory:
        raise InputError(
            f"{path}: has {found.st_size / 1e9:.0f} GB, and this machine {memory / 1e9:.0f} GB of "
            f"memory; needed: a {what} that fits into it"
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: cannot be read ({os.strerror(errno.EACCES)})")
    return path


def memory_here() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def read_text(path: str | Path, what: str = "file", most: int = LONGEST_TEXT) -> str:
    """A text file of at most `most` bytes; InputError for what is none, UnicodeDecodeError for one
    that is not UTF-8."""
    path = regular_file(path, what)
    size = path.stat().st_size
    if size > most:
        raise InputError(f"{path}: has {size} bytes; allowed: at most {most}")
    return path.read_text(encoding="utf-8")


def check_place(path: str | Path) -> None:
    """InputError unless a file can be put at `path`: nothing is there, or a file that it replaces,
    and the folders above are folders, or can be made."""
    path = Path(path)
    found = _status(path)
    if found is not None and not stat.S_ISREG(found.st_mode):
        kind = _KINDS[stat.S_IFMT(found.st_mode)]
        raise InputError(f"{path}: is {kind}; needed: a place for a file")
    parent = path.absolute().parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"{path}: {parent} is no folder; needed: a place for a file")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: {parent} cannot be written; needed: a place for a file")


def _status(path: Path) -> os.stat_result | None:
    """What lies at `path`, links followed; None for nothing."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{str(path)[:200]}: cannot be looked up ({error.strerror})") from None
    except ValueError as error:  # a name with a null character
        raise InputError(f"{str(path)[:200]!r}: is no name of a file ({error})") from None


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without error.

    The temporary file keeps the suffix of `path` (NumPy and Matplotlib choose formats by suffix)
    and is removed when the block fails, so a reader never sees a half-written file. `guards` are
    asked before it is renamed. InputError where no file can be put (`check_place`).
    """
    path = Path(path)
    check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    start = os.fsdecode(os.fsencode(path.stem)[:100])  # names have at most 255 bytes
    handle, name = tempfile.mkstemp(
        prefix=f".{start}.", suffix=PARTIAL + path.suffix, dir=path.parent
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
        check_place(path)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: str | Path, value: dict[str, Any]) -> None:
    """Write `value` as indented JSON with the checksum of its content, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(sealed(value), indent=1) + "\n", encoding="utf-8")


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of JSON holds, with the checksum of it."""
    return {**value, SEAL_KEY: checksum_of(value)}


def read_json(path: str | Path, *, own: bool = False, seal: bool = False) -> Any:
    """Read JSON; InputError for a file that is missing, damaged, or not what its checksum says.

    `own`: the file is the user's, and no run would make it again. `seal`: a map of a run, whose
    checksum has to be there.
    """
    try:
        value = json.loads(read_text(path), object_pairs_hook=map_once)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}){'' if own else AGAIN}") from None
    if seal and not isinstance(value, dict):
        raise InputError(f"{path}: no map of results{AGAIN}")
    if isinstance(value, dict) and (seal or SEAL_KEY in value or MADE_BY in value):
        written = value.pop(SEAL_KEY, None)
        if written != checksum_of(value):
            raise InputError(altered(path))
    return value


def map_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A map of JSON; ValueError for a key that stands twice, of which the last would count."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} stands twice")
    return found


def altered(path: str | Path) -> str:
    """The sentence on a file whose content is not what its checksum says."""
    return f"{path}: damaged or altered, its content does not match its checksum{AGAIN}"


def one_line(error: Exception) -> str:
    """What an error says, short and on one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def checksum_of(value: Any) -> str:
    """SHA-256 of a value of JSON, in whatever order its maps are."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
