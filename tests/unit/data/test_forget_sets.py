"""Forget sets at random, by principal component, and from files."""

import json
from pathlib import Path

import numpy as np
import pytest

from palimpsest import config, registry
from palimpsest.data.datasets import Dataset, Tokens
from palimpsest.data.forget_sets import classes, file, principal_component
from palimpsest.data.forget_sets import random as at_random
from palimpsest.data.forget_sets.file import read_indices
from palimpsest.data.splits import Split
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import InputError, SettingError

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "src/palimpsest/data/shipped/cifar10_forget_sets.npz"
SIZES = (10, 100, 1000, 10, 100, 500, 10, 100, 500, 100)
"""of the ten sets that RoyRin/data-unlearning-bench publishes of CIFAR-10"""


def split_of(train):
    """A base split with these training points."""
    return Split(train, [train[-1] + 1], dataset_checksum="a")


def published(number):
    """One of these sets."""
    return read_indices(PUBLISHED, f"forget_set_{number}")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_sets_are_the_published_ones(seed):
    forget = at_random.choose(split_of(np.arange(50_000)), size=SIZES[seed], seed=seed)
    assert forget.tolist() == published(seed + 1).tolist()


def test_the_published_sets_are_read_by_index():
    sets = [published(number) for number in range(1, 11)]
    assert tuple(map(len, sets)) == SIZES
    assert max(one[-1] for one in sets) < 50_000
    for small, large in ((4, 5), (5, 6), (7, 8), (8, 9)):
        assert np.isin(published(small), published(large)).all()
    assert published(2)[:3].tolist() == [766, 1281, 1892]
    assert 6 in published(10)  # the training image whose neighbours they are


def test_a_run_takes_the_published_sets_in_their_order():
    run = config.load([ROOT / "config.yaml", ROOT / "config/cifar10-published.yaml"])
    names = run["ascent"]["forget_sets"]
    wanted = [run["forget_sets"][name] for name in names]
    assert [one["key"] for one in wanted] == [f"forget_set_{n}" for n in range(1, 11)]
    assert {ROOT / one["path"] for one in wanted} == {PUBLISHED}
    kinds = ["random"] * 3 + ["pc1"] * 3 + ["pc2"] * 3 + ["clip"]
    assert [name.partition("_")[0] for name in names] == kinds


def test_random_sets_hold_training_indices():
    train = np.array([2, 30, 31, 77, 500])
    forget = at_random.choose(split_of(train), size=4, seed=5)
    assert np.isin(forget, train).all()
    assert np.all(np.diff(forget) > 0)
    for size in (0, 5, 6):
        with pytest.raises(ValueError, match=f"the forget set size is {size}; allowed: 1 to 4"):
            at_random.choose(split_of(train), size=size, seed=0)


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


def estimate_of(base):
    """An estimate with one set of four points of the split `base`."""
    entry = {"component": 2, "top": 3, "bottom": 1, "overlap": 4, "indices": [102, 105, 111, 138]}
    return Estimate({"base_split": base.checksum, "sets": [entry]}, Path("mine.json"))


def test_the_points_of_a_component_stand_in_the_estimate():
    base = split_of(np.arange(100, 140))
    settings = {"component": 2, "top": 3, "bottom": 1}
    chosen = principal_component.choose(base, estimate_of(base), **settings)
    assert chosen.tolist() == [102, 105, 111, 138]
    assert base.with_forget(chosen).forget.tolist() == chosen.tolist()


def test_a_component_that_the_estimate_lacks_is_refused():
    base = split_of(np.arange(100, 140))
    with pytest.raises(InputError, match="holds no set of component 1, top 3, bottom 1; allowed: "):
        principal_component.choose(base, estimate_of(base), component=1, top=3, bottom=1)


def test_a_component_without_an_estimate_is_refused():
    with pytest.raises(ValueError, match="needs an estimate of a datamodel"):
        principal_component.choose(split_of(np.arange(9)), None, component=1, top=1, bottom=0)


def test_only_components_need_an_estimate():
    kinds = {name: registry.module("data/forget_sets", name) for name in ("file", "random")}
    assert principal_component.NEEDS == ("estimate",)
    assert [getattr(kind, "NEEDS", ()) for kind in kinds.values()] == [(), ()]


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
        principal_component.check(settings, 5, 10)
    principal_component.check(settings | {"component": 4, "top": 2}, 5, 10)


def test_random_sets_that_do_not_fit_the_training_set_name_the_setting():
    with pytest.raises(SettingError, match="size is 5; allowed: at most 4, below the 5 training"):
        at_random.check({"size": 5, "seed": 0}, 5, 10)
    at_random.check({"size": 4, "seed": 0}, 5, 10)


def test_definitions_tell_how_many_points_they_choose(tmp_path):
    base, path = split_of(np.arange(100, 140)), tmp_path / "a.txt"
    path.write_text("3\n5\n")
    component = {"component": 2, "top": 3, "bottom": 1}
    assert principal_component.points(component) == 4
    assert len(principal_component.choose(base, estimate_of(base), **component)) == 4
    assert at_random.points({"size": 7, "seed": 0}) == 7
    assert len(at_random.choose(base, size=7, seed=0)) == 7
    assert file.points({"path": str(path)}) == 2
    assert file.points({"path": str(tmp_path / "none.txt")}) is None
    assert file.choose(base, path=str(path)).tolist() == [3, 5]


def test_whole_classes_are_all_training_points_of_them() -> None:
    labels = np.arange(20) % 4
    base = split_of(np.arange(12))
    assert classes.choose(base, None, labels, classes=[1]).tolist() == [1, 5, 9]
    assert classes.choose(base, None, labels, classes=[3, 0]).tolist() == [0, 3, 4, 7, 8, 11]
    with pytest.raises(InputError, match=r"names 4, of which .* no point; allowed: 0, 1, 2, 3$"):
        classes.choose(base, None, labels, classes=[4])
    with pytest.raises(InputError, match="the training set has no other; needed: a class"):
        classes.choose(base, None, labels, classes=[0, 1, 2, 3])


def test_test_points_of_the_classes_are_like_the_forgotten() -> None:
    labels = np.arange(12) % 4
    base = Split(np.arange(8), np.arange(8, 12), dataset_checksum="a")
    assert classes.alike(base, labels, classes=[1]).tolist() == [9]
    assert classes.alike(base, labels, classes=[3, 0]).tolist() == [8, 11]
    folder = "data/forget_sets"
    kinds = {name: registry.module(folder, name) for name in registry.names(folder)}
    assert [name for name, kind in kinds.items() if hasattr(kind, "alike")] == ["classes"]


def test_groups_are_the_classes_where_there_are_any() -> None:
    dataset = Dataset(
        "texts", np.ones((9, 2), np.int32), np.arange(9) % 3, None, Tokens(2, 0),
        groups=np.array([0, 1, 0, 1, 0, 0, 1, 0, 1]),
    )  # fmt: skip
    base = split_of(np.arange(7))
    chosen = classes.choose(base, None, dataset.groups_or_labels, classes=[1])
    assert chosen.tolist() == [1, 3, 6]


def test_classes_that_do_not_fit_the_data_set_name_the_setting() -> None:
    with pytest.raises(SettingError, match="classes names 10; allowed: classes 0 to 9"):
        classes.check({"classes": [1, 10]}, 100, 10)
    with pytest.raises(SettingError, match=r"names all 3 classes, .*; allowed: at most 2"):
        classes.check({"classes": [0, 1, 2]}, 100, 3)
    classes.check({"classes": [0, 1]}, 100, 3)
