"""What the plane shows, found in the drawn objects."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from synthetic_results import klom_table

from palimpsest import tables
from palimpsest.plots.klom_plane import draw_klom_planes

SETS = ["random_30", "pc1_top_30", "pc2_top_30", "random_100"]


@pytest.fixture(scope="module")
def settings():
    return tables.by_setting(klom_table(SETS))


def panels(figure):
    """The axes that show data, by their title."""
    return {ax.get_title(): ax for ax in figure.get_axes() if ax.get_visible() and ax.get_title()}


def positions(ax):
    """Where the markers of a panel stand, as rounded pairs."""
    groups = [item for item in ax.collections if isinstance(item, PathCollection)]
    return {tuple(np.round(point, 6)) for group in groups for point in group.get_offsets()}


def test_each_setting_of_a_method_is_a_point_of_its_panel(settings):
    figure, table = draw_klom_planes(settings, ["pc1_top_30"], ["ga", "gda"], against="retain")
    found = panels(figure)
    assert set(found) == {"GA: pc1 top 30", "GDA: pc1 top 30"}
    for method, title in (("ga", "GA: pc1 top 30"), ("gda", "GDA: pc1 top 30")):
        rows = settings[settings["forget_set"].eq("pc1_top_30")]
        rows = rows[rows["method"].isin([method, "nothing"])]
        pairs = rows[["forget_klom", "retain_klom"]].to_numpy()
        assert positions(found[title]) == {tuple(np.round(p, 6)) for p in pairs} | {(0.0, 0.0)}
        shown = table[table["method"].isin([method, "nothing"])]
        np.testing.assert_array_equal(shown[["forget_klom", "retain_klom"]], pairs)
    assert not [name for name in table if name.startswith("val_")]


@pytest.mark.parametrize(
    ("forget_sets", "methods", "expected"),
    [(SETS[:1], ["ga", "gda"], 2), (SETS[:3], ["ga", "gda"], 6), (SETS, ["ga", "gda", "scrub"], 4)],
)
def test_the_panels_share_one_scale(settings, forget_sets, methods, expected):
    found = panels(draw_klom_planes(settings, forget_sets, methods)[0])
    assert len(found) == expected
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in found.values()}) == 1
    limits = next(iter(found.values())).get_xlim()
    assert limits[0] == 0
    assert limits[1] > settings.loc[settings["method"].isin(methods), "forget_klom"].max()


def test_diverged_settings_are_counted_and_a_nan_score_is_shown(settings):
    wrong = settings.copy()
    one = wrong.index[(wrong["method"] == "gda") & (wrong["forget_set"] == "random_30")][0]
    wrong.loc[one, ["val_klom", "diverged"]] = [np.nan, True]
    figure, _ = draw_klom_planes(wrong, ["random_30"], ["ga", "gda"])
    found = panels(figure)
    notes = {title: [text.get_text() for text in ax.texts] for title, ax in found.items()}
    assert notes == {"GA: random 30": ["× 4 diverged"], "GDA: random 30": ["× 1 diverged"]}
    heights = [y for _, y in positions(found["GDA: random 30"])]
    assert np.isfinite(heights).all()


def test_an_unknown_forget_set_or_method_is_named(settings):
    with pytest.raises(ValueError, match="forget set nowhere"):
        draw_klom_planes(settings, ["nowhere"], ["ga"])
    with pytest.raises(ValueError, match="at least one forget set and one method"):
        draw_klom_planes(settings, ["random_30"], [])
    with pytest.raises(ValueError, match="method other"):
        draw_klom_planes(settings, ["random_30"], ["other"])


def test_hollow_points_are_those_with_frozen_statistics_and_the_control(settings):
    figure, table = draw_klom_planes(settings, ["random_30"], ["ga"])
    groups = [item for item in panels(figure)["GA: random 30"].collections
              if isinstance(item, PathCollection)]  # fmt: skip
    white = [
        item for item in groups if len(item.get_facecolor()) and np.all(item.get_facecolor() == 1)
    ]
    counts = [len(item.get_offsets()) for item in white]
    assert counts == [(table["batch_norm"] == "frozen").sum(), table["control"].sum()] == [35, 5]
    frozen = white[0].get_edgecolor()
    assert len(np.unique(frozen, axis=0)) == 5  # the cost, by epochs, is now the edges' colour


def test_a_marker_can_be_given(settings):
    figure, _ = draw_klom_planes(settings, ["random_30"], ["gda"], markers={"gda": "h"})
    legend = figure.subfigs[1].legends[0]
    assert legend.legend_handles[0].get_marker() == "h"
