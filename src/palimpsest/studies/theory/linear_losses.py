"""Losses of Theorems 3.2, 3.4 and 4.1 (Why Fine-Tuning Struggles), printed and corrected."""

import numpy as np

from palimpsest.studies.theory.linear_model import Model

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
