"""The programs that draw and judge, and the report notebook, by hand on made-up results."""

import json

import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
from by_hand import ROOT, run
from synthetic_results import write_results

from palimpsest.data.splits import Split
from palimpsest.population import Population
from palimpsest.records import Record
from palimpsest.registry import names
from palimpsest.studies.ascent.results import TABLES

REPORT = ROOT / "reports" / "ascent"
NOTEBOOK = REPORT / "report.ipynb"
SETS = ["random_30", "pc1_top_30", "pc2_top_30"]
MAGIC = {".pdf": b"%PDF", ".png": b"\x89PNG", ".svg": b"<?xml"}
ASCENT, ALL = ["ga", "gda"], ["ga", "gda", "scrub"]
SETTINGS = {
    "figure_1": {"forget_sets": SETS[1:2], "methods": ASCENT},
    "figure_2": {"forget_set": SETS[0], "method": "ga"},
    "figure_3": {"forget_sets": SETS, "methods": ASCENT},
    "figure_6": {"forget_sets": SETS, "methods": ALL},
    "figure_7": {"forget_sets": SETS, "methods": ALL},
    "lemma_1": {"forget_sets": SETS[:1]},
    "number_of_models": {},
}
INPUTS = {"lemma_1": ["splits", "originals", "oracles"], "number_of_models": ["number_of_models"]}
FIGURES = names("studies/ascent/figures")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The tables of a run, and the records of its random set, by the names of inputs."""
    folder = tmp_path_factory.mktemp("ascent")
    write_results(folder, SETS)
    split = Split(np.arange(100), np.arange(100, 150), np.arange(30))
    split.save(folder / "splits.json")
    rng = np.random.default_rng(0)
    for seed, kind in ((0, "original"), (100, "oracle")):
        margins = rng.normal(3, 2, (20, 150)).astype(np.float32)
        statistics = {"margin": margins, "correct": margins > 0}
        labels, of = split.points % 10, Population.of(kind, split)
        record = Record(statistics, split.points, seed + np.arange(20), labels, of)
        record.save(folder / f"{kind}s.npz")
    return folder


def path_of(folder, name):
    suffix = {"splits": ".json", "originals": ".npz", "oracles": ".npz"}.get(name, ".csv")
    return folder / f"{name}{suffix}"


def draw(figure, folder, out, inputs=None, settings=None, formats=(".png",)):
    """Draw a figure of the study from the files in `folder`."""
    inputs = INPUTS.get(figure, ["klom"]) if inputs is None else inputs
    return run(
        "draw", "--figure", ROOT / "src/palimpsest/studies/ascent/figures" / f"{figure}.py",
        "--inputs", *[f"{name}={path_of(folder, name)}" for name in inputs],
        "--settings", json.dumps(SETTINGS[figure] if settings is None else settings),
        "--note", "N = 100 models, made up",
        "--out", *[out / f"{figure}{suffix}" for suffix in formats],
        "--out-table", out / f"{figure}_shown.csv",
    )  # fmt: skip


@pytest.fixture(scope="module")
def figures(results):
    """Each figure in three formats, with its table."""
    for name in FIGURES:
        done = draw(name, results, results, formats=MAGIC)
        assert done.returncode == 0, done.stderr
    return results


def test_every_figure_of_the_study_is_tried():
    assert sorted(SETTINGS) == FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_written_in_three_formats(figures, name):
    for suffix, magic in MAGIC.items():
        content = (figures / f"{name}{suffix}").read_bytes()
        assert content.startswith(magic)
        assert len(content) > 10_000


def test_each_figure_has_a_table_of_what_it_shows(figures):
    columns = {name: set(pd.read_csv(figures / f"{name}_shown.csv")) for name in FIGURES}
    points = {"forget_set", "method", "lr", "epochs", "forget_klom", "forget_low", "forget_null"}
    for name, own in (("1", "val"), ("3", "val"), ("6", "val"), ("7", "retain")):
        assert points | {f"{own}_klom", "relative_cost", "diverged"} <= columns[f"figure_{name}"]
    assert {"path", "lr", "epochs", "mean_klom", "val_klom"} <= columns["figure_2"]
    assert {"n_models", "comparison", "klom", "null"} <= columns["number_of_models"]
    assert {"population", "share_beyond", "mean_gap"} <= columns["lemma_1"]
    shown = pd.read_csv(figures / "figure_3_shown.csv")
    assert set(shown["method"]) == {"nothing", *ASCENT}
    assert set(shown["forget_set"]) == set(SETS)


def test_everything_shown_has_its_caption():
    for name in [*FIGURES, "claims", "worlds", "report"]:
        text = (REPORT / "captions" / f"{name}.rst").read_text()
        assert 1 <= len(text.splitlines()) <= 20
        assert "{%" not in text


def judged(results):
    inputs = [f"{name}={path_of(results, name)}" for name in TABLES]
    done = run("judge", "--study", "ascent", "--inputs", f"claims={REPORT / 'claims.yaml'}",
               *inputs, "--settings", '{"margin": 0.5, "definitions": {}}', "--out",
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


@pytest.mark.parametrize(
    ("figure", "inputs", "settings", "sentence"),
    [
        ("figure_1", ["accuracy"], None, "draws from klom; give --inputs klom=PATH"),
        ("figure_1", None, {"forget_sets": ["a"], "methods": ["ga"]}, "forget set a is not in"),
        ("figure_2", None, {"forget_set": "a"}, "needs method ga, with learning rates"),
        ("figure_3", None, {"forget_set": "a"}, "unknown setting forget_set; allowed: forget_sets"),
        ("lemma_1", None, {"forget_sets": []}, "the run has none"),
    ],
)
def test_a_wrong_input_is_one_sentence_and_leaves_nothing(
    results, tmp_path, figure, inputs, settings, sentence
):
    done = draw(figure, results, tmp_path, inputs, settings)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_wrong_table_is_one_sentence(results, tmp_path):
    for name, table, sentence in (
        ("figure_1", tmp_path / "klom.csv", "there is no such file"),
        ("number_of_models", results / "klom.csv", "has no column comparison"),
    ):
        own = INPUTS.get(name, ["klom"])[0]
        done = run(
            "draw", "--figure", ROOT / "src/palimpsest/studies/ascent/figures" / f"{name}.py",
            "--inputs", f"{own}={table}", "--settings", json.dumps(SETTINGS[name]),
            "--out", tmp_path / "a.png", "--out-table", tmp_path / "a.csv",
        )  # fmt: skip
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_the_paper_prints_is_a_table():
    printed = pd.read_csv(REPORT / "printed.csv")
    assert list(printed) == ["place", "quantity", "value", "unit", "note"]
    assert printed[["place", "quantity", "value"]].notna().all(axis=None)


def test_the_notebook_is_a_report_with_the_parameters_that_the_rule_passes():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert len(notebook.cells) < 25
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(papermill.inspect_notebook(str(NOTEBOOK))) == {
        "results_dir", "estimate_file", "printed_file", "source_dir", "run", "data_set",
        "models", "device", "margin"
    }  # fmt: skip


def test_the_notebook_tells_the_story_of_a_run(figures, tmp_path):
    judged(figures)
    papermill.execute_notebook(
        str(NOTEBOOK), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False,
        parameters={"results_dir": str(figures), "estimate_file": str(figures / "estimate.json"),
                    "printed_file": str(REPORT / "printed.csv"), "source_dir": str(ROOT / "src"),
                    "run": "madeup", "models": 100},
    )  # fmt: skip
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.data for output in outputs if "data" in output]
    text = " ".join(data.get("text/markdown", "") + data.get("text/html", "") for data in shown)
    assert sum("image/png" in data for data in shown) == len(FIGURES)
    assert "Run **madeup**" in text
    assert "12 have diverged models" in text
    assert "does not look" in text
    assert "70 of GA, 48 of GDA, 48 of SCRUB" in text
    assert "printed too as 0.02 % of the data" in text
    assert "not decided at this scale" in text
    assert "<th" in text
