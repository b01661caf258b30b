"""Simulate how often KLoM's interval covers the truth, and how near its null floor comes to it.

Usage: python benchmarks/coverage.py [--models 50] [--points 30 200 1000] [--repetitions 300]
           [--shapes normal,bimodal_8] [--processes 1] [--out coverage.json]

The margins of a point have one of many shapes, a place, a scale and a shift of its own; margins of
one model move together (a third of their variance is the model's). In every repetition both
populations are drawn anew from that truth: the interval should hold the expected score in 95 % of
them, and the null floor should be what fresh oracles score against fresh oracles on average. Sets
of several sizes are nested, so one run serves all. Prints markdown; `--out` writes JSON.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from scipy.special import ndtr

from palimpsest.files import write_json
from palimpsest.klom import klom, klom_intervals, null_floor, set_percentiles

SHARED = 1 / 3  # of the variance of what a margin is made of
SHIFTS = {"same": 0.0, "small": 0.5, "large": 3.0}  # in the scale of a point, about one mode's sd


def _modes(*places: float, shares: tuple[float, ...] = ()) -> Callable:
    """Unit normals around these places; a place's share of the models (even, unless given)."""
    bounds = np.cumsum(shares or np.full(len(places), 1 / len(places)))[:-1]
    return lambda z, m, rng: z + np.asarray(places)[np.searchsorted(bounds, ndtr(m))]


