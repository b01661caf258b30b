"""The common programs on the theory, run as the rules run them, and the notebook's form."""

import ast
import json

import nbformat
import pandas as pd
import papermill
import pytest
from by_hand import ROOT, run

from palimpsest.registry import names
from palimpsest.studies.theory.errata import read_misprints, read_statements
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.studies.theory.tally import sentence

NOTEBOOK = ROOT / "reports" / "theory" / "report.ipynb"
FIGURES = names("studies/theory/figures")


def judge(path, **settings):
    words = ("--settings", json.dumps(settings), "--out", path)
    return run("judge", "--study", "theory", *words)


def draw(name, *outputs):
    figure = ROOT / "src" / "palimpsest" / "studies" / "theory" / "figures" / f"{name}.py"
    table = outputs[0].with_suffix(".csv")
    return run("draw", "--figure", figure, "--out", *outputs, "--out-table", table)


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    path = tmp_path_factory.mktemp("theory") / "statements.csv"
    result = judge(path, cases=100, seed=1)
    assert result.returncode == 0, result.stderr
    return path, result.stderr


def test_judging_writes_a_row_per_variant_of_a_statement_and_logs_it(statements):
    path, logged = statements
    table = read_statements(path)
    assert table.statement.tolist() == [s.statement for s in STATEMENTS]
    assert set(table.verdict) == {"holds", "holds with a condition", "fails"}
    assert (table.violations[table.verdict == "holds"] == 0).all()
    failed = table[table.verdict != "holds"]
    assert (failed.violations > 0).all()
    assert failed.condition.str.contains("fails at ").all()
    for text in failed.condition:
        assert text in logged
    for statement, variant in zip(table.statement, table.variant, strict=True):
        name = f"{statement} ({variant})" if variant else statement
        assert f": {name} [" in logged
    assert sentence(table) in logged


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cases": 10, "seed": 0}, "cases is 10; allowed: an integer of at least 100"),
        ({"cases": 100, "seed": -1}, "seed is -1; allowed: an integer of at least 0"),
        ({"cases": 100.0, "seed": 0}, "cases is 100.0; allowed: a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path, settings, sentence):
    result = judge(tmp_path / "a.csv", **settings)
    assert result.returncode == 1 and sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_written_in_three_forms_and_as_a_table(tmp_path, name):
    outputs = [tmp_path / f"figure.{suffix}" for suffix in ("pdf", "svg", "png")]
    result = draw(name, *outputs)
    assert result.returncode == 0, result.stderr
    starts = [output.read_bytes()[:5] for output in outputs]
    assert starts == [b"%PDF-", b"<?xml", b"\x89PNG\r"]
    assert len(pd.read_csv(tmp_path / "figure.csv")) > 100
    assert len(list(tmp_path.iterdir())) == 4


def test_every_figure_has_a_caption():
    captions = ROOT / "reports" / "theory" / "captions"
    assert {path.stem for path in captions.glob("*.rst")} == {*FIGURES, "statements", "report"}


def test_notebook_has_one_parameters_cell_and_no_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1 and len(notebook.cells) < 20
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_rule_passes_the_notebooks_parameters_and_lists_its_modules():
    rules = (ROOT / "workflow" / "rules" / "theory.smk").read_text()
    parameters = set(papermill.inspect_notebook(str(NOTEBOOK)))
    shown = ast.literal_eval(rules.split("THEORY_SHOWN = ")[1].split("]")[0] + "]")
    assert parameters == {*shown, "source_dir"}
    names = rules.split("in (")[1].split(")")[0]
    listed = [f"src/palimpsest/studies/theory/{name}.py" for name in ast.literal_eval(names)]
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
    result = draw("solutions", picture)
    assert result.returncode == 0, result.stderr
    pictures = dict.fromkeys(
        ("figure_4", "figure_5", "fine_tuning_a1", "fine_tuning_over", "solutions"), str(picture)
    )
    errata = ROOT / "reports" / "theory" / "errata.yaml"
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
