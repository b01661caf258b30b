"""Forget sets at random, by principal component, and from files."""

import json

import numpy as np
import pytest

from palimpsest.data.forget_sets import file, principal_component
from palimpsest.data.forget_sets import random as at_random
from palimpsest.data.forget_sets.file import read_indices
from palimpsest.data.forget_sets.principal_component import (
    component_forget_set,
    component_projection,
)
from palimpsest.files import InputError, SettingError

# The first indices of the published CIFAR-10 forget sets 1 to 3 (data-unlearning-bench).
PUBLISHED = [
    (10, [11841, 12363, 19602, 25747, 26128, 30346, 31902, 32490, 42642, 45519]),
    (100, [766, 1281, 1892, 2206, 2600, 2908, 2953, 3197, 3624, 3991]),
    (1000, [50, 89, 176, 186, 214, 269, 286, 302, 330, 349]),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_sets_are_the_published_ones(seed):
    size, first = PUBLISHED[seed]
    forget = at_random.choose(np.arange(50_000), size=size, seed=seed)
    assert len(np.unique(forget)) == size
    assert forget[:10].tolist() == first


def test_random_sets_hold_training_indices():
    train = np.array([2, 30, 31, 77, 500])
    forget = at_random.choose(train, size=4, seed=5)
    assert np.isin(forget, train).all()
    assert np.all(np.diff(forget) > 0)
    for size in (0, 5, 6):
        with pytest.raises(ValueError, match=f"the forget set size is {size}; allowed: 1 to 4"):
            at_random.choose(train, size=size, seed=0)


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


@pytest.mark.parametrize("component", [1, 2])
def test_the_projection_finds_planted_components(component):
    matrix, strong = planted()
    found = component_projection(matrix, component)
    truth = strong[:, component - 1]
    assert found == pytest.approx(truth, abs=1e-9) or found == pytest.approx(-truth, abs=1e-9)


def test_the_projection_is_that_of_scikit_learn():
    from sklearn.decomposition import PCA

    matrix = np.random.RandomState(1).standard_normal((30, 30))
    scores = PCA(n_components=3, svd_solver="full").fit_transform(matrix)
    for component in (1, 2, 3):
        ours = component_projection(matrix, component)
        assert ours == pytest.approx(scores[:, component - 1], abs=1e-9)


def test_large_matrices_give_the_same_by_lanczos(monkeypatch):
    matrix = np.random.RandomState(2).standard_normal((60, 60)).astype(np.float32)
    full = [component_projection(matrix, component) for component in (1, 2)]
    monkeypatch.setattr(principal_component, "FULL_SVD_POINTS", 10)
    monkeypatch.setattr(principal_component, "BLOCK", 7)
    for component in (1, 2):
        iterated = component_projection(matrix, component)
        assert iterated == pytest.approx(full[component - 1], abs=1e-6)
        assert np.array_equal(iterated, component_projection(matrix, component))


def test_the_sign_does_not_depend_on_the_decomposition():
    matrix, _ = planted(seed=3)
    projection = component_projection(matrix, 1)
    flipped = component_projection(matrix[::-1], 1)[::-1]
    assert flipped == pytest.approx(projection, abs=1e-9)


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
        component_projection(matrix, component)


def test_top_and_bottom_points_are_taken():
    train = np.array([10, 20, 30, 40, 50])
    projection = np.array([0.5, -3.0, 2.0, 0.0, 1.0])
    assert component_forget_set(projection, train, top=2).tolist() == [30, 50]
    assert component_forget_set(projection, train, top=1, bottom=2).tolist() == [20, 30, 40]
    assert component_forget_set(projection, train, top=0, bottom=1).tolist() == [20]
    assert component_forget_set(np.zeros(5), train, top=1, bottom=1).tolist() == [10, 20]


@pytest.mark.parametrize(("top", "bottom"), [(0, 0), (3, 2), (5, 0), (-1, 2)])
def test_impossible_numbers_of_points_are_refused(top, bottom):
    with pytest.raises(ValueError, match=f"top {top} and bottom {bottom} of 5 training points"):
        component_forget_set(np.zeros(5), np.arange(5), top, bottom)
    with pytest.raises(ValueError, match="4 projections for 5 training points"):
        component_forget_set(np.zeros(4), np.arange(5), 1)


def test_files_of_every_kind_are_read(tmp_path):
    indices = np.array([5, 3, 8])
    np.savez(tmp_path / "a.npz", mine=indices, other=np.array([1]))
    np.savez(tmp_path / "one.npz", mine=indices)
    np.save(tmp_path / "a.npy", indices.astype(np.int32))
    (tmp_path / "a.json").write_text(json.dumps([5, 3, 8]))
    (tmp_path / "map.json").write_text(json.dumps({"mine": [5, 3, 8], "other": [1]}))
    (tmp_path / "a.txt").write_text("# mine\n5\n3  # a comment\n\n8\n")
    for name, key in [("a.npz", "mine"), ("one.npz", None), ("a.npy", None), ("a.json", None),
                      ("map.json", "mine"), ("a.txt", None)]:  # fmt: skip
        forget = read_indices(tmp_path / name, key)
        assert forget.tolist() == [3, 5, 8], name
        assert forget.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "content", "key", "sentence"),
    [
        ("a.csv", "1\n", None, "allowed: .npz, .npy, .json, .txt"),
        ("a.txt", "1\n2\n1\n", None, "holds index 1 twice"),
        ("a.txt", "1\ntwo\n", None, "holds 'two'; allowed: integers only"),
        ("a.txt", "1\n2.0\n", None, "holds '2.0'; allowed: integers only"),
        ("a.txt", "1 2\n", None, "holds '1 2'; allowed: integers only"),
        ("a.txt", "-1\n", None, "holds the index -1; allowed: 0 or more"),
        ("a.txt", "# none\n", None, "the forget set is empty"),
        ("a.txt", "1\n", "mine", "only .npz and .json files have keys"),
        ("a.json", "[1, 2", None, "not valid JSON"),
        ("a.json", '{"mine": [1]}', None, "does not hold a list of indices"),
        ("a.json", '{"mine": [1]}', "other", "does not hold a map with the key 'other'"),
        ("a.json", "[[1], [2]]", None, "needed: one list of indices"),
        ("a.json", '{"mine": "1"}', "mine", "the forget set has 0 axes"),
        ("a.npy", "no array", None, "damaged or not a .npy file"),
        ("a.npz", "no archive", None, "damaged or not a .npz file"),
    ],
)
def test_wrong_files_are_one_sentence(tmp_path, name, content, key, sentence):
    path = tmp_path / name
    with pytest.raises(InputError, match="there is no such file"):
        read_indices(path, key)
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_indices(path, key)
    assert str(error.value).startswith(f"{path}: ")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_the_array_of_an_archive_must_be_clear(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.array([1]), two=np.array([2]))
    with pytest.raises(InputError, match="holds one, two; name one of them as key"):
        read_indices(tmp_path / "a.npz")
    with pytest.raises(InputError, match="holds no array 'three'; it holds one, two"):
        read_indices(tmp_path / "a.npz", "three")


