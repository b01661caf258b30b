"""A job whose source files change while it runs puts nothing in place."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "palimpsest"
PROGRAM = """
import sys
sys.path.insert(0, {library!r})
from pathlib import Path
from palimpsest import files, programs, sources

def main():
    {edit}
    with files.atomic_path({out!r}) as temporary:
        temporary.write_text(sources.digest())

programs.run_program(main)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the library that may be edited."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "src" / "palimpsest")).parent


def run(library: Path, edit: str = "pass") -> tuple[str, str | None]:
    """What a program says that edits a source while it runs, and what it wrote."""
    out = library.parent / "result.txt"
    out.unlink(missing_ok=True)
    program = library.parent / "program.py"
    program.write_text(PROGRAM.format(library=str(library), edit=edit, out=str(out)))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) == out.is_file()
    return done.stderr, out.read_text() if out.is_file() else None


def appended(file: Path) -> str:
    return f"Path({str(file)!r}).open('a').write('# edited')"


def test_an_edit_of_what_the_program_loaded_keeps_the_result_out(library: Path) -> None:
    edited = library / "palimpsest" / "files.py"
    said, written = run(library, appended(edited))
    assert written is None
    assert f"error: {edited} was changed while this job ran" in said
    assert not list(library.parent.glob(".*partial*"))


def test_an_edit_of_what_it_did_not_load_is_of_no_matter(library: Path) -> None:
    _, written = run(library, appended(library / "palimpsest" / "plots" / "style.py"))
    assert written


def test_the_digest_is_that_of_the_loaded_code(library: Path) -> None:
    _, first = run(library)
    _, again = run(library)
    assert first == again
    (library / "palimpsest" / "plots" / "style.py").open("a").write("# edited")
    assert run(library)[1] == first
    (library / "palimpsest" / "runs.py").open("a").write("# edited")
    assert run(library)[1] != first


def test_a_full_disk_is_told_in_a_sentence(library: Path) -> None:
    said, written = run(library, "import errno; raise OSError(errno.ENOSPC, 'full', 'klom.npz')")
    assert written is None
    assert "error: the disk is full for klom.npz; needed: more free space" in said
