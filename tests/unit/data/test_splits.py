"""Splits: the base split, forget sets in it, columns of records, checksums."""

import json
from pathlib import Path

import numpy as np
import pytest

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.sources import digits as source
from palimpsest.data.splits import Split, base_split, part_sizes, stratified_subset
from palimpsest.files import InputError

BASE = Split([9, 3, 5, 7], [4, 1], dataset_checksum="abc")


def official(points=60, train_points=50) -> Dataset:
    return Dataset(
        "toy", np.zeros((points, 1, 2, 2), np.uint8), np.arange(points) % 5, train_points,
        Images(255.0, np.array([0.0]), np.array([1.0])),
    )  # fmt: skip


def load_digits() -> Dataset:
    return source.load(Path("nowhere"), False, "official")


def test_parts_are_sorted_int64():
    for part, expected in ((BASE.train, [3, 5, 7, 9]), (BASE.val, [1, 4]), (BASE.forget, [])):
        assert part.tolist() == expected
        assert part.dtype == np.int64


def test_retain_is_train_without_forget():
    split = BASE.with_forget([7, 3])
    assert split.forget.tolist() == [3, 7]
    assert split.retain.tolist() == [5, 9]
    assert BASE.retain.tolist() == [3, 5, 7, 9]


def test_columns_point_into_train_then_val():
    split = BASE.with_forget(np.array([9, 5]))
    assert split.points.tolist() == [3, 5, 7, 9, 1, 4]
    for part in ("forget", "retain", "train", "val"):
        assert np.array_equal(split.points[split.columns(part)], getattr(split, part))
    with pytest.raises(ValueError, match="no part 'test'; allowed: train, forget, retain, val, "):
        split.columns("test")


def test_what_is_like_the_forgotten_is_a_part_of_the_validation_set(tmp_path):
    base = Split([9, 3, 5, 7], [4, 1, 8], dataset_checksum="abc")
    split = base.with_forget([5], [8, 1])
    assert split.parts == ("forget", "retain", "val", "val_retain", "val_forget")
    assert split.val_forget.tolist() == [1, 8] and split.val_retain.tolist() == [4]
    for part in split.parts:
        assert np.array_equal(split.points[split.columns(part)], getattr(split, part))
    split.save(tmp_path / "split.json")
    again = Split.load(tmp_path / "split.json")
    assert again.val_forget.tolist() == [1, 8] and again.checksum == split.checksum
    plain = base.with_forget([5])
    assert plain.parts == base.parts == ("forget", "retain", "val")
    assert base.with_forget([5], base.val).parts == plain.parts  # no other point is left
    assert plain.checksum != split.checksum and plain.train_checksum == split.train_checksum
    plain.save(tmp_path / "plain.json")
    assert "val_forget" not in json.loads((tmp_path / "plain.json").read_text())


def test_what_is_like_the_forgotten_has_to_be_validated_on():
    with pytest.raises(ValueError, match="val_forget index 3 is not in the validation set; all"):
        BASE.with_forget([5], [1, 3])
    with pytest.raises(ValueError, match="the val_forget set holds index 1 twice"):
        BASE.with_forget([5], [1, 1])


def test_checksums_say_what_is_the_same():
    one, other = BASE.with_forget([3]), BASE.with_forget([5])
    assert one.checksum != other.checksum
    assert one.train_checksum == other.train_checksum == BASE.train_checksum
    assert Split([3, 5, 7], [1, 4], [3], "abc").train_checksum != one.train_checksum
    assert Split([3, 5, 7, 9], [1, 2], [3], "abc").checksum != one.checksum
    moved = Split([3, 5, 7, 9], [1, 4], [3], "abd")
    assert moved.checksum != one.checksum
    assert moved.train_checksum != one.train_checksum
    assert (
        Split([3, 5, 7], [9, 11], [], "a").checksum != Split([3, 5], [7, 9, 11], [], "a").checksum
    )


@pytest.mark.parametrize(
    ("forget", "sentence"),
    [
        ([3, 3], "the forget set holds index 3 twice; allowed: each index once"),
        ([4], "index 4 is not in the training set; allowed: its 4 indices, which lie in 3..9"),
        ([3, 99, 100], "forget index 99 is not in the training set"),
        ([], "the forget set is empty; needed: at least one index"),
        ([3, 5, 7, 9], "the forget set has 4 points and the training set 4; allowed: at most 3"),
        ([3.5], "the forget set holds 3.5; allowed: integers only"),
        (["3", 5], "the forget set holds '3'; allowed: integers only"),
        ([True, 3], "the forget set holds True; allowed: integers only"),
        ([-1, 3], "the forget set holds the index -1; allowed: 0 or more"),
        ([[3], [5]], "the forget set has 2 axes"),
        ([[3], [5, 7]], "the forget set is a list of lists"),
    ],
)  # fmt: skip
def test_a_wrong_forget_set_is_one_sentence(forget, sentence):
    with pytest.raises(ValueError) as error:
        BASE.with_forget(forget)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_parts_are_refused():
    with pytest.raises(ValueError, match="index 5 is in both the training set and the validation"):
        Split([3, 5], [5, 6])
    with pytest.raises(ValueError, match="the training set is empty"):
        Split([], [5, 6])
    with pytest.raises(ValueError, match="the train set holds index 3 twice"):
        Split([3, 3], [5])


