"""Every program explains itself: what it takes, with the defaults, and nothing else."""

import ast

import pytest
from by_hand import ROOT, run

PROGRAMS = sorted(path for folder in ("src", "tools") for path in (ROOT / folder).glob("*.py"))


def defaults(path):
    """The defaults that the program states as they are, and that say something."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            values = [word.value for word in node.keywords if word.arg == "default"]
            found += [one.value for one in values if isinstance(one, ast.Constant) and one.value]
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_help_shows_the_defaults_and_nothing_else(path):
    done = run(path.with_suffix(""), "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"usage: {path.name}")
    shown = " ".join(done.stdout.split())
    for value in defaults(path):
        assert f"(default: {value})" in shown
    if "--stack" in shown:
        assert "(default: 1)" in shown and "(default: float32)" in shown
    assert "(default: None)" not in shown and "(default: [])" not in shown
