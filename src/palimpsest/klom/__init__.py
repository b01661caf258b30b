"""KLoM per data point, its percentile over sets of points, its null floor and its interval."""

from palimpsest.klom.histograms import MODES
from palimpsest.klom.point_counts import clipped_points, nan_points
from palimpsest.klom.point_scores import DIRECTIONS, klom, reverse
from palimpsest.klom.point_sets import set_percentiles
from palimpsest.klom.redraws import redrawn_percentiles
from palimpsest.klom.uncertainty import Interval, interval_of, klom_intervals, null_floor

__all__ = [
    "DIRECTIONS",
    "MODES",
    "Interval",
    "clipped_points",
    "interval_of",
    "klom",
    "klom_intervals",
    "nan_points",
    "null_floor",
    "redrawn_percentiles",
    "reverse",
    "set_percentiles",
]
