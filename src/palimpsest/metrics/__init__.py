"""KLoM per data point, its percentile over sets of points, its null floor and its interval."""

from palimpsest.metrics.histograms import MODES
from palimpsest.metrics.point_counts import clipped_points, nan_points
from palimpsest.metrics.point_scores import DIRECTIONS, klom
from palimpsest.metrics.point_sets import set_percentiles
from palimpsest.metrics.uncertainty import Interval, klom_intervals, null_floor

__all__ = [
    "DIRECTIONS",
    "MODES",
    "Interval",
    "clipped_points",
    "klom",
    "klom_intervals",
    "nan_points",
    "null_floor",
    "set_percentiles",
]
