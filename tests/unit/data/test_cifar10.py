"""CIFAR-10 from tiny files in the official format."""

import os
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from palimpsest.data.facts import Facts
from palimpsest.data.sources import cifar10
from palimpsest.files import InputError

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (13, 3, 32, 32)).astype(np.uint8)
LABELS = RANDOM.randint(0, 10, 13)


@pytest.fixture
def folder(tmp_path):
    """Ten training images in five batches, and three test images."""
    parts = {
        name: cifar10.batch(IMAGES[2 * row : 2 * row + 2], LABELS[2 * row : 2 * row + 2], name)
        for row, name in enumerate(cifar10.TRAIN_FILES)
    }
    parts["test_batch"] = cifar10.batch(IMAGES[10:], LABELS[10:], "test")
    parts["batches.meta"] = {"label_names": list("abcdefghij")}
    write(tmp_path, {name: pickle.dumps(part, protocol=2) for name, part in parts.items()})
    return tmp_path


def write(data_dir, contents):
    target = data_dir / cifar10.FOLDER
    target.mkdir(exist_ok=True)
    for name, content in contents.items():
        (target / name).write_bytes(content)
    whole = {name: (target / name).read_bytes() for name in cifar10.FILES}
    (target / "MD5SUMS").write_text(cifar10.checksum_text(whole, 10, 3))


def load(data_dir):
    return cifar10.load(data_dir, False, "MD5SUMS")


def test_local_batches_are_read_in_order(folder):
    cifar10.check(folder, False, "MD5SUMS")
    dataset = load(folder)
    assert np.array_equal(dataset.pool, IMAGES)
    assert np.array_equal(dataset.labels, LABELS)
    assert dataset.labels.dtype == np.int64
    assert (dataset.train_points, dataset.encoding.scale) == (10, 255.0)
    assert dataset.encoding.mean.tolist() == pytest.approx([0.4914, 0.4822, 0.4465])
    assert dataset.encoding.std.tolist() == pytest.approx([0.2023, 0.1994, 0.2010])
    assert cifar10.facts(folder, "MD5SUMS") == Facts(13, 10, classes=10, item=(3, 32, 32))


def test_sizes_that_nobody_states_are_unknown(folder):
    assert cifar10.facts(folder, "official") == Facts(60_000, 50_000, 10, (3, 32, 32))
    assert cifar10.facts(folder, "absent") is None
    sums = folder / cifar10.FOLDER / "MD5SUMS"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[1:]))
    assert cifar10.facts(folder, "MD5SUMS") is None
    assert load(folder).train_points == 10


def test_official_checksums_are_those_of_torchvision():
    listed = dict([*CIFAR10.train_list, *CIFAR10.test_list])
    listed[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
    assert listed == cifar10.OFFICIAL_MD5
    assert CIFAR10.base_folder == cifar10.FOLDER


def both_refuse(data_dir, sentence, checksums="MD5SUMS"):
    for call in (
        lambda: cifar10.check(data_dir, False, checksums),
        lambda: cifar10.load(data_dir, False, checksums),
    ):
        with pytest.raises(InputError) as error:
            call()
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_files_that_are_not_the_official_ones_are_refused(folder):
    both_refuse(folder, "data_batch_1: damaged or another file", checksums="official")


def test_a_missing_file_is_named(folder):
    (folder / cifar10.FOLDER / "data_batch_3").unlink()
    both_refuse(folder, "data_batch_3: there is no such file; put the CIFAR-10 python batches")
    both_refuse(folder / "nowhere", "data_batch_1: there is no such file", checksums="official")


def test_a_damaged_file_is_named(folder):
    path = folder / cifar10.FOLDER / "test_batch"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    both_refuse(folder, "test_batch: damaged or another file (MD5 ")


def test_checksums_must_be_there_for_every_file(folder):
    both_refuse(folder, "OTHER: there is no such text file of MD5 checksums", checksums="OTHER")
    (folder / cifar10.FOLDER / "MD5SUMS").write_text("0" * 32 + "  data_batch_1\n")
    both_refuse(folder, "MD5SUMS: has no MD5 checksum of data_batch_2")


@pytest.mark.parametrize("content", [b"no pickle", pickle.dumps({"labels": [1]})])
def test_files_that_are_no_batches_are_refused(folder, content):
    write(folder, {"data_batch_1": content})
    with pytest.raises(InputError, match="data_batch_1: not readable as a CIFAR-10 python batch"):
        load(folder)


class Malicious:
    """What runs a command as soon as it is unpickled."""

    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", ["data_batch_1", "test_batch"])
def test_a_pickle_with_a_command_is_refused_and_not_run(folder, tmp_path, name, protocol):
    mark = tmp_path / "mark"
    for own in (Malicious(os.system, f"touch {mark}"), Malicious(eval, f"open({str(mark)!r}, 'w')"),
                Malicious(np.load, str(mark))):  # fmt: skip
        content = cifar10.batch(IMAGES[:2], LABELS[:2], "a") | {"filenames": own}
        write(folder, {name: pickle.dumps(content, protocol)})
        with pytest.raises(InputError, match=rf"{name}: not readable .*it names .*which is no arr"):
            load(folder)
    assert not mark.exists()


def test_a_pickle_of_python_2_is_read(folder):
    """Bytes as Python 2 wrote the official batches: protocol 2, texts of bytes."""
    image = IMAGES[:1].tobytes()
    text = b"".join(b"U" + bytes([len(word)]) + word for word in (b"data", b"labels"))
    array = (b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
             b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
             b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
             b"T" + len(image).to_bytes(4, "little") + image + b"tb")  # fmt: skip
    content = b"\x80\x02}(" + text[:6] + array + text[6:] + b"](K\x03eu."
    write(folder, {"data_batch_1": content})
    assert pickle.loads(content, encoding="latin1")["data"].tobytes() == image
    dataset = load(folder)
    assert np.array_equal(dataset.pool[0], IMAGES[0])
    assert dataset.labels[0] == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": [1]}, "3072 values of data for each of its labels"),
        ({"labels": [1, 10]}, "a label is none of 0 to 9"),
        ({"labels": [1, True]}, "a label is none of 0 to 9"),
        ({"labels": "ab"}, "3072 values of data for each of its labels"),
        ({"data": np.zeros((2, 3072))}, "its data are no uint8 array"),
        ({"data": [1]}, "its data are no uint8 array"),
    ],
)
def test_batches_of_another_content_are_refused(folder, change, sentence):
    content = cifar10.batch(IMAGES[:2], LABELS[:2], "a") | change
    write(folder, {"data_batch_1": pickle.dumps(content)})
    with pytest.raises(InputError, match=f"data_batch_1: not readable .*{sentence}"):
        load(folder)


def test_a_download_needs_the_official_checksums(folder):
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        cifar10.check(folder, True, "MD5SUMS")
    cifar10.check(folder / "nowhere", True, "official")


def test_a_failed_download_is_one_sentence(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError("no route to host")

    monkeypatch.setattr(CIFAR10, "download", refuse)
    with pytest.raises(InputError, match=r"could not be had in .*: no route to host"):
        cifar10.load(tmp_path, True, "official")
