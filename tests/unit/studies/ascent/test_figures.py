"""What the study's own figures show, found in the drawn objects."""

import pandas as pd
import pytest
from synthetic_results import klom_table, write_results

from palimpsest.studies.ascent.figures import figure_2, number_of_models
from palimpsest.tables import write_table

SETS = ["random_30", "pc1_top_30", "pc2_top_30"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ascent")
    write_results(folder, SETS)
    return {name: [folder / f"{name}.csv"] for name in ("klom", "number_of_models")}


def panels(figure):
    """The axes that show data, by their title."""
    return {ax.get_title(): ax for ax in figure.get_axes() if ax.get_visible() and ax.get_title()}


def test_the_time_course_starts_at_the_original_and_has_a_panel_for_each_batch_norm(inputs):
    figure, table = figure_2.draw(inputs, forget_set="random_30")
    found = panels(figure)
    assert list(found) == [
        "paths from the original", "BatchNorm in train mode", "BatchNorm frozen"
    ]  # fmt: skip
    klom = klom_table(SETS)
    original = klom[(klom["forget_set"] == "random_30") & (klom["method"] == "nothing")]
    start = original["klom"].mean()
    assert len(table) == 15 * 6  # paths, each with the original
    assert table.loc[table["epochs"] == 0, "mean_klom"].to_numpy() == pytest.approx(start)
    for title, lines in (("BatchNorm in train mode", 8), ("BatchNorm frozen", 7)):
        courses = [line for line in found[title].lines if len(line.get_xdata()) == 6]
        assert len(courses) == lines  # with the control, where there is one
        for line in courses:
            assert list(line.get_xdata()) == [0, 1, 3, 5, 7, 10]
            assert line.get_ydata()[0] == pytest.approx(start)
    looks = {(line.get_marker(), line.get_linestyle()) for line in courses}
    assert len(looks) == 7  # told apart without colour


def test_the_time_course_needs_the_original(inputs, tmp_path):
    klom = klom_table(SETS)
    write_table(klom[klom["method"] != "nothing"], tmp_path / "klom.csv", seal=True)
    with pytest.raises(ValueError, match="method ga, with learning rates"):
        figure_2.draw({"klom": [tmp_path / "klom.csv"]}, forget_set="random_30")


def test_the_number_of_models_shows_score_floor_and_second_oracles(inputs):
    figure, table = number_of_models.draw(inputs)
    assert table.equals(pd.read_csv(inputs["number_of_models"][0]))
    found = panels(figure)
    assert list(found) == ["random 30", "pc1 top 30", "pc2 top 30"]
    for title, second in (("random 30", 30), ("pc1 top 30", 0)):
        drawn = [line for line in found[title].lines if len(line.get_xdata()) == 10]
        assert len(drawn) == 6
        assert sum(line.get_linestyle() == "--" for line in drawn) == 3  # the floor
        assert sum(len(points.get_offsets()) for points in found[title].collections) == second
    marks = [line.get_xdata()[0] for line in found["random 30"].lines
             if len(line.get_xdata()) == 2]  # fmt: skip
    assert marks == [20, 50, 80]


def test_a_method_without_batch_norm_has_one_time_course(tmp_path):
    klom = klom_table(SETS[:1])
    klom = klom[klom["method"].isin(["nothing", "gda"])].drop(columns="batch_norm")
    write_table(klom, tmp_path / "klom.csv", seal=True)
    inputs = {"klom": [tmp_path / "klom.csv"]}
    figure, table = figure_2.draw(inputs, forget_set="random_30", method="gda")
    assert list(panels(figure)) == ["paths from the original", "BatchNorm in train mode"]
    assert table["path"].nunique() == 4 * 2 * 2  # rates, ascent epochs, forget batches
    for _, path in table.groupby("path"):
        assert list(path["epochs"]) == [0, 5, 7, 10]
