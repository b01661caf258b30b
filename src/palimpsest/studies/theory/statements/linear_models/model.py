"""Fine-tuning in linear models (Why Fine-Tuning Struggles, Sections 2 to 4, App. A.1 and B).

X has one column per sample, shape (d, n); the first d_r features belong to the retained data
alone, the next d_lap to both, the last d_f to the forgotten data alone. Labels are X' w_star.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

from palimpsest.arrays import require

Array = np.ndarray
CUT = 1e-10  # singular values below this share of the largest count as zero


@dataclass(frozen=True)
class Shape:
    """Numbers of samples and features."""

    n_r: int
    n_f: int
    d_r: int
    d_lap: int
    d_f: int

    def __post_init__(self) -> None:
        require(
            np.array(min(self.n_r, self.n_f, self.d_r, self.d_f) >= 1),
            "n_r, n_f, d_r and d_f must be at least 1",
        )
        require(np.array(self.d_lap >= 0), "d_lap must not be negative")

    @property
    def d(self) -> int:
        """Number of features, d_r + d_lap + d_f."""
        return self.d_r + self.d_lap + self.d_f


@dataclass(frozen=True)
class Model:
    """One data set: X_r (d, n_r), X_f (d, n_f), w_star (d,), labels, and its shape."""

    shape: Shape
    x_r: Array
    x_f: Array
    w_star: Array
    y_r: Array
    y_f: Array

    @property
    def x(self) -> Array:
        """All samples, (d, n)."""
        return np.concatenate([self.x_r, self.x_f], axis=1)

    def part(self, *names: str) -> Array:
        """w_star on the named features (r, lap, f), zero elsewhere; shape (d,)."""
        return np.where(self.mask(*names), self.w_star, 0.0)

    def mask(self, *names: str) -> Array:
        """Which features belong to the named groups, bool (d,)."""
        shape = self.shape
        groups = np.repeat(["r", "lap", "f"], [shape.d_r, shape.d_lap, shape.d_f])
        return np.isin(groups, names)


def draw(shape: Shape, rng: np.random.Generator, noise: float = 0.0) -> Model:
    """App. A.1: standard normal features and coefficients; noise-free labels by default."""
    x_r = rng.standard_normal((shape.d, shape.n_r))
    x_f = rng.standard_normal((shape.d, shape.n_f))
    x_r[shape.d_r + shape.d_lap :] = 0.0
    x_f[: shape.d_r] = 0.0
    w_star = rng.standard_normal(shape.d)
    y_r = x_r.T @ w_star + noise * rng.standard_normal(shape.n_r)
    y_f = x_f.T @ w_star + noise * rng.standard_normal(shape.n_f)
    return Model(shape, x_r, x_f, w_star, y_r, y_f)


def projection(x: Array) -> Array:
    """P = X X^+ onto the span of the columns of X, (d, d); exactly symmetric."""
    u, values, _ = np.linalg.svd(x, full_matrices=False)
    basis = u[:, values > CUT * values[0]]
    return basis @ basis.T


def literal_projection(x: Array) -> Array:
    """P = X (X'X)^-1 X' as printed; ValueError where X'X is singular."""
    values = np.linalg.svd(x, compute_uv=False)
    rank = int((values > CUT * values[0]).sum())
    if rank < x.shape[1]:
        raise ValueError(
            f"X'X is singular: X has {x.shape[1]} samples but rank {rank}; use the pseudo-inverse"
        )
    return x @ np.linalg.solve(x.T @ x, x.T)


def minimum_norm(x: Array, y: Array) -> Array:
    """Eqs. (1) and (3): the w of least norm with X'w = y (least squares if there is none).

    Solved by a complete orthogonal factorisation, which shares nothing with `projection`.
    """
    return lstsq(x.T, y, cond=CUT, lapack_driver="gelsy")[0]


def fine_tune(start: Array, x_t: Array, y_t: Array) -> Array:
    """Eq. (2): the w nearest to `start` with X_t' w = y_t."""
    return start + minimum_norm(x_t, y_t - x_t.T @ start)


def equation_4(model: Model, p_t: Array, w_o: Array) -> Array:
    """Eq. (4), with overlap by Corollary B.2: w_t = (I - P_t) w_o + P_t (w_r + w_lap)."""
    return w_o - p_t @ w_o + p_t @ model.part("r", "lap")


def equation_5(model: Model, p: Array, p_t: Array) -> Array:
    """Eq. (5): w_t = P w_r + (P - P_t) w_f, with P w_lap added where features overlap."""
    return p @ model.part("r", "lap") + (p - p_t) @ model.part("f")


def masked_start(model: Model, w_o: Array, option: str) -> Array:
    """Section 4: w_o without the features of the forgotten data.

    Option A keeps the overlapping features, option B drops them; without overlap they agree.
    """
    if option == "A":
        return np.where(model.mask("r", "lap"), w_o, 0.0)
    if option == "B":
        return np.where(model.mask("r"), w_o, 0.0)
    raise ValueError(f"{option!r} is no option; allowed: A, B")