def _student(z: np.ndarray, m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return z / np.sqrt(rng.chisquare(3, z.shape) / 3)


def _laplace(z: np.ndarray, m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return -np.sign(z) * np.log(2 * ndtr(-np.abs(z)))


def _outliers(z: np.ndarray, m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(ndtr(m) < 0.02, 15 * z, z)


def _diverged(z: np.ndarray, m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of the models, as wholes, a quarter at +infinity and a quarter NaN."""
    fate = rng.random((len(z), 1))
    return np.where(fate < 0.25, np.inf, np.where(fate < 0.5, np.nan, z))


SHAPES: dict[str, Callable] = {
    "normal": lambda z, m, rng: z,
    "student_3": _student,
    "laplace": _laplace,
    "lognormal": lambda z, m, rng: np.exp(0.8 * z),
    "exponential": lambda z, m, rng: -np.log(ndtr(-z)),
    "uniform": lambda z, m, rng: 3.5 * ndtr(z),
    "bimodal_4": _modes(0, 4),
    "bimodal_8": _modes(0, 8),
    "bimodal_20": _modes(0, 20),
    "bimodal_60": _modes(0, 60),
    "bimodal_90_10": _modes(8, 0, shares=(0.9, 0.1)),
    "bimodal_97_3": _modes(8, 0, shares=(0.97, 0.03)),
    "three_modes": _modes(0, 6, 16),
    "tail_below": lambda z, m, rng: np.where(z < 0, -np.sinh(1.3 * -z), z),
    "outliers": _outliers,
    "half_diverged": _diverged,
}
"""what a point's margins are made of: two standard normals each, (models, points)"""


class Truth:
    """What margins are drawn from: a shape per point (`mixed`: all of them in turn)."""

    def __init__(self, shape: str, points: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names = (
            [name for name in SHAPES if name != "half_diverged"] if shape == "mixed" else [shape]
        )
        self._parts = [
            (SHAPES[name], np.arange(points) % len(names) == i) for i, name in enumerate(names)
        ]
        self._place, self._scale = rng.normal(8, 2, points), np.exp(rng.normal(0, 0.3, points))
        self._shift = rng.uniform(0.5, 1.5, points) * rng.choice([-1, 1], points)

    def draw(self, models: int, shift: float, rng: np.random.Generator) -> np.ndarray:
        """Margins (models, points) whose points are shifted by about `shift` scales."""
        points = self._place.size
        own, shared = rng.normal(size=(2, models, points)), rng.normal(size=(2, models, 1))
        z, m = np.sqrt(1 - SHARED) * own + np.sqrt(SHARED) * shared
        for shape, where in self._parts:
            z[:, where] = shape(z[:, where], m[:, where], rng)
        return (self._place + self._scale * (z + shift * self._shift)).astype(np.float32)


def simulate(
    shape: str, shift: str, models: int, sizes: list[int], repetitions: int, floors: int
) -> list[dict]:
    """Coverage of the interval (one row for each size of a set) and the ratio of the floors."""
    rng = np.random.default_rng(1)
    truth = Truth(shape, max(sizes), seed=0)
    sets = {str(size): np.arange(size) for size in sizes}
    scores, held = [], []
    for _ in range(repetitions):
        pair = truth.draw(models, SHIFTS[shift], rng), truth.draw(models, 0, rng)
        found = klom_intervals(*pair, sets, seed=int(rng.integers(2**31)))
        held.append([found[name][:3] for name in sets])
        # a second pair, scored alone, halves the variance of the truth
        pair = truth.draw(models, SHIFTS[shift], rng), truth.draw(models, 0, rng)
        scores.append([*set_percentiles(klom(*pair), sets).values()])
    score, low, high = np.moveaxis(np.array(held), -1, 0)
    expected = np.concatenate([scores, score]).mean(axis=0)
    covered = ((low <= expected) & (expected <= high)).mean(axis=0)
    rows = [
        {"shape": shape, "shift": shift, "models": models, "points": size,
         "score": round(float(expected[i]), 3), "coverage": round(float(covered[i]), 3),
         "half_width": round(float((high - score).mean(axis=0)[i]), 3),
         "width_ratio": round(float((high - score).mean(axis=0)[i] / 2.093
                                    / np.concatenate([scores, score]).std(axis=0)[i]), 2)}
        for i, size in enumerate(sizes)
    ]  # fmt: skip
    if shift == "same":
        for i in range(floors):
            oracle = truth.draw(models, 0, rng)
            floor = null_floor(oracle, sets, repeats=4, seed=i)
            scores_of = [floor[name].mean() for name in sets]
            held = [*scores_of] if i == 0 else [a + b for a, b in zip(held, scores_of, strict=True)]
        for i, row in enumerate(rows):
            row["floor_ratio"] = round(float(held[i] / floors / expected[i]), 3)
    return rows


def _job(job: tuple) -> list[dict]:
    return simulate(*job)


def markdown(rows: list[dict]) -> str:
    """One line per shape; per size of set the coverage at each shift, and the floor's ratio."""
    sizes = sorted({row["points"] for row in rows})
    head = [f"{size}: {word}" for size in sizes for word in [*SHIFTS, "floor"]]
    lines = ["| shape | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for shape in dict.fromkeys(row["shape"] for row in rows):
        of = {(r["points"], r["shift"]): r for r in rows if r["shape"] == shape}
        cells = []
        for size in sizes:
            cells += [f"{of[size, shift]['coverage']:.2f}" for shift in SHIFTS]
            cells += [f"{of[size, 'same']['floor_ratio']:.2f}"]
        lines.append(f"| {shape} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Parse the arguments, simulate, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=50, help="models per population (50)")
    parser.add_argument(
        "--points", type=int, nargs="+", default=[30, 200, 1000], help="sizes of the sets"
    )
    parser.add_argument("--repetitions", type=int, default=300, help="intervals per row (300)")
    parser.add_argument("--floors", type=int, default=40, help="floors per row (40)")
    parser.add_argument("--shapes", help="these only, with commas between (all, and mixed)")
    parser.add_argument("--processes", type=int, default=1, help="side by side (1)")
    parser.add_argument("--out", type=Path, help="write the rows to this JSON file")
    arguments = parser.parse_args()
    shapes = arguments.shapes.split(",") if arguments.shapes else [*SHAPES, "mixed"]
    jobs = [
        (shape, shift, arguments.models, arguments.points, arguments.repetitions, arguments.floors)
        for shape, shift in product(shapes, SHIFTS)
    ]
    with ProcessPoolExecutor(arguments.processes) as pool:
        rows = [row for part in pool.map(_job, jobs) for row in part]
    print(f"N = {arguments.models}, {arguments.repetitions} repetitions\n\n{markdown(rows)}")
    if arguments.out:
        write_json(arguments.out, {"rows": rows})


if __name__ == "__main__":
    main()
