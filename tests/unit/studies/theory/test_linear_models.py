"""Sections 2 to 4 of the linear theory: factorisation, projections and Krylov iteration."""

import numpy as np
import pytest
from scipy.sparse.linalg import lsqr

from palimpsest.studies.theory.statements.linear_models import blocks
from palimpsest.studies.theory.statements.linear_models import measure as losses
from palimpsest.studies.theory.statements.linear_models import model as linear
from palimpsest.studies.theory.statements.linear_models.measure import measure
from palimpsest.studies.theory.statements.linear_models.model import Shape

SHAPES = {
    "A.1 distinct": Shape(30, 10, 20, 0, 20),
    "A.1 overlapping": Shape(30, 10, 20, 8, 12),
    "overparameterised": Shape(14, 6, 14, 12, 14),
}


@pytest.fixture(params=list(SHAPES))
def model(request):
    return linear.draw(SHAPES[request.param], np.random.default_rng(1))


def krylov(x, y, start):
    """The solution of X'w = y nearest to `start`, by LSQR: no factorisation of X."""
    return lsqr(x.T, y, x0=start, atol=1e-15, btol=1e-15, iter_lim=5000)[0]


def test_solutions_against_lsqr_and_projections(model):
    x, y = model.x, np.concatenate([model.y_r, model.y_f])
    w_o, w_g = linear.minimum_norm(x, y), linear.minimum_norm(model.x_r, model.y_r)
    np.testing.assert_allclose(w_o, krylov(x, y, np.zeros(x.shape[0])), atol=1e-9)
    np.testing.assert_allclose(w_o, linear.projection(x) @ model.w_star, atol=1e-9)
    golden = linear.projection(model.x_r) @ model.part("r", "lap")
    np.testing.assert_allclose(w_g, golden, atol=1e-9)
    for option in ("A", "B"):
        start = linear.masked_start(model, w_o, option)
        x_t, y_t = model.x_r[:, :7], model.y_r[:7]
        found = linear.fine_tune(start, x_t, y_t)
        np.testing.assert_allclose(found, krylov(x_t, y_t, start), atol=1e-9)


def test_fine_tuning_is_where_gradient_descent_ends(model):
    """Plain gradient descent on the fine-tuning loss, from a masked start."""
    x_t, y_t = model.x_r[:, :4], model.y_r[:4]
    y = np.concatenate([model.y_r, model.y_f])
    start = linear.masked_start(model, linear.minimum_norm(model.x, y), "B")
    w, rate = start.copy(), 1 / np.linalg.norm(x_t, 2) ** 2
    for _ in range(5000):
        w -= rate * x_t @ (x_t.T @ w - y_t)
    np.testing.assert_allclose(linear.fine_tune(start, x_t, y_t), w, atol=1e-9)


def test_projection_is_one(model):
    p = linear.projection(model.x)
    np.testing.assert_allclose(p @ p, p, atol=1e-12)
    np.testing.assert_array_equal(p, p.T)
    np.testing.assert_allclose(p @ model.x, model.x, atol=1e-12)
    rank = np.linalg.matrix_rank(model.x)
    assert np.trace(p) == pytest.approx(rank)


def test_the_literal_inverse_says_when_it_does_not_exist():
    model = linear.draw(SHAPES["A.1 distinct"], np.random.default_rng(0))
    with pytest.raises(ValueError, match="40 samples but rank 30; use the pseudo-inverse"):
        linear.literal_projection(model.x)
    fine = linear.draw(SHAPES["overparameterised"], np.random.default_rng(0))
    np.testing.assert_allclose(
        linear.literal_projection(fine.x), linear.projection(fine.x), atol=1e-9
    )


def test_data_have_the_features_of_remark_2(model):
    shape = model.shape
    assert (model.x_r[shape.d_r + shape.d_lap :] == 0).all()
    assert (model.x_f[: shape.d_r] == 0).all()
    np.testing.assert_allclose(model.y_f, model.x_f.T @ model.part("lap", "f"))
    np.testing.assert_allclose(model.y_r, model.x_r.T @ model.part("r", "lap"))


def test_losses_are_mean_squared_errors():
    model = linear.draw(Shape(2, 1, 1, 1, 1), np.random.default_rng(2))
    w = np.array([1.0, 2.0, 3.0])
    first, second = (model.x_r[:, i] @ w - model.y_r[i] for i in range(2))
    assert losses.remaining_loss(model, w) == pytest.approx((first**2 + second**2) / 2)
    assert losses.unlearning_loss(model, w) == pytest.approx(
        (model.x_f[:, 0] @ w - model.y_f[0]) ** 2
    )
    metric = model.x_f @ model.x_f.T / 1
    assert losses.weighted_norm(model.x_f, w) == pytest.approx(w @ metric @ w)


