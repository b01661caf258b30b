"""Time the library's KLoM against the per-point loop of 2025, in one process.

Usage: python benchmarks/klom.py [--points 60000] [--models 100] [--repeats 5] [--out klom.json]

The loop runs once over all the points; the library's modes run `--repeats` times, interleaved, and
their medians count. Peak memory is what NumPy and Python allocate during a call beyond its input,
by tracemalloc, in a call of its own that is not timed. Threads: set OMP_NUM_THREADS=1 to compare.
"""

import argparse
import json
import platform
import sys
import time
import tracemalloc
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import entropy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from palimpsest.files import write_json
from palimpsest.klom import MODES, klom, klom_intervals, null_floor


def per_point_loop(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """RoyRin/data-unlearning-bench (2025) as it is published: one point after another."""
    return np.array([_one_point(p[:, i], q[:, i]) for i in range(p.shape[1])])


def _one_point(p: np.ndarray, q: np.ndarray) -> float:
    p, q = np.clip(p, -100, 100), np.clip(q, -100, 100)
    low, high = min(p.min(), q.min()), max(p.max(), q.max())
    edges = np.linspace(low, high if low < high else low + 1, 21)
    shares = []
    for sample in (p, q):
        index = np.digitize(sample, edges)
        counts = np.array([np.sum(index == i) for i in range(1, 21)])
        shares.append(counts / counts.sum() if counts.sum() > 0 else np.zeros(20))
    return entropy(shares[0], np.where(shares[0] > 0, np.maximum(shares[1], 1e-5), shares[1]))


def timed(function, *arguments, **settings) -> tuple[float, object]:
    """Seconds of one call, and its result."""
    start = time.perf_counter()
    result = function(*arguments, **settings)
    return time.perf_counter() - start, result


def peak_mebibytes(function, *arguments, **settings) -> float:
    """Largest allocation during one call, beyond what was there before it."""
    tracemalloc.start()
    function(*arguments, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def measure(models: int, points: int, repeats: int, uncertainty_points: int) -> dict:
    """All figures of the benchmark."""
    unlearned, oracle = np.random.default_rng(0).normal(8, 1, (2, models, points))
    pair = unlearned.astype(np.float32), oracle.astype(np.float32)
    times: dict[str, list[float]] = {mode: [] for mode in MODES}
    klom(*pair)  # loads what is loaded on first use
    for _ in range(repeats):
        for mode in MODES:
            times[mode].append(timed(klom, *pair, mode=mode)[0])
    loop, expected = timed(per_point_loop, *pair)
    modes = {
        mode: {
            "seconds": round(median(times[mode]), 4),
            "loop_over_library": round(loop / median(times[mode]), 1),
            "peak_mib": round(peak_mebibytes(klom, *pair, mode=mode), 1),
        }
        for mode in MODES
    }
    return {
        "models": models,
        "points": points,
        "loop_seconds": round(loop, 2),
        "loop_points": points,
        "easydub_2025_equal_to_loop": bool(
            np.array_equal(klom(*pair, mode="easydub-2025"), expected)
        ),
        "modes": modes,
        "uncertainty": _uncertainty(*pair, min(points, uncertainty_points), repeats),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def _uncertainty(unlearned: np.ndarray, oracle: np.ndarray, points: int, repeats: int) -> dict:
    """Median seconds of an interval and of a null floor over three sets, 20 draws each."""
    forget, retain, val = np.split(np.arange(points), [points // 18, points * 4 // 5])
    sets = {"forget": forget, "retain": retain, "val": val}
    sets = {name: where for name, where in sets.items() if where.size}
    pair = unlearned[:, :points], oracle[:, :points]
    interval = [timed(klom_intervals, *pair, sets)[0] for _ in range(repeats)]
    null = [timed(null_floor, pair[1], sets)[0] for _ in range(repeats)]
    return {
        "points": points,
        "interval_seconds": round(median(interval), 4),
        "null_floor_seconds": round(median(null), 4),
    }


def main() -> None:
    """Parse the arguments, measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=60_000, help="data points (60000)")
    parser.add_argument("--models", type=int, default=100, help="models per population (100)")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls per mode (5)")
    parser.add_argument(
        "--uncertainty-points", type=int, default=1_800, help="points of the interval (1800)"
    )
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    figures = measure(
        arguments.models, arguments.points, arguments.repeats, arguments.uncertainty_points
    )
    print(json.dumps(figures, indent=1))
    if arguments.out:
        write_json(arguments.out, figures)


if __name__ == "__main__":
    main()
