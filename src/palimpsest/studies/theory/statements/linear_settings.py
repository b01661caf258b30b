"""Random data sets of the linear model: the setting of App. A.1, overparameterised, any shape."""

from functools import cache, partial

import numpy as np

from palimpsest.studies.theory import linear_model as linear
from palimpsest.studies.theory.linear_measure import measure
from palimpsest.studies.theory.linear_model import Shape
from palimpsest.studies.theory.verdicts import Parameters

Array = np.ndarray
DISTINCT = {
    "setting of A.1": (Shape(30, 10, 20, 0, 20),),
    "overparameterised": (
        Shape(30, 10, 200, 0, 200), Shape(30, 10, 70, 0, 70), Shape(14, 6, 20, 0, 20),
    ),
}  # fmt: skip
# d_r + d_lap + d_f = d = 40 and d_r = d_f = 20 exclude d_lap = 8: four ways out (A.1)
OVERLAPPING = {
    "setting of A.1": (
        Shape(30, 10, 20, 8, 12), Shape(30, 10, 16, 8, 16), Shape(30, 10, 12, 8, 20),
        Shape(30, 10, 20, 8, 20),
    ),
    "overparameterised": (
        Shape(30, 10, 150, 100, 150), Shape(30, 10, 50, 40, 50), Shape(14, 6, 14, 12, 14),
    ),
}  # fmt: skip
SETTINGS = ("setting of A.1", "overparameterised", "any shape")
NOISE = 0.1  # of the labels, in the tenth of the cases that lie outside the paper's conditions


def _any_shape(rng: np.random.Generator, overlap: bool) -> Shape:
    n_r, n_f, d_r, d_f = (int(rng.integers(low, 40)) for low in (4, 3, 2, 2))
    return Shape(n_r, n_f, d_r, int(rng.integers(1, 25)) if overlap else 0, d_f)


@cache
def _measured(setting: str, overlap: bool, seed: int, n: int) -> Parameters:
    rng = np.random.default_rng(seed)
    shapes = (OVERLAPPING if overlap else DISTINCT).get(setting, ())
    rows = []
    for index in range(n):
        shape = shapes[index % len(shapes)] if shapes else _any_shape(rng, overlap)
        case_seed, n_t = int(rng.integers(2**31)), int(rng.integers(1, shape.n_r))
        noise = NOISE if rng.random() < 0.1 else 0.0
        model = linear.draw(shape, np.random.default_rng(case_seed), noise)
        row = {
            "n_r": shape.n_r, "n_f": shape.n_f, "d_r": shape.d_r, "d_lap": shape.d_lap,
            "d_f": shape.d_f, "n_t": n_t, "noise": noise, "seed": case_seed,
        }  # fmt: skip
        rows.append(row | {f"_{name}": v for name, v in measure(model, n_t).items()})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def draw(setting: str, overlap: bool, rng: np.random.Generator, n: int) -> Parameters:
    """A quarter of n data sets (at least 40), measured; drawn once per setting and seed."""
    return _measured(setting, overlap, int(rng.integers(2**31)), max(40, n // 4))


def drawer(setting: str, overlap: bool):  # type: ignore[no-untyped-def]
    """`draw` for one setting."""
    return partial(draw, setting, overlap)


def noise_free(p: Parameters) -> Array:
    """The paper's labels: y = X' w_star without noise."""
    return p["noise"] == 0


def full_rank_r(p: Parameters) -> Array:
    """X_r has full rank on its own features: as many independent samples as features."""
    return p["_rank_r"] == p["d_r"] + p["d_lap"]


def full_rank(p: Parameters) -> Array:
    """X_r has full rank on its own features, or X on all."""
    return full_rank_r(p) | (p["_rank_x"] == p["d_r"] + p["d_lap"] + p["d_f"])
