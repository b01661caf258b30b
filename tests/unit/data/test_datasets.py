"""The pool of points, images or texts: normalisation, checksum, file."""

from pathlib import Path

import numpy as np
import pytest

from palimpsest import registry
from palimpsest.data.datasets import Dataset, Images, Tokens
from palimpsest.data.facts import Facts
from palimpsest.data.sources import digits as source
from palimpsest.files import InputError

NOWHERE = Path("nowhere")


def tiny(**changes) -> Dataset:
    values = {
        "name": "tiny",
        "pool": np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2),
        "labels": np.array([0, 4]),
        "train_points": 1,
        "scale": 255.0,
        "mean": np.array([0.1, 0.2, 0.3]),
        "std": np.array([0.5, 0.25, 2.0]),
    }
    values |= changes
    encoding = Images(*(values.pop(name) for name in ("scale", "mean", "std")))
    return Dataset(**values, encoding=encoding)


def texts(**changes) -> Dataset:
    values = {
        "name": "texts",
        "pool": np.array([[5, 1, 0], [2, 2, 6], [3, 0, 0]], np.int32),
        "labels": np.array([0, 1, 1]),
        "train_points": 2,
        "vocabulary": 7,
        "padding": 0,
    }
    values |= changes
    more = {name: values.pop(name, None) for name in ("cut", "tokenizer")}
    encoding = Tokens(*(values.pop(name) for name in ("vocabulary", "padding")), **more)
    return Dataset(**values, encoding=encoding)


def test_digits_are_the_whole_set():
    digits = source.load(NOWHERE, False, "official")
    assert digits.pool.shape == (1797, 1, 8, 8)
    assert (digits.pool.dtype, digits.pool.min(), digits.pool.max()) == (np.uint8, 0, 16)
    assert digits.labels[:10].tolist() == list(range(10))
    assert digits.classes == 10
    assert digits.train_points is None
    assert source.facts(NOWHERE, "official") == digits.facts == Facts(1797, None, 10, (1, 8, 8))
    inputs = digits.inputs()
    assert inputs.dtype == np.float32
    assert inputs.shape == digits.pool.shape
    assert abs(inputs.mean()) < 1e-3
    assert abs(inputs.std() - 1) < 1e-3


def test_inputs_are_scaled_then_normalised_per_channel():
    dataset = tiny()
    expected = (dataset.pool[1, 2, 0, 1] / 255.0 - 0.3) / 2.0
    assert dataset.inputs()[1, 2, 0, 1] == pytest.approx(expected, rel=1e-6)


def test_a_saved_data_set_comes_back_whole(tmp_path):
    dataset = tiny()
    dataset.save(tmp_path / "d.npz")
    back = Dataset.load(tmp_path / "d.npz")
    assert back.checksum == dataset.checksum
    assert (back.name, back.train_points, back.encoding.scale) == ("tiny", 1, 255.0)
    assert np.array_equal(back.pool, dataset.pool)
    assert np.array_equal(back.labels, dataset.labels)
    assert back.labels.dtype == np.int64
    assert np.array_equal(back.inputs(), dataset.inputs())
    tiny(train_points=None).save(tmp_path / "d.npz")
    assert Dataset.load(tmp_path / "d.npz").train_points is None


def test_equal_data_sets_are_equal_files(tmp_path):
    tiny().save(tmp_path / "a.npz")
    tiny().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"pool": np.zeros((2, 3, 2, 2), np.uint8)},
        {"labels": np.array([1, 4])},
        {"train_points": None},
        {"scale": 16.0},
        {"mean": np.array([0.1, 0.2, 0.4])},
        {"std": np.array([0.5, 0.25, 1.0])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_checksum_covers_everything(change):
    assert tiny(**change).checksum != tiny().checksum


def test_an_altered_file_is_refused(tmp_path):
    path = tmp_path / "d.npz"
    tiny().save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["labels"] = np.array([0, 3])
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"d\.npz: damaged or altered, its content does not match"):
        Dataset.load(path)
    arrays["labels"] = np.array([0])
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"d\.npz: not a data set \(labels of tiny"):
        Dataset.load(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pool": np.zeros((2, 3, 2, 2))}, "needed: uint8"),
        ({"labels": np.array([0, 1, 2])}, r"needed: int64 \(2,\)"),
        ({"labels": np.array([0, -1])}, "labels counted from 0"),
        ({"mean": np.array([0.1])}, "one value per channel"),
        ({"train_points": 2}, "needed: some, and some test points"),
    ],
)
def test_wrong_contents_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny(**change)


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="there is no 'mnist'; allowed: cifar10, cifar100, digits"):
        registry.module("data/sources", "mnist")
    source.check(NOWHERE, False, "official")


