"""Which code makes a result: the library files that a program imports, and their digest.

A job whose source files are edited while it runs would leave a result of the old code under the
date of the new; so a program remembers the sources it started with, and `check_unchanged` stands
before every file that it puts in place (`files.atomic_path`).
"""

import ast
import functools
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from palimpsest.files import InputError

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # lists of statements in a node
_LIBRARY = Path(__file__).resolve().parents[1]  # the folder that holds the package
_started: dict[Path, str] = {}
_watched: dict[Path, str] = {}


@functools.cache
def imports_of(path: str) -> frozenset[str]:
    """The files of the library that the Python file `path` imports, itself and theirs included.

    Paths are as in `path`, relative to the repository: src/palimpsest/...
    """
    found = {path}
    pending = [path]
    while pending:
        new = _named_in(pending.pop()) - found
        found |= new
        pending += new
    return frozenset(found)


@functools.cache
def _named_in(path: str) -> frozenset[str]:
    """The files of the library that the import statements of one file name."""
    modules = []
    pending: list[ast.AST] = [ast.parse(Path(path).read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
        for block in _BLOCKS:  # imports are statements: expressions need no look
            pending += getattr(node, block, ())
    found = set()
    for module in modules:
        parts = module.split(".")
        if parts[0] != "palimpsest":
            continue
        for depth in range(1, len(parts) + 1):  # a package's __init__ runs as well
            base = Path("src", *parts[:depth])
            files = (base.with_suffix(".py"), base / "__init__.py")
            found |= {str(file) for file in files if file.is_file()}
    return frozenset(found)


def remember(program: str | Path) -> None:
    """Take down every source file as it is now: at a program's start."""
    _started.clear()
    _watched.clear()
    for file in (Path(program).resolve(), *(_LIBRARY / "palimpsest").rglob("*.py")):
        if file.is_file():
            _started[file] = _digest(file)


def watch(files: Iterable[Path]) -> None:
    """Take down files that the program rests on without loading them, such as a notebook's."""
    for file in files:
        _watched[file.resolve()] = _digest(file)


def digest() -> str:
    """The digest of the sources in use, as they were at the start; "" before `remember`."""
    whole = hashlib.sha256()
    for file in sorted(_used()):
        whole.update(f"{file.name} {_started[file]}\n".encode())
    return whole.hexdigest() if _started else ""


def check_unchanged() -> None:
    """InputError for the first source in use that is not as it was at the start."""
    before = {file: _started[file] for file in _used()} | _watched
    for file in sorted(before):
        if not file.is_file() or _digest(file) != before[file]:
            raise InputError(
                f"{file} was changed while this job ran with what it held before; nothing was "
                "written: run again"
            )


def _used() -> set[Path]:
    """The remembered files that are loaded."""
    loaded = {
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in ("__main__", "palimpsest")
    }
    return {Path(file).resolve() for file in loaded if file} & _started.keys()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
