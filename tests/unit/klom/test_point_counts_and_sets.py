"""Counts of points with NaN or clipped margins, and percentiles over sets of points."""

import numpy as np
import pytest

from palimpsest.klom import clipped_points, nan_points, set_percentiles


def test_counts_are_of_points_with_at_least_one_such_model():
    unlearned, oracle = np.zeros((3, 6), np.float32), np.zeros((2, 6))
    unlearned[:2, 0] = np.nan
    unlearned[1, 1] = np.inf
    unlearned[2, 4] = -100  # at the clip, not outside it
    oracle[0, 0] = np.nan
    oracle[1, 2] = -100.5
    oracle[0, 3] = np.nan
    assert nan_points(unlearned) == 1
    assert nan_points(unlearned, oracle) == 2
    assert clipped_points(unlearned) == 1
    assert clipped_points(unlearned, oracle) == 2
    assert clipped_points(unlearned, oracle, clip=99.0) == 3


def test_counts_refuse_what_cannot_be_counted():
    with pytest.raises(ValueError, match="2, 3 points"):
        nan_points(np.zeros((1, 2)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="no margins"):
        clipped_points()
    with pytest.raises(ValueError, match="clip is 0"):
        clipped_points(np.zeros((1, 2)), clip=0)
    with pytest.raises(ValueError, match="shape"):
        nan_points(np.zeros(3))


def test_percentiles_are_of_the_named_columns():
    scores = np.arange(10.0)
    sets = {"forget": [0, 1, 2], "val": np.array([9, 5])}
    found = set_percentiles(scores, sets, percentile=50)
    assert found == {"forget": 1.0, "val": 7.0}
    stacked = set_percentiles(np.stack([scores, scores + 1]), sets)
    np.testing.assert_allclose(stacked["forget"], [1.9, 2.9])


def test_a_nan_score_makes_its_own_set_nan():
    found = set_percentiles([0.0, np.nan, 2.0], {"a": [0, 2], "b": [1, 2]})
    assert np.isfinite(found["a"]) and np.isnan(found["b"])


@pytest.mark.parametrize(
    "sets, percentile, message",
    [
        ({}, 95, "no sets"),
        ({"a": []}, 95, "set 'a' has shape"),
        ({"a": [[0]]}, 95, "set 'a' has shape"),
        ({"a": [0.5]}, 95, "type float64"),
        ({"a": [-1]}, 95, "allowed are 0 to 2"),
        ({"a": [0, 3]}, 95, "allowed are 0 to 2"),
        ({"a": [1, 1]}, 95, "twice"),
        ({"a": [0]}, 101, "percentile is 101"),
    ],
)
def test_bad_sets_are_named(sets, percentile, message):
    with pytest.raises(ValueError, match=message):
        set_percentiles(np.zeros(3), sets, percentile=percentile)
