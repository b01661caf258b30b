"""The look of all figures, and files that are the same every time."""

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from synthetic_results import klom_table

from palimpsest import tables
from palimpsest.files import InputError
from palimpsest.plots.klom_plane import draw_klom_planes
from palimpsest.plots.style import (
    cost_colours,
    method_markers,
    method_name,
    save_figure,
    start_figure,
)


def figure():
    settings = tables.by_setting(klom_table(["random_30"]))
    return draw_klom_planes(settings, ["random_30"], ["gda"])[0]


def test_methods_have_markers_of_their_own():
    markers = method_markers(["ga", "gda", "scrub", "mine", "yours", "nothing"])
    assert len(set(markers.values())) == 5
    assert "o" not in markers.values()
    assert method_markers(["yours", "scrub", "gda", "mine", "ga"]) == markers
    assert method_markers(["ga", "gda"], {"ga": "h"}) == {"ga": "h", "gda": markers["gda"]}


def test_methods_are_named_by_their_files_names():
    names = {"ga": "GA", "scrub": "SCRUB", "nothing": "original", "salun_mask": "salun mask",
             "bad_t": "bad t", "sparse": "sparse"}  # fmt: skip
    assert {name: method_name(name) for name in names} == names


def test_costs_grow_lighter_in_grey():
    shades = [to_rgb(cost_colours()(x)) for x in np.linspace(0, 1, 30)]
    grey = np.array(shades) @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 0).all()
    assert grey[-1] < 0.85  # still seen on white


def test_files_are_the_same_every_time_and_the_callers_settings_stay(tmp_path):
    before = dict(matplotlib.rcParams)
    contents = []
    for folder in ("a", "b"):
        paths = [tmp_path / folder / f"plane{suffix}" for suffix in (".pdf", ".svg", ".png")]
        save_figure(figure(), paths)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert dict(matplotlib.rcParams) == before


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"\.pdf, \.png, \.svg"):
        save_figure(figure(), [tmp_path / "plane.png", tmp_path / "plane.jpeg"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [4.0, 7.2, 10.2])
def test_a_long_note_stays_within_its_figure(width):
    note = "N = 20, gamma: 5 models of a network, width 64; " * 4
    figure, _ = start_figure(width, 2.0, [], note)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    (told,) = figure.subfigs[1].texts
    assert told.get_text().split() == note.split()
    box, whole = told.get_window_extent(renderer), figure.bbox
    assert whole.x0 < box.x0 and box.x1 < whole.x1 and box.y0 >= whole.y0