def test_a_component_is_chosen_from_the_matrix_in_the_order_of_the_training_points():
    matrix, _ = planted()
    train = np.arange(100, 140)
    chosen = principal_component.choose(train, matrix, component=2, top=3, bottom=1)
    projection = component_projection(matrix, 2)
    assert chosen.tolist() == component_forget_set(projection, train, 3, 1).tolist()
    assert np.isin(chosen, train).all()
    for wrong, found in ((None, "there is none"), (matrix[1:], r"it has shape \(39, 40\)")):
        with pytest.raises(ValueError, match=f"each of the 40 training points; {found}"):
            principal_component.choose(train, wrong, component=1, top=1, bottom=0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"component": 1, "top": 0, "bottom": 0}, "top and bottom are 0"),
        ({"component": 1, "top": 3, "bottom": 2}, "top is 5 together with bottom; allowed: at mo"),
        ({"component": 5, "top": 3, "bottom": 1}, "component is 5; allowed: at most 4, below the"),
    ],
)
def test_components_that_do_not_fit_the_training_set_name_the_setting(settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        principal_component.check(settings, 5)
    principal_component.check(settings | {"component": 4, "top": 2}, 5)


def test_random_sets_that_do_not_fit_the_training_set_name_the_setting():
    with pytest.raises(SettingError, match="size is 5; allowed: at most 4, below the 5 training"):
        at_random.check({"size": 5, "seed": 0}, 5)
    at_random.check({"size": 4, "seed": 0}, 5)


def test_definitions_tell_how_many_points_they_choose(tmp_path):
    matrix, _ = planted()
    train, path = np.arange(40), tmp_path / "a.txt"
    path.write_text("3\n5\n")
    component = {"component": 1, "top": 3, "bottom": 2}
    assert principal_component.points(component) == 5
    assert len(principal_component.choose(train, matrix, **component)) == 5
    assert at_random.points({"size": 7, "seed": 0}) == 7
    assert len(at_random.choose(train, size=7, seed=0)) == 7
    assert file.points({"path": str(path)}) is None
    assert file.choose(train, path=str(path)).tolist() == [3, 5]
