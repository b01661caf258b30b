"""Principal components of a datamodel, extreme points, and components found again."""

import numpy as np
import pytest

from palimpsest.datamodels import components
from palimpsest.datamodels.components import extreme_points, matched, principal_components


def planted(points=40, seed=0):
    """A datamodel matrix of two strong components, with the scores of its rows on them."""
    random = np.random.RandomState(seed)
    scores = random.standard_normal((points, 2))
    scores -= scores.mean(axis=0)
    scores, _ = np.linalg.qr(scores)
    directions, _ = np.linalg.qr(random.standard_normal((points, 2)))
    strong = scores * [50.0, 20.0]
    offset = 7.0 * random.standard_normal(points)
    return strong @ directions.T + offset, strong


@pytest.fixture
def by_lanczos(monkeypatch):
    """Small matrices are taken for large ones, in blocks that do not divide them."""
    monkeypatch.setattr(components, "FULL_SVD_POINTS", 10)
    monkeypatch.setattr(components, "BLOCK", 7)


@pytest.mark.parametrize("component", [1, 2])
def test_the_projection_finds_planted_components(component):
    matrix, strong = planted()
    found = principal_components(matrix, 2).projections[:, component - 1]
    truth = strong[:, component - 1]
    assert found == pytest.approx(truth, abs=1e-9) or found == pytest.approx(-truth, abs=1e-9)


def test_projections_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    matrix = np.random.RandomState(1).standard_normal((30, 30))
    pca = PCA(n_components=3, svd_solver="full")
    expected = pca.fit_transform(matrix)
    found = principal_components(matrix, 3)
    assert found.projections == pytest.approx(expected, abs=1e-9)
    assert found.shares == pytest.approx(pca.explained_variance_ratio_)


def test_the_sign_does_not_depend_on_the_decomposition():
    matrix, _ = planted(seed=3)
    projection = principal_components(matrix, 1).projections
    flipped = principal_components(matrix[::-1], 1).projections[::-1]
    assert flipped == pytest.approx(projection, abs=1e-9)


def test_the_largest_entry_of_a_component_is_positive():
    matrix, _ = planted(seed=4)
    centred = matrix - matrix.mean(axis=0)
    projections = principal_components(matrix, 2).projections
    directions = projections.T @ centred
    largest = np.abs(directions).argmax(axis=1)
    assert (directions[np.arange(2), largest] > 0).all()


def test_large_matrices_give_the_same_by_lanczos(request):
    matrix = np.random.RandomState(2).standard_normal((60, 60)).astype(np.float32)
    full = principal_components(matrix, 3)
    request.getfixturevalue("by_lanczos")
    iterated = principal_components(matrix, 3)
    assert iterated.projections == pytest.approx(full.projections, abs=1e-5)
    assert iterated.shares == pytest.approx(full.shares, rel=1e-5)


def test_lanczos_gives_the_same_bits_twice(by_lanczos):
    matrix = np.random.RandomState(2).standard_normal((60, 60)).astype(np.float32)
    first, second = (principal_components(matrix, 2).projections for _ in range(2))
    assert np.array_equal(first, second)


def test_variance_shares_fall_and_sum_to_1_over_all_components():
    matrix = np.random.RandomState(5).standard_normal((12, 12))
    shares = principal_components(matrix, 11).shares
    assert (np.diff(shares) <= 0).all()
    assert shares.sum() == pytest.approx(1.0)
    assert principal_components(matrix, 5).shares == pytest.approx(shares[:5])


def test_variance_shares_of_a_part_sum_to_less_by_lanczos(by_lanczos):
    matrix = np.random.RandomState(5).standard_normal((30, 30))
    assert 0 < principal_components(matrix, 4).shares.sum() < 1


@pytest.mark.parametrize(
    ("matrix", "component", "sentence"),
    [
        (np.ones((3, 4)), 1, r"shape \(3, 4\); needed: square"),
        (np.eye(4), 0, "component 0 of 4 points; allowed: 1 to 3"),
        (np.eye(4), 4, "component 4 of 4 points; allowed: 1 to 3"),
        (np.diag([1.0, np.nan, 1.0]), 1, "NaN or infinite"),
    ],
)
def test_wrong_matrices_are_refused(matrix, component, sentence):
    with pytest.raises(ValueError, match=sentence):
        principal_components(matrix, component)


def test_top_and_bottom_points_are_taken():
    projection = np.array([0.5, -3.0, 2.0, 0.0, 1.0])
    assert extreme_points(projection, top=2, bottom=0).tolist() == [2, 4]
    assert extreme_points(projection, top=1, bottom=2).tolist() == [1, 2, 3]
    assert extreme_points(projection, top=0, bottom=1).tolist() == [1]


def test_ties_go_to_the_lower_position():
    assert extreme_points(np.zeros(5), top=1, bottom=1).tolist() == [0, 1]


@pytest.mark.parametrize(("top", "bottom"), [(0, 0), (3, 2), (5, 0), (-1, 2)])
def test_impossible_numbers_of_points_are_refused(top, bottom):
    with pytest.raises(ValueError, match=f"top {top} and bottom {bottom} of 5 training points"):
        extreme_points(np.zeros(5), top, bottom)


@pytest.fixture
def copy_in_disorder():
    """Three components; and their noisy copy, two swapped, one of these with another sign."""
    random = np.random.default_rng(0)
    whole = random.normal(size=(200, 3)) * [3.0, 2.0, 1.9]
    noisy = whole + 0.3 * random.normal(size=whole.shape)
    return whole, noisy, noisy[:, [0, 2, 1]] * [1.0, -1.0, 1.0]


def test_matching_undoes_swaps_and_signs(copy_in_disorder):
    whole, noisy, part = copy_in_disorder
    found, _ = matched(whole, part)
    assert np.array_equal(found, noisy)


def test_a_match_says_which_component_it_is_and_how_alike(copy_in_disorder):
    whole, noisy, part = copy_in_disorder
    _, matches = matched(whole, part)
    assert [match.component for match in matches] == [1, 3, 2]
    expected = [np.corrcoef(whole[:, k], noisy[:, k])[0, 1] for k in range(3)]
    assert [match.correlation for match in matches] == pytest.approx(expected)


def test_each_component_is_found_again_once():
    """Both columns are most like the first of the other; one of them has to take the second."""
    random = np.random.default_rng(1)
    one, other = random.normal(size=(2, 300))
    whole = np.stack([one, one + 0.5 * other], axis=1)
    _, matches = matched(whole, np.stack([one + 0.1 * other, other], axis=1))
    assert sorted(match.component for match in matches) == [1, 2]


def test_a_constant_column_is_like_none():
    """An estimate of low rank has components without any variance."""
    one = np.random.default_rng(2).normal(size=(20, 1))
    nothing = np.zeros((20, 1))
    found, matches = matched(np.hstack([one, nothing]), np.hstack([nothing, -one]))
    assert np.array_equal(found, np.hstack([one, nothing]))
    assert [match.component for match in matches] == [2, 1]
    assert [match.correlation for match in matches] == pytest.approx([1.0, 0.0])
