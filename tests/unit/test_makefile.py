"""What make does around Snakemake, with programs that stand for those of .venv."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "<html>" + "x" * 1000 + "</html>"
# Writes down its arguments; makes a notebook's page, and a report of what the file `page` holds.
SNAKEMAKE = """#!/bin/bash
printf '%s\\n' "$@" >> asked
echo "${PYTHONDONTWRITEBYTECODE-}" > no_bytecode
if [ "$1" = --report ]; then cp page "$2"; else mkdir -p "results/$(cat name)/ascent";
touch "results/$(cat name)/ascent/report.html"; fi
"""
# Shows progress by running the command, and says the run's name as palimpsest.config does.
PYTHON = """#!/bin/bash
case "$1" in
    -m) [ ! -e wrong ] || { echo "error: config.yaml: wrong" >&2; exit 1; }; cat name;;
    *) shift; exec "$@";;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with this project's Makefile, and a .venv that has just been made."""
    place = tmp_path / "a place"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name, text in (("snakemake", SNAKEMAKE), ("python", PYTHON)):
        program = place / ".venv" / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
    (place / ".venv" / "bin" / "activate").write_text(f'VIRTUAL_ENV="{place / ".venv"}"\n')
    (place / "envs").mkdir()
    (place / "envs" / "requirements.lock").touch()
    (place / ".venv" / "installed").touch()
    (place / "name").write_text("of_my_own\n")
    (place / "page").write_text(PAGE)
    return place


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make there, away from the make that runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=folder, env=inherited, capture_output=True, text=True
    )


def test_the_report_is_made_where_the_configuration_says(folder: Path) -> None:
    done = make(folder)
    assert done.returncode == 0, done.stderr
    results = folder / "results" / "of_my_own"
    assert (results / "report.html").read_text() == PAGE
    assert sorted(path.name for path in results.iterdir()) == ["ascent", "report.html"]
    assert "report: results/of_my_own/report.html" in done.stdout
    asked = (folder / "asked").read_text()
    assert make(folder).returncode == 0
    assert (folder / "asked").read_text().count("--report\n") == asked.count("--report\n") + 1


@pytest.mark.parametrize("page", [PAGE[:500], ""])
def test_a_report_that_is_not_whole_is_not_there(folder: Path, page: str) -> None:
    (folder / "page").write_text(page)
    done = make(folder)
    assert done.returncode != 0
    assert "could not be written whole" in done.stderr
    assert not (folder / "results" / "of_my_own" / "report.html").exists()
    (folder / "page").write_text(PAGE)
    assert make(folder).returncode == 0


def test_a_report_is_made_though_the_logs_were_deleted(folder: Path) -> None:
    assert not (folder / "logs").exists()
    assert make(folder).returncode == 0
    assert (folder / "logs" / "of_my_own" / "report.log").is_file()


def test_what_is_imported_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert make(folder).returncode == 0
    assert (folder / "no_bytecode").read_text() == "\n"


def test_configuration_files_keep_their_names(folder: Path) -> None:
    for name in ("my run.yaml", "it's.yaml", "more.yaml"):
        (folder / name).touch()
    for given, passed in (
        ("my run.yaml", ["my run.yaml"]),
        ("it's.yaml more.yaml", ["it's.yaml", "more.yaml"]),
    ):
        (folder / "asked").unlink(missing_ok=True)
        done = make(folder, "run", f"CONFIG={given}")
        assert done.returncode == 0, done.stderr
        assert (folder / "asked").read_text().splitlines() == ["--configfile", *passed]
    done = make(folder, "CONFIG=none.yaml")
    assert "CONFIG=none.yaml: there is no such file" in done.stderr


def test_what_is_wrong_ends_make_before_snakemake(folder: Path) -> None:
    (folder / "wrong").touch()
    done = make(folder)
    assert done.returncode != 0
    assert "error: config.yaml: wrong" in done.stderr
    (folder / "wrong").unlink()
    for name in (".snakemake", "logs", "results"):
        (folder / name).write_text("")
        done = make(folder)
        assert done.returncode != 0
        assert f"error: {name} is a file where a folder belongs" in done.stderr
        (folder / name).unlink()
    assert not (folder / "asked").exists()


def test_an_environment_of_another_folder_is_made_anew(folder: Path) -> None:
    moved = folder.rename(folder.with_name("elsewhere"))
    python = moved / "python"  # in place of the one that makes environments
    python.write_text('#!/bin/bash\necho "$@" > made\n')
    python.chmod(0o755)
    done = make(moved, "env", "PYTHON=./python")
    assert ".venv was made for another folder" in done.stdout
    assert (moved / "made").read_text() == "-m venv --clear .venv\n"


def test_an_environment_of_this_folder_is_left_alone(folder: Path) -> None:
    assert "setting up" not in make(folder, "env", "PYTHON=false").stdout
    other = folder.with_name("worktree")
    other.mkdir()
    (other / "Makefile").write_bytes((folder / "Makefile").read_bytes())
    (other / "envs").symlink_to(folder / "envs")
    (other / ".venv").symlink_to(folder / ".venv")
    assert "setting up" not in make(other, "env", "PYTHON=false").stdout