def test_texts_come_back_whole_from_a_file(tmp_path):
    dataset = texts()
    assert dataset.facts == Facts(3, 2, 2, (3,), vocabulary=7, padding=0)
    assert dataset.inputs().dtype == np.int64
    assert np.array_equal(dataset.inputs(), dataset.pool)
    dataset.save(tmp_path / "d.npz")
    back = Dataset.load(tmp_path / "d.npz")
    assert back.checksum == dataset.checksum
    assert back.facts == dataset.facts
    assert (back.encoding.vocabulary, back.encoding.padding) == (7, 0)
    assert back.pool.dtype == np.int32
    assert np.array_equal(back.pool, dataset.pool)
    texts().save(tmp_path / "again.npz")
    assert (tmp_path / "d.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"pool": np.zeros((3, 3), np.int32)},
        {"pool": np.array([[5, 1, 0, 2, 2, 6, 3, 0, 0]], np.int32).reshape(3, 3)[::-1]},
        {"labels": np.array([1, 1, 0])},
        {"train_points": 1},
        {"vocabulary": 8},
        {"padding": 4},
        {"cut": 0},
        {"tokenizer": "{}"},
        {"groups": np.array([0, 1, 1])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_checksum_of_texts_covers_everything(change):
    assert texts(**change).checksum != texts().checksum


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pool": np.zeros((3, 3), np.int64)}, r"needed: int32 token ids \(points, length\)"),
        ({"pool": np.zeros((3, 3, 1), np.int32)}, "int32 with 3 axes"),
        ({"vocabulary": 6}, "hold token ids 0 to 6; allowed: 0 to 5, the vocabulary"),
        ({"pool": np.full((3, 3), -1, np.int32)}, "hold token ids -1 to -1; allowed: 0 to 6"),
        ({"padding": 7}, "the padding of texts, 7, is not in its vocabulary"),
        ({"padding": -1}, "the padding of texts, -1, is not in its vocabulary"),
        ({"labels": np.array([0, 1])}, r"needed: int64 \(3,\)"),
        ({"groups": np.array([0, 1])}, r"groups of texts are int64 \(2,\); needed: int64 \(3,\)"),
        ({"groups": np.array([0, 1, 1], np.int32)}, r"groups of texts are int32 \(3,\)"),
        ({"groups": np.array([0, 1, -1])}, "groups of texts are counted from -1; needed: 0"),
        ({"cut": 4}, "4 texts of texts are said to be cut, of 3"),
        ({"cut": -1}, "-1 texts of texts are said to be cut, of 3"),
    ],
)
def test_wrong_texts_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        texts(**change)


def test_an_altered_file_of_texts_is_refused(tmp_path):
    path = tmp_path / "d.npz"
    texts().save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays | {"padding": np.array(1)})
    with pytest.raises(InputError, match=r"d\.npz: damaged or altered, its content does not match"):
        Dataset.load(path)
    np.savez(path, **arrays | {"vocabulary": np.array(3)})
    with pytest.raises(InputError, match=r"d\.npz: not a data set \(texts of texts hold token ids"):
        Dataset.load(path)
    del arrays["padding"]
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"d\.npz: not a data set \(it holds no array 'padding'\)"):
        Dataset.load(path)


def test_what_a_data_set_has_not_leaves_no_trace(tmp_path):
    """Estimates that come with the project, and results on disk, hold these checksums."""
    fashion = registry.module("data/sources", "fashion").load(NOWHERE, False, "official")
    assert [one.checksum[:16] for one in (source.load(NOWHERE, False, ""), fashion, texts())] == [
        "673ed76e3604934f", "4ceee718771c3057", "1fad4074b940e1d8",
    ]  # fmt: skip
    texts().save(tmp_path / "d.npz")
    with np.load(tmp_path / "d.npz") as archive:
        assert list(archive) == [
            "name", "pool", "labels", "train_points", "checksum", "vocabulary", "padding",
        ]  # fmt: skip
    back = Dataset.load(tmp_path / "d.npz")
    assert (back.groups, back.encoding.cut, back.encoding.tokenizer) == (None, None, None)
    assert back.groups_or_labels is back.labels
    assert back.facts.forgettable == back.facts.classes == 2


def test_groups_and_what_was_cut_come_back_from_a_file(tmp_path):
    dataset = texts(groups=np.array([2, 0, 1]), cut=1, tokenizer="{} ü")
    assert dataset.facts == Facts(3, 2, 2, (3,), vocabulary=7, padding=0, groups=3)
    assert dataset.facts.forgettable == 3
    assert dataset.groups_or_labels.tolist() == [2, 0, 1]
    dataset.save(tmp_path / "d.npz")
    back = Dataset.load(tmp_path / "d.npz")
    assert back.checksum == dataset.checksum
    assert back.groups.tolist() == [2, 0, 1]
    assert (back.encoding.cut, back.encoding.tokenizer) == (1, "{} ü")
    with np.load(tmp_path / "d.npz") as archive:
        arrays = dict(archive)
    for name, other in {"groups": np.array([2, 1, 0]), "cut": np.array(2)}.items():
        np.savez(tmp_path / "d.npz", **arrays | {name: other})
        with pytest.raises(InputError, match=r"d\.npz: damaged or altered"):
            Dataset.load(tmp_path / "d.npz")


def test_images_may_have_groups_too(tmp_path):
    dataset = tiny(groups=np.array([1, 0]))
    dataset.save(tmp_path / "d.npz")
    assert Dataset.load(tmp_path / "d.npz").groups_or_labels.tolist() == [1, 0]


def test_ids_without_a_tokenizer_are_not_read():
    with pytest.raises(ValueError, match="no tokenizer is kept"):
        texts().encoding.decode(np.array([1]))
