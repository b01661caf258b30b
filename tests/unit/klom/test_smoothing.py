"""Populations drawn from smoothed margins: their kernel widths, atoms and rows."""

import numpy as np

from palimpsest.klom.smoothing import SmoothedPopulation, _neighbour_distance


def _noise(margins, clip=100.0):
    """What one unit of kernel noise adds to each observed margin: its width."""
    rows = np.arange(len(margins))
    return SmoothedPopulation(margins, clip).draw_rows(rows, np.ones(margins.shape)) - margins


def test_neighbour_distances_are_those_of_a_search():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(23, 7)).round(1)  # with ties
    margins[:20, 6] = np.nan
    inside = np.isfinite(margins)
    for k in (1, 3, 5):
        found = _neighbour_distance(margins, inside, k)
        for model, point in zip(*np.nonzero(inside), strict=True):
            others = np.delete(margins[:, point], model)
            nearest = np.sort(np.abs(others - margins[model, point])[np.isfinite(others)])
            expected = nearest[k - 1] if len(nearest) >= k else np.inf
            assert found[model, point] == expected


def test_a_gap_between_modes_is_left_empty():
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(100, 50)) + 20 * (rng.random((100, 50)) < 0.5)
    drawn = SmoothedPopulation(margins, 100).draw(rng.normal(size=(1000, 50)), rng)
    assert np.mean((drawn > 6) & (drawn < 14)) < 0.001
    assert _noise(margins).max() <= 0.9 * 100**-0.2 * margins.std(axis=0, ddof=1).max()


def test_shared_values_and_outcomes_are_drawn_as_they_are():
    rng = np.random.default_rng(2)
    margins = rng.normal(size=(40, 3))
    margins[:20, 0], margins[:5, 1], margins[5:9, 1] = 3.0, np.nan, -1e9
    margins[:, 2] = np.inf
    rows = np.arange(40)
    drawn = SmoothedPopulation(margins, 100.0).draw_rows(rows, rng.normal(size=margins.shape))
    np.testing.assert_array_equal(drawn[:20, 0], margins[:20, 0])
    np.testing.assert_array_equal(drawn[:9, 1], margins[:9, 1])
    np.testing.assert_array_equal(drawn[:, 2], margins[:, 2])
    assert (drawn[20:, 0] != margins[20:, 0]).all() and (drawn[9:, 1] != margins[9:, 1]).all()


def test_draw_is_draw_rows_of_random_rows():
    margins = np.random.default_rng(3).normal(size=(30, 4)).astype(np.float32)
    normals = np.random.default_rng(4).standard_normal((50, 4), dtype=np.float32)
    smoothed = SmoothedPopulation(margins, 100.0)
    rows = np.random.default_rng(5).integers(30, size=50)
    drawn = smoothed.draw(normals, np.random.default_rng(5))
    np.testing.assert_array_equal(drawn, smoothed.draw_rows(rows, normals))
    assert drawn.dtype == np.float32 and drawn.shape == (50, 4)


def test_a_single_model_is_drawn_without_noise():
    np.testing.assert_array_equal(_noise(np.array([[1.0, np.nan]]))[:, 0], [0.0])