def test_a_saved_split_comes_back(tmp_path):
    split = BASE.with_forget([3])
    split.save(tmp_path / "s.json")
    back = Split.load(tmp_path / "s.json")
    assert back.checksum == split.checksum
    assert back.forget.tolist() == [3]
    BASE.save(tmp_path / "base.json")
    assert len(Split.load(tmp_path / "base.json").forget) == 0


def test_an_altered_split_is_refused(tmp_path):
    path = tmp_path / "s.json"
    BASE.with_forget([3]).save(path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "forget": [5]}))
    with pytest.raises(InputError, match=r"s\.json: damaged or altered"):
        Split.load(path)
    for name in ("labels_checksum", "dataset_checksum"):
        path.write_text(json.dumps({**content, name: "other"}))
        with pytest.raises(InputError, match=r"s\.json: damaged or altered"):
            Split.load(path)
    del content["sha256"]
    path.write_text(json.dumps({**content, "forget": [77]}))
    with pytest.raises(InputError, match=r"s\.json: not a valid split: forget index 77"):
        Split.load(path)
    for wrong in ([1], {"train": []}):
        path.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match=r"s\.json: not a split"):
            Split.load(path)
    path.write_text(json.dumps({**content, "dataset_checksum": 5}))
    with pytest.raises(InputError, match="not a valid split"):
        Split.load(path)


def test_digits_are_split_by_class_the_same_way_every_time():
    digits = load_digits()
    split = base_split(digits, seed=0)
    assert (len(split.train), len(split.val)) == (1437, 360)
    assert np.array_equal(np.sort(split.points), np.arange(1797))
    assert split.dataset_checksum == digits.checksum
    shares = np.bincount(digits.labels[split.val]) / np.bincount(digits.labels)
    assert np.all(np.abs(shares - 0.2) < 0.01)
    assert split.checksum == base_split(digits, seed=0).checksum
    assert split.checksum != base_split(digits, seed=1).checksum
    assert split.val[:5].tolist() == [21, 24, 28, 34, 35]


def test_official_parts_are_taken_as_they_are():
    split = base_split(official(), val_fraction=0.9)
    assert split.train.tolist() == list(range(50))
    assert split.val.tolist() == list(range(50, 60))


def test_a_part_of_each_set_is_drawn_by_class():
    digits = load_digits()
    whole, part = base_split(digits), base_split(digits, train_size=300, val_size=100)
    assert (len(part.train), len(part.val)) == (300, 100)
    assert np.isin(part.train, whole.train).all()
    assert np.isin(part.val, whole.val).all()
    assert np.abs(np.bincount(digits.labels[part.train]) - 30).max() <= 2
    assert base_split(digits, train_size=1437).checksum == whole.checksum
    assert part.checksum == base_split(digits, train_size=300, val_size=100).checksum
    assert not np.array_equal(part.train, base_split(digits, train_size=300, seed=1).train)


def test_a_stratified_subset_has_exactly_its_size():
    labels = np.array([0] * 7 + [1] * 2 + [2])
    for size in range(1, 11):
        chosen = stratified_subset(np.arange(10), labels, size, seed=3)
        assert len(np.unique(chosen)) == size
        counts = np.bincount(labels[chosen], minlength=3)
        assert np.all(np.abs(counts - np.array([7, 2, 1]) * size / 10) < 1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"train_size": 51}, "train_size is 51; allowed: 1 to 50, or null for all"),
        ({"train_size": 0}, "train_size is 0; allowed: 1 to 50"),
        ({"val_size": 11}, "val_size is 11; allowed: 1 to 10"),
    ],
)
def test_impossible_sizes_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        base_split(official(), **settings)


def test_part_sizes_are_those_of_the_split():
    none = {"train_size": None, "val_size": None}
    for fraction in (0.1, 0.2, 0.25, 0.5):
        split = base_split(load_digits(), val_fraction=fraction)
        expected = (len(split.train), len(split.val))
        assert part_sizes(1797, None, val_fraction=fraction, **none) == expected
    with pytest.raises(ValueError, match=r"val_fraction 0\.9999 leaves 0 training and 1797"):
        part_sizes(1797, None, val_fraction=0.9999, **none)
