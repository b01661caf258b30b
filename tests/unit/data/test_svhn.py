"""SVHN from tiny files in the official format."""

import pickle

import numpy as np
import pytest
from official import write_checksums
from scipy.io import savemat
from torchvision.datasets import SVHN

from palimpsest.data.facts import Facts
from palimpsest.data.sources import _downloads, svhn
from palimpsest.files import InputError

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (32, 32, 3, 13)).astype(np.uint8)
LABELS = np.array([[10, 1, 9, 2, 10, 5, 5, 7, 3, 1, 10, 4, 9]], np.uint8).T
DIGITS = [0, 1, 9, 2, 0, 5, 5, 7, 3, 1, 0, 4, 9]


@pytest.fixture
def folder(tmp_path):
    """Ten training images and three test images."""
    target = tmp_path / svhn.FOLDER
    target.mkdir()
    mat(target / svhn.TRAIN_FILE, X=IMAGES[..., :10], y=LABELS[:10])
    mat(target / svhn.TEST_FILE, X=IMAGES[..., 10:], y=LABELS[10:])
    write_checksums(tmp_path / svhn.FOLDER, svhn.OFFICIAL_MD5)
    return tmp_path


def mat(path, **arrays):
    savemat(path, arrays, do_compression=True)


def load(data_dir):
    return svhn.load(data_dir, False, "MD5SUMS")


def test_local_files_are_read_in_order_and_ten_is_the_digit_0(folder):
    dataset = load(folder)
    assert dataset.pool.shape == (13, 3, 32, 32)
    assert dataset.pool.flags.c_contiguous
    for point in range(13):
        for channel in range(3):
            assert np.array_equal(dataset.pool[point, channel], IMAGES[:, :, channel, point])
    assert dataset.labels.tolist() == DIGITS
    assert (dataset.name, dataset.train_points, dataset.classes) == ("svhn", 10, 10)
    assert dataset.encoding.mean.tolist() == pytest.approx([0.4377, 0.4438, 0.4728])
    assert dataset.encoding.std.tolist() == pytest.approx([0.1980, 0.2010, 0.1970])
    assert svhn.facts(folder, "MD5SUMS") == dataset.facts == Facts(13, 10, 10, (3, 32, 32))


def test_the_points_are_those_of_torchvision(folder, monkeypatch):
    monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
    dataset = load(folder)
    train, test = (SVHN(folder / svhn.FOLDER, split) for split in ("train", "test"))
    assert np.array_equal(np.concatenate([train.data, test.data]), dataset.pool)
    assert np.array_equal(np.concatenate([train.labels, test.labels]), dataset.labels)


def test_sizes_of_the_official_files_and_of_unknown_ones(tmp_path):
    assert svhn.facts(tmp_path, "official") == Facts(99_289, 73_257, 10, (3, 32, 32))
    assert svhn.facts(tmp_path, "absent") is None


def test_official_checksums_are_those_of_torchvision():
    listed = {name: md5 for _, name, md5 in (SVHN.split_list[key] for key in ("train", "test"))}
    assert listed == svhn.OFFICIAL_MD5


def both_refuse(data_dir, sentence, checksums="MD5SUMS"):
    for call in (svhn.check, svhn.load):
        with pytest.raises(InputError) as error:
            call(data_dir, False, checksums)
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_files_that_are_missing_or_others_are_named(folder):
    both_refuse(folder, "train_32x32.mat: damaged or another file (MD5 ", checksums="official")
    path = folder / svhn.FOLDER / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:-1])
    both_refuse(folder, "test_32x32.mat: damaged or another file (MD5 ")
    path.unlink()
    both_refuse(folder, "test_32x32.mat: there is no such file; put the SVHN files of cropped di")
    both_refuse(folder, "OTHER: there is no such text file of checksums", checksums="OTHER")


X, Y = IMAGES[..., :2], LABELS[:2]
NUMBERS = "it does not hold X and y as arrays of real numbers"
WRONG = {
    "a label of 0": ({"X": X, "y": np.array([[0], [1]])}, "a label is none of 1 to 10"),
    "a label of 11": ({"X": X, "y": np.array([[11], [1]])}, "a label is none of 1 to 10"),
    "half a label": ({"X": X, "y": np.array([[1.5], [1]])}, "a label is none of 1 to 10"),
    "no number": ({"X": X, "y": np.array([[np.nan], [1]])}, "a label is none of 1 to 10"),
    "a complex label": ({"X": X, "y": np.array([[1 + 1j], [1]])}, NUMBERS),
    "a row of labels": ({"X": X, "y": Y.T}, "its y does not hold a label for each"),
    "too few labels": ({"X": X, "y": Y[:1]}, "its y does not hold a label for each"),
    "no labels": ({"X": X}, NUMBERS),
    "no images": ({"y": Y}, NUMBERS),
    "images first": ({"X": X.transpose(3, 0, 1, 2), "y": Y}, "no uint8 array (32, 32, 3, images)"),
    "grey": ({"X": X[:, :, :1], "y": Y}, "no uint8 array (32, 32, 3, images)"),
    "float images": ({"X": X / 255, "y": Y}, "no uint8 array (32, 32, 3, images)"),
    "objects": ({"X": np.array([[X]], object), "y": Y}, NUMBERS),
    "a map": ({"X": X, "y": {"a": Y}}, NUMBERS),
    "a text": ({"X": X, "y": "ab"}, NUMBERS),
}


@pytest.mark.parametrize("case", WRONG)
def test_files_of_another_content_are_refused(folder, case):
    arrays, sentence = WRONG[case]
    mat(folder / svhn.FOLDER / "train_32x32.mat", **arrays)
    write_checksums(folder / svhn.FOLDER, svhn.OFFICIAL_MD5)
    with pytest.raises(InputError) as error:
        load(folder)
    assert "train_32x32.mat: not readable as an SVHN file of cropped digits (" in str(error.value)
    assert sentence in str(error.value)


@pytest.mark.parametrize("kind", ["text", "empty", "pickle", "cut off", "hdf5"])
def test_files_that_are_none_are_refused(folder, kind):
    path = folder / svhn.FOLDER / "test_32x32.mat"
    path.write_bytes({
        "text": b"no .mat file",
        "empty": b"",
        "pickle": pickle.dumps({"X": X, "y": Y}),
        "cut off": path.read_bytes()[:-100],
        "hdf5": b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(100),
    }[kind])  # fmt: skip
    write_checksums(folder / svhn.FOLDER, svhn.OFFICIAL_MD5)
    with pytest.raises(InputError, match=r"test_32x32\.mat: not readable as an SVHN file") as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_nothing_is_made_of_what_is_not_asked_for(folder):
    mat(folder / svhn.FOLDER / "test_32x32.mat", X=X, y=Y, more={"a": "b"})
    write_checksums(folder / svhn.FOLDER, svhn.OFFICIAL_MD5)
    assert load(folder).labels[10:].tolist() == [0, 1]


def test_a_download_has_the_official_checksums_and_fails_in_a_sentence(tmp_path, monkeypatch):
    asked = []

    def refuse(self):
        asked.append(self.root)
        raise OSError("no route to host")

    monkeypatch.setattr(SVHN, "download", refuse)
    monkeypatch.setattr(_downloads, "WAITS", ())
    with pytest.raises(InputError, match=r"SVHN could not be had in .*: no route to host"):
        svhn.load(tmp_path, True, "official")
    assert list(map(str, asked)) == [str(tmp_path / "svhn")]
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        svhn.check(tmp_path, True, "MD5SUMS")
