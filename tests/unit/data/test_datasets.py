"""The pool of points: normalisation, checksum, file."""

import numpy as np
import pytest

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources import check_available, dataset_size, load_dataset
from palimpsest.files import InputError


def tiny(**changes) -> Dataset:
    values = {
        "name": "tiny",
        "images": np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2),
        "labels": np.array([0, 4]),
        "train_points": 1,
        "scale": 255.0,
        "mean": np.array([0.1, 0.2, 0.3]),
        "std": np.array([0.5, 0.25, 2.0]),
    }
    return Dataset(**{**values, **changes})


def test_digits_are_the_whole_set():
    digits = load_dataset("digits")
    assert digits.images.shape == (1797, 1, 8, 8)
    assert (digits.images.dtype, digits.images.min(), digits.images.max()) == (np.uint8, 0, 16)
    assert digits.labels[:10].tolist() == list(range(10))
    assert digits.classes == 10
    assert digits.train_points is None
    assert dataset_size("digits") == (len(digits), None)
    inputs = digits.inputs()
    assert inputs.dtype == np.float32
    assert inputs.shape == digits.images.shape
    assert abs(inputs.mean()) < 1e-3
    assert abs(inputs.std() - 1) < 1e-3


def test_inputs_are_scaled_then_normalised_per_channel():
    dataset = tiny()
    expected = (dataset.images[1, 2, 0, 1] / 255.0 - 0.3) / 2.0
    assert dataset.inputs()[1, 2, 0, 1] == pytest.approx(expected, rel=1e-6)


def test_a_saved_data_set_comes_back_whole(tmp_path):
    dataset = tiny()
    dataset.save(tmp_path / "d.npz")
    back = Dataset.load(tmp_path / "d.npz")
    assert back.checksum == dataset.checksum
    assert (back.name, back.train_points, back.scale) == ("tiny", 1, 255.0)
    assert np.array_equal(back.images, dataset.images)
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
        {"images": np.zeros((2, 3, 2, 2), np.uint8)},
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
    with pytest.raises(InputError, match=r"d\.npz: damaged, its contents do not match"):
        Dataset.load(path)
    arrays["labels"] = np.array([0])
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"d\.npz: not a data set \(labels of tiny"):
        Dataset.load(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": np.zeros((2, 3, 2, 2))}, "needed: uint8"),
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
    for call in (load_dataset, dataset_size):
        with pytest.raises(ValueError, match="no data set 'mnist'; allowed: cifar10, digits"):
            call("mnist")
    with pytest.raises(ValueError, match="no data set 'mnist'"):
        check_available("mnist", "data")
    check_available("digits", "nowhere")
