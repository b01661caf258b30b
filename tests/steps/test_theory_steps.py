"""The programs of the theory, run as the rules run them, and the notebook's form."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from palimpsest.studies.theory.errata import read_misprints, read_statements
from palimpsest.studies.theory.statements import STATEMENTS

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "reports" / "theory.ipynb"


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "src" / program), *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    path = tmp_path_factory.mktemp("theory") / "statements.csv"
    result = run("check_theory.py", "--out", path, "--cases", 100, "--seed", 1)
    assert result.returncode == 0, result.stderr
    return path, result.stdout


def test_check_theory_writes_a_row_per_statement(statements):
    path, printed = statements
    table = read_statements(path)
    assert table.statement.tolist() == [s.statement for s in STATEMENTS]
    assert set(table.verdict) == {"holds", "holds with a condition", "false as stated"}
    assert (table.violations[table.verdict == "holds"] == 0).all()
    failed = table[table.verdict != "holds"]
    assert (failed.violations > 0).all()
    assert failed.condition.str.contains("fails at ").all()
    for text in failed.condition:
        assert text in printed


def test_too_few_cases_are_refused(tmp_path):
    result = run("check_theory.py", "--out", tmp_path / "a.csv", "--cases", 10)
    assert result.returncode == 2 and "at least 100 are needed" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("plot_theory_figure_4.py", ("--strengths", "0.01")),
        ("plot_theory_figure_5.py", ()),
        ("plot_theory_figures_f.py", ("--setting", "overparameterised")),
    ],
)
def test_figures_are_written_in_three_forms(tmp_path, program, arguments):
    outputs = [tmp_path / f"figure.{suffix}" for suffix in ("pdf", "svg", "png")]
    result = run(program, *arguments, "--out", *outputs)
    assert result.returncode == 0, result.stderr
    starts = [output.read_bytes()[:5] for output in outputs]
    assert starts == [b"%PDF-", b"<?xml", b"\x89PNG\r"]
    assert len(list(tmp_path.iterdir())) == 3


def test_notebook_has_one_parameters_cell_and_no_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1 and len(notebook.cells) < 20
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_rule_passes_the_notebooks_parameters_and_lists_its_modules():
    rules = (ROOT / "workflow" / "rules" / "theory.smk").read_text()
    names = set(papermill.inspect_notebook(str(NOTEBOOK)))
    assert names == {word.split()[0] for word in rules.split(" -r ")[1:]}
    listed = ast.literal_eval(rules.split("NOTEBOOK_MODULES = ")[1].split("]")[0] + "]")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    modules = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("palimpsest"):
            for name in (node.module, *(f"{node.module}.{a.name}" for a in node.names)):
                file = f"src/{name.replace('.', '/')}.py"
                if (ROOT / file).is_file():
                    modules.add(file)
    assert modules == set(listed)


def test_notebook_runs_on_other_inputs(tmp_path, statements):
    """One picture stands for all figures; the errata of the repository are the real ones."""
    picture = tmp_path / "figure.png"
    result = run("plot_theory_figures_f.py", "--setting", "a1", "--out", picture)
    assert result.returncode == 0, result.stderr
    pictures = dict.fromkeys(
        ("figure_4", "figure_5", "figures_f_a1", "figures_f_over"), str(picture)
    )
    errata = ROOT / "reports" / "theory_errata.yaml"
    papermill.execute_notebook(
        str(NOTEBOOK), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False,
        parameters={
            **pictures, "statements": str(statements[0]), "errata": str(errata),
            "source_dir": str(ROOT / "src"),
        },
    )  # fmt: skip
    text = (tmp_path / "out.ipynb").read_text()
    for entry in read_misprints(errata):
        assert entry["place"].split(",")[0] in text
    assert "Theorem 4.1(2), option B, RL" in text
