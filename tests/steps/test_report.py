"""The program that runs a study's notebook, on small notebooks."""

import json
import resource
import runpy
import subprocess
import sys

import nbformat
import pytest
from by_hand import ROOT, refused, run

from palimpsest.files import InputError

CODE = "print('the answer is', answer)"


def written(path, *cells, answer=1):
    """A notebook with one parameter and these cells of code."""
    new = nbformat.v4
    parameters = new.new_code_cell(f"answer = {answer}", metadata={"tags": ["parameters"]})
    cells = [parameters, *map(new.new_code_cell, cells)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new.new_notebook(cells=cells, metadata=kernel), path)
    return path


def words(folder, notebook, parameters=None):
    """Arguments of the program; its outputs are in folder/out, its log in folder/log."""
    return ("--notebook", notebook, "--parameters", json.dumps(parameters or {}),
            "--log-notebook", folder / "log" / "report.ipynb",
            "--out-notebook", folder / "out" / "report.ipynb",
            "--out-html", folder / "out" / "report.html")  # fmt: skip


def left(folder):
    """The files of a folder, hidden ones too; none where there is no folder."""
    return sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []


def test_a_notebook_becomes_a_page_that_a_narrow_screen_can_show(tmp_path):
    done = run("report", *words(tmp_path, written(tmp_path / "a.ipynb", CODE), {"answer": 42}))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "the answer is 42" in page
    assert "print(" not in page
    assert "overflow-x: auto" in page
    nbformat.validate(nbformat.read(tmp_path / "out" / "report.ipynb", as_version=4))
    assert left(tmp_path / "out") == ["report.html", "report.ipynb"]
    assert left(tmp_path / "log") == []


@pytest.mark.parametrize("room", [100_000, 300_000])
def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path, room):
    """No file may grow beyond `room`: the notebook is larger than the first, the page than both."""
    notebook = written(tmp_path / "a.ipynb", "print('x' * 150_000)")
    done = subprocess.run(
        [sys.executable, ROOT / "src" / "report.py", *map(str, words(tmp_path, notebook))],
        capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert left(tmp_path / "out") == []


def test_a_cell_that_fails_leaves_the_notebook_in_the_log_alone(tmp_path):
    done = run("report", *words(tmp_path, written(tmp_path / "a.ipynb", CODE, "1 / 0")))
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert left(tmp_path / "out") == []
    assert "the answer is 1" in (tmp_path / "log" / "report.ipynb").read_text()


def test_what_a_cell_refuses_is_one_sentence(tmp_path):
    cell = f"""import sys; sys.path.insert(0, {str(ROOT / "src")!r})
from palimpsest.files import InputError
raise InputError('klom.csv: damaged')"""
    notebook = written(tmp_path / "a.ipynb", cell)
    assert refused("report", *words(tmp_path, notebook)) == "klom.csv: damaged"
    sentence = refused("report", *words(tmp_path, notebook, {"question": 1}))
    assert sentence == f"{notebook} has no parameter question; it has answer"


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"nbformat": 4, "cells": 3}', "\udcff"])
def test_what_is_no_notebook_is_one_sentence(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_text(text, errors="surrogateescape")
    check = runpy.run_path(str(ROOT / "src" / "report.py"))["check_notebook"]
    with pytest.raises(InputError, match=r"a\.ipynb: not a notebook \(") as error:
        check(path)
    assert "\n" not in str(error.value)


def test_a_notebook_that_changes_while_it_runs_leaves_nothing(tmp_path):
    notebook = tmp_path / "a.ipynb"
    written(notebook, f"open({str(notebook)!r}, 'a').write(' ')")
    assert "was changed while this job ran" in refused("report", *words(tmp_path, notebook))
    assert left(tmp_path / "out") == []
