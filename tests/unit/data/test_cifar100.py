"""CIFAR-100 from tiny files in the official format."""

import os
import pickle

import numpy as np
import pytest
from official import write_checksums
from torchvision.datasets import CIFAR100

from palimpsest.data.facts import Facts
from palimpsest.data.sources import _downloads, cifar100
from palimpsest.files import InputError

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (13, 3, 32, 32)).astype(np.uint8)
LABELS = np.array([99, 0, 57, 3, 99, 12, 41, 41, 8, 76, 0, 99, 20])


def content(images, labels):
    """One file, as Python's pickle of the official ones."""
    return {
        "filenames": [f"image_{row}.png" for row in range(len(labels))],
        "batch_label": "training batch 1 of 1",
        "fine_labels": [int(label) for label in labels],
        "coarse_labels": [int(label) // 5 for label in labels],
        "data": images.reshape(len(images), 3072),
    }


@pytest.fixture
def folder(tmp_path):
    """Ten training images and three test images."""
    parts = {
        "train": content(IMAGES[:10], LABELS[:10]),
        "test": content(IMAGES[10:], LABELS[10:]),
        "meta": {"fine_label_names": ["apple"], "coarse_label_names": ["fruit"]},
    }
    write(tmp_path, {name: pickle.dumps(part, protocol=2) for name, part in parts.items()})
    return tmp_path


def write(data_dir, contents):
    target = data_dir / cifar100.FOLDER
    target.mkdir(exist_ok=True)
    for name, written in contents.items():
        (target / name).write_bytes(written)
    write_checksums(data_dir / cifar100.FOLDER, cifar100.OFFICIAL_MD5)


def load(data_dir):
    return cifar100.load(data_dir, False, "MD5SUMS")


def test_local_files_are_read_in_order(folder):
    dataset = load(folder)
    assert np.array_equal(dataset.pool, IMAGES)
    assert np.array_equal(dataset.labels, LABELS)  # the fine ones
    assert (dataset.name, dataset.train_points, dataset.classes) == ("cifar100", 10, 100)
    assert dataset.encoding.mean.tolist() == pytest.approx([0.5071, 0.4865, 0.4409])
    assert dataset.encoding.std.tolist() == pytest.approx([0.2673, 0.2564, 0.2762])
    assert cifar100.facts(folder, "MD5SUMS") == dataset.facts == Facts(13, 10, 100, (3, 32, 32))


def test_sizes_of_the_official_files_and_of_unknown_ones(tmp_path):
    assert cifar100.facts(tmp_path, "official") == Facts(60_000, 50_000, 100, (3, 32, 32))
    assert cifar100.facts(tmp_path, "absent") is None


def test_official_checksums_are_those_of_torchvision():
    listed = dict([*CIFAR100.train_list, *CIFAR100.test_list])
    listed[CIFAR100.meta["filename"]] = CIFAR100.meta["md5"]
    assert listed == cifar100.OFFICIAL_MD5
    assert CIFAR100.base_folder == cifar100.FOLDER


def both_refuse(data_dir, sentence, checksums="MD5SUMS"):
    for call in (cifar100.check, cifar100.load):
        with pytest.raises(InputError) as error:
            call(data_dir, False, checksums)
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_files_that_are_missing_or_others_are_named(folder):
    both_refuse(folder, "train: damaged or another file (MD5 ", checksums="official")
    path = folder / cifar100.FOLDER / "test"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    both_refuse(folder, "test: damaged or another file (MD5 ")
    path.unlink()
    both_refuse(folder, "test: there is no such file; put the CIFAR-100 python files into ")
    (folder / cifar100.FOLDER / "MD5SUMS").write_text("0" * 32 + "  train\n")
    both_refuse(folder, "MD5SUMS: has no checksum of test")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fine_labels": [1, 100]}, "a label is none of 0 to 99"),
        ({"fine_labels": [1, -1]}, "a label is none of 0 to 99"),
        ({"fine_labels": [1]}, "3072 values of data for each of its labels"),
        ({"data": np.zeros((2, 3072))}, "its data are no uint8 array"),
        ({"data": np.array([[None] * 3072] * 2)}, "its data are no uint8 array"),
    ],
)
def test_files_of_another_content_are_refused(folder, change, sentence):
    changed = content(IMAGES[:2], LABELS[:2]) | change
    write(folder, {"train": pickle.dumps(changed)})
    with pytest.raises(InputError, match=f"train: not readable as a CIFAR-100 .*{sentence}"):
        load(folder)


@pytest.mark.parametrize("written", [b"no pickle", pickle.dumps({"labels": [1]})])
def test_files_that_are_none_are_refused(folder, written):
    write(folder, {"test": written})
    with pytest.raises(InputError, match="test: not readable as a CIFAR-100 python batch"):
        load(folder)


class Malicious:
    """What makes a folder as soon as it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_a_command_is_refused_and_not_run(folder, tmp_path, protocol):
    hostile = content(IMAGES[:2], LABELS[:2]) | {"filenames": Malicious(tmp_path / "mark")}
    write(folder, {"train": pickle.dumps(hostile, protocol)})
    with pytest.raises(InputError, match=r"train: not readable .*it names .*which is no array"):
        load(folder)
    assert not (tmp_path / "mark").exists()
    pickle.loads(pickle.dumps(hostile, protocol))
    assert (tmp_path / "mark").is_dir()


def test_a_download_has_the_official_checksums_and_fails_in_a_sentence(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError("no route to host")

    monkeypatch.setattr(CIFAR100, "download", refuse)
    monkeypatch.setattr(_downloads, "WAITS", ())
    with pytest.raises(InputError, match=r"CIFAR-100 could not be had in .*: no route to host"):
        cifar100.load(tmp_path, True, "official")
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        cifar100.check(tmp_path, True, "MD5SUMS")
