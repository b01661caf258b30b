"""The losses of Theorems 3.2, 3.4 and 4.1, printed, corrected, and measured on one data set.

Solutions and their losses come from factorising the constraints (`minimum_norm`, `fine_tune`);
printed formulas come from projections by singular values. The statements compare the two.
"""

import numpy as np

from palimpsest.studies.theory.statements.linear_models import model as linear
from palimpsest.studies.theory.statements.linear_models.blocks import printed_projections
from palimpsest.studies.theory.statements.linear_models.model import Model

Array = np.ndarray


def remaining_loss(model: Model, w: Array) -> float:
    """RL: ||X_r' w - y_r||^2 / n_r."""
    return float(np.mean((model.x_r.T @ w - model.y_r) ** 2))


def unlearning_loss(model: Model, w: Array) -> float:
    """UL: ||X_f' w - y_f||^2 / n_f."""
    return float(np.mean((model.x_f.T @ w - model.y_f) ** 2))


def weighted_norm(x: Array, v: Array) -> float:
    """||v||^2 in the metric X X' / n."""
    return float(np.mean((x.T @ v) ** 2))


def golden_unlearning_loss(model: Model, p_r: Array) -> float:
    """Theorems 3.2 and 3.4: UL of retraining, ||P_r (w_r + w_lap) - (w_f + w_lap)||^2.

    Without overlap this is ||w_f||^2, since X_f' P_r = 0.
    """
    return weighted_norm(model.x_f, p_r @ model.part("r", "lap") - model.part("f", "lap"))


def printed_option_a(model: Model, p: Array) -> tuple[float, float]:
    """Theorem 4.1(2), option A: RL = 0, UL = ||P w_r + P w_lap - (w_f + w_lap)||^2."""
    difference = p @ model.part("r", "lap") - model.part("f", "lap")
    return 0.0, weighted_norm(model.x_f, difference)


def printed_option_b(model: Model, p: Array, p_t: Array) -> tuple[float, float]:
    """Theorem 4.1(2), option B: RL = ||(I - P_t) w_lap||^2, UL = ||P w_r + P_t w_lap - ...||^2."""
    lap = model.part("lap")
    difference = p @ model.part("r") + p_t @ lap - model.part("f", "lap")
    return weighted_norm(model.x_r, lap - p_t @ lap), weighted_norm(model.x_f, difference)


def corrected_option_a(model: Model, w_o: Array) -> tuple[float, float]:
    """Ours, for any shape: RL = 0, UL = ||M_{r,lap} w_o - (w_f + w_lap)||^2, for every n_t."""
    kept = np.where(model.mask("r", "lap"), w_o, 0.0)
    return 0.0, weighted_norm(model.x_f, kept - model.part("f", "lap"))


def corrected_option_b(model: Model, w_o: Array, p_t: Array) -> tuple[float, float]:
    """Ours, for any shape: RL = ||(I - P_t) M_lap w_o||^2,
    UL = ||(I - P_t) M_r w_o + P_t (w_r + w_lap) - (w_f + w_lap)||^2.
    """
    lap, own = (np.where(model.mask(name), w_o, 0.0) for name in ("lap", "r"))
    tuned = own - p_t @ own + p_t @ model.part("r", "lap")
    return (
        weighted_norm(model.x_r, lap - p_t @ lap),
        weighted_norm(model.x_f, tuned - model.part("f", "lap")),
    )


def _largest(*values: Array) -> float:
    return float(max(np.abs(value).max() if value.size else 0.0 for value in values))


def measure(model: Model, n_t: int) -> dict[str, float]:
    """Errors of the identities and both sides of each theorem, for the first n_t samples of X_r.

    Keys that end in _error are largest absolute deviations; rl_ and ul_ are losses.
    """
    if not 1 <= n_t <= model.shape.n_r:
        raise ValueError(f"n_t is {n_t}; allowed: 1 to {model.shape.n_r}")
    x, x_t, y_t = model.x, model.x_r[:, :n_t], model.y_r[:n_t]
    y = np.concatenate([model.y_r, model.y_f])
    p, p_r, p_f, p_t = (linear.projection(v) for v in (x, model.x_r, model.x_f, x_t))
    w_o, w_g = linear.minimum_norm(x, y), linear.minimum_norm(model.x_r, model.y_r)
    w_t = linear.fine_tune(w_o, x_t, y_t)
    w_a = linear.fine_tune(linear.masked_start(model, w_o, "A"), x_t, y_t)
    w_b = linear.fine_tune(linear.masked_start(model, w_o, "B"), x_t, y_t)
    blocks_r, blocks_f = printed_projections(model)
    result = {
        "rank_x": float(np.linalg.matrix_rank(x, rtol=linear.CUT)),
        "rank_r": float(np.linalg.matrix_rank(model.x_r, rtol=linear.CUT)),
        "literal_error": literal_error(x, p),
        "sum_error": _largest(p - p_r - p_f),
        "block_error": _largest(p_r - blocks_r, p_f - blocks_f),
        "kept_error": _largest(
            *(v.T - v.T @ q for v, q in ((x, p), (model.x_r, p_r), (model.x_f, p_f), (x_t, p_t)))
        ),
        "inside_error": _largest(
            p @ model.x_r - model.x_r, p @ model.x_f - model.x_f, p @ p_r - p_r, p @ p_f - p_f,
            p @ p_t - p_t,
        ),
        "disjoint_error": _largest(p_f @ model.x_r, p_r @ model.x_f),
        "commute_error": _largest(p @ p_t - p_t @ p),
        "solution_error": _largest(
            w_o - p @ model.w_star, w_g - p_r @ model.part("r", "lap"),
            model.x_r.T @ model.part("f"), model.x_f.T @ model.part("r"),
        ),
        "equation_4_error": _largest(w_t - linear.equation_4(model, p_t, w_o)),
        "equation_5_error": _largest(w_t - linear.equation_5(model, p, p_t)),
        "unchanged_error": _largest(w_t - w_o),
        "aligned_change": abs(
            unlearning_loss(model, linear.fine_tune(w_o, model.x_r, model.y_r))
            - unlearning_loss(model, w_t)
        ),
        "represented_error": _largest(p_t @ model.x_r - model.x_r),
        "golden_formula": golden_unlearning_loss(model, p_r),
        "own_norm": weighted_norm(model.x_f, model.part("f")),
    }  # fmt: skip
    for name, w in (("t", w_t), ("g", w_g), ("a", w_a), ("b", w_b)):
        result[f"rl_{name}"] = remaining_loss(model, w)
        result[f"ul_{name}"] = unlearning_loss(model, w)
    for name, pair in (
        ("a_printed", printed_option_a(model, p)),
        ("b_printed", printed_option_b(model, p, p_t)),
        ("a_corrected", corrected_option_a(model, w_o)),
        ("b_corrected", corrected_option_b(model, w_o, p_t)),
    ):
        result[f"rl_{name}"], result[f"ul_{name}"] = pair
    return result


def literal_error(x: Array, p: Array) -> float:
    """Deviation of the printed P = X (X'X)^-1 X' from the projection; infinite if undefined."""
    try:
        return _largest(linear.literal_projection(x) - p)
    except ValueError:
        return float("inf")