def test_corrected_theorem_and_the_failure_of_the_printed_one():
    a_1 = measure(linear.draw(SHAPES["A.1 overlapping"], np.random.default_rng(4)), 15)
    over = measure(linear.draw(SHAPES["overparameterised"], np.random.default_rng(4)), 7)
    for result in (a_1, over):
        for key in ("rl_a", "ul_a", "rl_b", "ul_b"):
            assert result[key] == pytest.approx(result[f"{key}_corrected"], rel=1e-9, abs=1e-9)
    for key in ("ul_a", "rl_b", "ul_b"):
        assert a_1[key] == pytest.approx(a_1[f"{key}_printed"], rel=1e-9)
        assert abs(over[key] / over[f"{key}_printed"] - 1) > 0.01


def test_blocks_of_corollary_b_3_with_the_inverse_as_printed():
    model = linear.draw(SHAPES["overparameterised"], np.random.default_rng(0))
    r, overlap = model.x_r[:14], model.x_r[14:26]
    inverse = np.linalg.inv(r.T @ r + overlap.T @ overlap)
    printed = np.block(
        [[u @ inverse @ v.T for v in (r, overlap)] for u in (r, overlap)]
    )  # fmt: skip
    p_r, p_f = blocks.printed_projections(model)
    np.testing.assert_allclose(p_r[:26, :26], printed, atol=1e-12)
    np.testing.assert_allclose(p_r, linear.projection(model.x_r), atol=1e-12)
    np.testing.assert_allclose(p_f, linear.projection(model.x_f), atol=1e-12)


def test_blocks_of_corollary_b_1_are_wrong_where_features_overlap():
    """The check can fail: without L_1'L_1 in the inverse the blocks are others, not zero."""
    model = linear.draw(SHAPES["overparameterised"], np.random.default_rng(0))
    without = blocks.block_form(model.x_r[:14], model.x_r[:0])
    p_r = linear.projection(model.x_r)
    assert np.abs(without - p_r[:14, :14]).max() > 0.1
    swapped = blocks.block_form(model.x_r[14:26], model.x_r[:14])
    assert np.abs(swapped - p_r[:26, :26]).max() > 0.1


def test_blocks_without_an_inverse():
    """In A.1 R'R is singular; the pseudo-inverse keeps the form."""
    model = linear.draw(SHAPES["A.1 distinct"], np.random.default_rng(0))
    p_r, p_f = blocks.printed_projections(model)
    np.testing.assert_allclose(p_r + p_f, linear.projection(model.x), atol=1e-12)


def test_projections_of_disjoint_samples_need_not_commute():
    model = linear.draw(SHAPES["overparameterised"], np.random.default_rng(0))
    p, p_r, p_f, p_t = (
        linear.projection(x) for x in (model.x, model.x_r, model.x_f, model.x_r[:, :5])
    )
    assert np.abs(p @ p_t - p_t @ p).max() < 1e-12
    assert np.abs(p_r @ p_f - p_f @ p_r).max() > 0.01


def test_aligning_matters_where_labels_cannot_be_fitted():
    shape = Shape(40, 10, 10, 5, 10)
    noisy, clean = (linear.draw(shape, np.random.default_rng(5), noise) for noise in (0.5, 0.0))
    assert measure(noisy, 5)["aligned_change"] > 1e-3
    assert measure(clean, 5)["aligned_change"] < 1e-12


def test_noise_leaves_a_remaining_loss():
    """Without noise-free labels 30 samples with 20 features cannot be fitted."""
    result = measure(linear.draw(SHAPES["A.1 distinct"], np.random.default_rng(5), noise=0.1), 15)
    assert 1e-4 < result["rl_g"] < 0.02


def test_bad_input_is_refused(model):
    with pytest.raises(ValueError, match="at least 1"):
        Shape(0, 10, 20, 0, 20)
    with pytest.raises(ValueError, match="d_lap must not be negative"):
        Shape(30, 10, 20, -1, 20)
    with pytest.raises(ValueError, match="allowed: A, B"):
        linear.masked_start(model, model.w_star, "C")
    with pytest.raises(ValueError, match="allowed: 1 to"):
        measure(model, 0)
