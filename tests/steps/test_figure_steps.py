"""The programs that draw and judge, and the report notebook, by hand on made-up results."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "figures"))

from synthetic_results import write_results  # noqa: E402

SETS = ["random_30", "pc1_top_30", "pc2_top_30"]
NOTEBOOK = ROOT / "reports" / "ascent.ipynb"
MAGIC = {".pdf": b"%PDF", ".png": b"\x89PNG", ".svg": b"<?xml"}


def run(program, *args):
    return subprocess.run(
        [sys.executable, ROOT / "src" / f"{program}.py", *map(str, args)],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ascent")
    write_results(folder, SETS)
    return folder


def arguments(results, name):
    """The command line of one figure, without its --out."""
    note = ["--note", "N = 100 models, made up"]
    planes = ["plot_klom_planes", "--klom", results / "klom.csv", "--title", name, *note]
    if name == "figure_2":
        return ["plot_illusion", "--klom", results / "klom.csv", "--forget-set", SETS[0], *note]
    if name == "number_of_models":
        return ["plot_number_of_models", "--table", results / "number_of_models.csv", *note]
    if name == "figure_1":
        return [*planes, "--forget-sets", SETS[1], "--methods", "ga", "gda"]
    if name == "figure_3":
        return [*planes, "--forget-sets", *SETS, "--methods", "ga", "gda"]
    against = {"figure_6": "val", "figure_7": "retain"}[name]
    return [*planes, "--forget-sets", *SETS, "--methods", "ga", "gda", "scrub",
            "--against", against]  # fmt: skip


FIGURES = ["figure_1", "figure_2", "figure_3", "figure_6", "figure_7", "number_of_models"]


@pytest.fixture(scope="module")
def figures(results):
    """Each figure in three formats."""
    for name in FIGURES:
        paths = [results / f"{name}{suffix}" for suffix in MAGIC]
        done = run(*arguments(results, name), "--out", *paths)
        assert done.returncode == 0, done.stderr
    return results


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_written_in_three_formats(figures, name):
    for suffix, magic in MAGIC.items():
        content = (figures / f"{name}{suffix}").read_bytes()
        assert content.startswith(magic)
        assert len(content) > 10_000


def test_each_kind_of_figure_has_its_caption():
    for name in ("figure_planes", "figure_2", "number_of_models"):
        lines = (ROOT / "reports" / "captions" / f"{name}.rst").read_text().splitlines()
        assert 1 <= len(lines) <= 20


def judged(results):
    tables = ["--klom", results / "klom.csv", "--accuracy", results / "accuracy.csv",
              "--number-of-models", results / "number_of_models.csv"]  # fmt: skip
    claims = ["--claims", ROOT / "reports" / "claims.yaml"]
    done = run("judge_claims", *tables, *claims, "--sizes", "random_30=30", "--out",
               results / "claims.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return pd.read_csv(results / "claims.csv")


def test_the_claims_are_judged_by_what_the_tables_hold(results):
    table = judged(results).set_index("id")
    assert set(table["verdict"]) == {"holds", "fails", "not decided at this scale"}
    # the made-up SCRUB leaves the original; there is one size of each kind; the floor falls with N
    assert table.loc["scrub_stays_near_the_original", "verdict"] == "fails"
    assert table.loc["larger_sets_are_harder", "verdict"] == "not decided at this scale"
    assert table.loc["fall_with_models_is_bias", "verdict"] == "holds"
    counted = table["yes"] + table["no"] + table["undecided"]
    assert (counted == table["cases"]).all()


def test_a_wrong_input_is_one_sentence_and_leaves_nothing(results, tmp_path):
    out = tmp_path / "figure.png"
    for args in (
        ["plot_klom_planes", "--klom", results / "none.csv", "--forget-sets", "a", "--methods",
         "ga", "--out", out],
        ["plot_illusion", "--klom", results / "klom.csv", "--forget-set", "a", "--out", out],
        ["plot_number_of_models", "--table", results / "klom.csv", "--forget-sets", "a", "--out",
         out],
    ):  # fmt: skip
        done = run(*args)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.count("error: ") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_is_a_report_with_the_parameters_that_the_rule_passes():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert len(notebook.cells) < 20
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(papermill.inspect_notebook(str(NOTEBOOK))) == {
        "results_dir", "agreement_file", "source_dir", "run", "data_set", "models", "device"
    }  # fmt: skip


def test_the_notebook_tells_the_story_of_a_run(figures, tmp_path):
    judged(figures)
    papermill.execute_notebook(
        str(NOTEBOOK), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False,
        parameters={"results_dir": str(figures), "agreement_file": str(figures / "agreement.json"),
                    "source_dir": str(ROOT / "src"), "run": "madeup", "models": 100},
    )  # fmt: skip
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.data for output in outputs if "data" in output]
    text = " ".join(data.get("text/markdown", "") + data.get("text/html", "") for data in shown)
    assert sum("image/png" in data for data in shown) == len(FIGURES)
    assert "Run **madeup**" in text
    assert "12 have diverged models" in text
    assert "does not look" in text
    assert "not decided at this scale" in text
    assert "<th" in text
