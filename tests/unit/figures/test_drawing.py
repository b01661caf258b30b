"""What the figures show, found in the drawn objects; and files that are the same every time."""

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from synthetic_results import klom_table, number_of_models_table

from palimpsest import tables
from palimpsest.figures.klom_plane import draw_klom_planes
from palimpsest.figures.number_of_models import draw_number_of_models
from palimpsest.figures.time_course import draw_illusion
from palimpsest.files import InputError
from palimpsest.plots.style import cost_colours, method_markers, save_figure

SETS = ["random_30", "pc1_top_30", "pc2_top_30", "random_100"]


@pytest.fixture(scope="module")
def settings():
    table = klom_table(SETS).rename(columns={"klom_p95": "score", "null_p95": "null"})
    return tables.by_setting(table)


def panels(figure):
    """The axes that show data, by their title."""
    return {ax.get_title(): ax for ax in figure.get_axes() if ax.get_visible() and ax.get_title()}


def positions(ax):
    """Where the markers of a panel stand, as rounded pairs."""
    groups = [item for item in ax.collections if isinstance(item, PathCollection)]
    return {tuple(np.round(point, 6)) for group in groups for point in group.get_offsets()}


def test_each_setting_of_a_method_is_a_point_of_its_panel(settings):
    figure = draw_klom_planes(settings, ["pc1_top_30"], ["ga", "gda"], against="retain")
    found = panels(figure)
    assert set(found) == {"GA: pc1 top 30", "GDA: pc1 top 30"}
    for method, title in (("ga", "GA: pc1 top 30"), ("gda", "GDA: pc1 top 30")):
        rows = settings[settings["forget_set"].eq("pc1_top_30")]
        rows = rows[rows["method"].isin([method, "nothing"])]
        pairs = rows[["forget_score", "retain_score"]].to_numpy()
        assert positions(found[title]) == {tuple(np.round(p, 6)) for p in pairs} | {(0.0, 0.0)}


@pytest.mark.parametrize(
    ("forget_sets", "methods", "expected"),
    [(SETS[:1], ["ga", "gda"], 2), (SETS[:3], ["ga", "gda"], 6), (SETS, ["ga", "gda", "scrub"], 4)],
)
def test_the_panels_share_one_scale(settings, forget_sets, methods, expected):
    found = panels(draw_klom_planes(settings, forget_sets, methods))
    assert len(found) == expected
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in found.values()}) == 1
    limits = next(iter(found.values())).get_xlim()
    assert limits[0] == 0
    assert limits[1] > settings.loc[settings["method"].isin(methods), "forget_score"].max()


def test_diverged_settings_are_counted_and_a_nan_score_is_shown(settings):
    wrong = settings.copy()
    one = wrong.index[(wrong["method"] == "gda") & (wrong["forget_set"] == "random_30")][0]
    wrong.loc[one, ["val_score", "diverged"]] = [np.nan, True]
    figure = draw_klom_planes(wrong, ["random_30"], ["ga", "gda"])
    found = panels(figure)
    notes = {title: [text.get_text() for text in ax.texts] for title, ax in found.items()}
    assert notes == {"GA: random 30": ["× 4 diverged"], "GDA: random 30": ["× 1 diverged"]}
    heights = [y for _, y in positions(found["GDA: random 30"])]
    assert np.isfinite(heights).all()


def test_an_unknown_forget_set_or_method_is_named(settings):
    with pytest.raises(ValueError, match="forget set nowhere"):
        draw_klom_planes(settings, ["nowhere"], ["ga"])
    with pytest.raises(ValueError, match="method other"):
        draw_klom_planes(settings, ["random_30"], ["other"])


def test_methods_have_markers_of_their_own():
    markers = method_markers(["ga", "gda", "scrub", "mine", "yours"])
    assert len(set(markers.values())) == 5
    assert "o" not in markers.values()


def test_costs_grow_lighter_in_grey():
    shades = [to_rgb(cost_colours()(x)) for x in np.linspace(0, 1, 30)]
    grey = np.array(shades) @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 0).all()
    assert grey[-1] < 0.85  # still seen on white


def test_the_time_course_starts_at_the_original_and_has_a_panel_for_each_batch_norm(settings):
    figure = draw_illusion(settings, "random_30", title="the title")
    found = panels(figure)
    assert list(found) == [
        "paths from the original", "BatchNorm in train mode", "BatchNorm frozen"
    ]  # fmt: skip
    original = settings[(settings["forget_set"] == "random_30") & (settings["method"] == "nothing")]
    start = original[[f"{split}_score" for split in tables.SPLITS]].to_numpy().mean()
    for title, lines in (("BatchNorm in train mode", 8), ("BatchNorm frozen", 7)):
        courses = [line for line in found[title].lines if len(line.get_xdata()) == 6]
        assert len(courses) == lines  # with the control, where there is one
        for line in courses:
            assert list(line.get_xdata()) == [0, 1, 3, 5, 7, 10]
            assert line.get_ydata()[0] == pytest.approx(start)
    looks = {(line.get_marker(), line.get_linestyle()) for line in courses}
    assert len(looks) == 7  # told apart without colour


def test_the_time_course_needs_the_original(settings):
    with pytest.raises(ValueError, match="method ga, with learning rates"):
        draw_illusion(settings[settings["method"] != "nothing"], "random_30")


def test_the_number_of_models_shows_score_floor_and_second_oracles():
    table = number_of_models_table(SETS[:3]).rename(
        columns={"klom_p95": "score", "null_p95": "null"}
    )
    found = panels(draw_number_of_models(table))
    assert list(found) == ["random 30", "pc1 top 30", "pc2 top 30"]
    for title, lines in (("random 30", 9), ("pc1 top 30", 6)):
        drawn = [line for line in found[title].lines if len(line.get_xdata()) == 10]
        assert len(drawn) == lines
    marks = [line.get_xdata()[0] for line in found["random 30"].lines
             if len(line.get_xdata()) == 2]  # fmt: skip
    assert marks == [20, 50, 80]


def test_files_are_the_same_every_time_and_the_callers_settings_stay(settings, tmp_path):
    before = dict(matplotlib.rcParams)
    contents = []
    for folder in ("a", "b"):
        paths = [tmp_path / folder / f"plane{suffix}" for suffix in (".pdf", ".svg", ".png")]
        save_figure(draw_klom_planes(settings, ["random_30"], ["gda"]), paths)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert dict(matplotlib.rcParams) == before


def test_an_unknown_format_is_refused_before_anything_is_written(settings, tmp_path):
    figure = draw_klom_planes(settings, ["random_30"], ["gda"])
    with pytest.raises(InputError, match=r"\.pdf, \.png, \.svg"):
        save_figure(figure, [tmp_path / "plane.png", tmp_path / "plane.jpeg"])
    assert list(tmp_path.iterdir()) == []
