"""The program that makes tables, by hand on made-up results of the study of classes."""

import re

import pandas as pd
import pytest
from by_hand import ROOT, run
from synthetic_classes import write_tables

from palimpsest.registry import names
from palimpsest.tables import read_table, write_table

TABLES = ROOT / "src/palimpsest/studies/classes/tables"
CAPTION = "5 % of a_b & the paper's"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    write_tables(folder)
    return folder


def tabulate(name, results, out, *, leave_out="", more=(), formats=("csv", "md", "tex")):
    """Make a table of the study from the tables of a run."""
    inputs = {
        f"{experiment}_{table}": results / experiment / f"{table}.csv"
        for experiment in ("table", "alpha")
        for table in ("accuracy", "accuracy_models", "mia_models")
    } | {"printed": ROOT / "reports/classes/printed.csv"}
    words = [
        "--table", TABLES / f"{name}.py", "--caption", CAPTION, "--note", "made up", *more,
        "--inputs", *[f"{key}={path}" for key, path in inputs.items() if key != leave_out],
        "--out", *[out / f"{name}.{suffix}" for suffix in formats],
    ]  # fmt: skip
    return run("tabulate_results", *words)


@pytest.mark.parametrize("name", names("studies/classes/tables"))
def test_each_table_is_written_in_three_formats(results, tmp_path, name):
    done = tabulate(name, results, tmp_path)
    assert done.returncode == 0, done.stderr
    numbers = read_table(tmp_path / f"{name}.csv", ["variant", "quantity", "mean", "low", "p"])
    assert (tmp_path / f"{name}.csv.sha256").is_file()
    assert not numbers.duplicated(["variant", "quantity"]).any()

    text = (tmp_path / f"{name}.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert text.startswith(CAPTION) and text.endswith("\n\nmade up\n")
    assert len({line.count("|") for line in rows}) == 1
    mean = numbers[(numbers["variant"] != "Retrain") & (numbers["quantity"] == "UA")].iloc[0]
    cell = f"{mean['mean']:.2f} ± {mean['sd']:.2f} ({mean['gap']:.2f})"
    assert cell in text

    latex = (tmp_path / f"{name}.tex").read_text()
    bare = re.sub(r"\\[{}&%$#_]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert r"5 \% of a\_b \& the paper's made up" in latex
    columns = len(re.search(r"\\begin{tabular}{(l+)}", latex)[1])
    lines = [line for line in latex.splitlines() if line.endswith(r"\\") and "multi" not in line]
    assert {line.count(" & ") + 1 for line in lines} == {columns}
    assert len(lines) == len(rows) - 1  # no line of dashes
    assert rf"${mean['mean']:.2f}_{{\pm {mean['sd']:.2f}}}({mean['gap']:.2f})$" in latex


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("none", {}, "none.py: there is no such file"),
        ("_rows", {}, "_rows.py: has no function make; needed: make(inputs, *, ...)"),
        ("table_1", {"leave_out": "printed"}, "is made from printed; give --inputs printed=PATH"),
        ("table_1", {"formats": ["html"]}, "the format of a table is one of .csv, .md, .tex"),
        ("table_1", {"more": ["--settings", '{"a": 1}']}, "unknown setting a; allowed: none"),
    ],
)  # fmt: skip
def test_a_wrong_input_is_one_sentence_and_leaves_nothing(results, tmp_path, name, words, sentence):
    done = tabulate(name, results, tmp_path, **words)
    assert_told(done, sentence)
    assert list(tmp_path.iterdir()) == []


def test_missing_oracles_are_one_sentence(results, tmp_path):
    for path in (results / "table").glob("*.csv"):
        rows = pd.read_csv(path)
        (tmp_path / "table").mkdir(exist_ok=True)
        write_table(rows[rows["method"] != "oracle"], tmp_path / "table" / path.name, seal=True)
    done = tabulate("table_2", tmp_path, tmp_path)
    assert_told(done, "and not oracle, from which gaps are measured")


def assert_told(done, sentence):
    """A program ended with this sentence, and no other."""
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
