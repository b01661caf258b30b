"""CIFAR-10 from tiny files in the official format."""

import os
import pickle

import numpy as np
import pytest
from official import batch, jpeg, packed_cifar10, write_checksums
from torchvision.datasets import CIFAR10

from palimpsest.data.facts import Facts
from palimpsest.data.sources import _downloads, cifar10
from palimpsest.data.sources._packed import read_packed
from palimpsest.files import InputError

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (13, 3, 32, 32)).astype(np.uint8)
LABELS = RANDOM.randint(0, 10, 13)


@pytest.fixture
def folder(tmp_path):
    """Ten training images in five batches, and three test images."""
    parts = {
        name: batch(IMAGES[2 * row : 2 * row + 2], LABELS[2 * row : 2 * row + 2], name)
        for row, name in enumerate(cifar10.TRAIN_FILES)
    }
    parts["test_batch"] = batch(IMAGES[10:], LABELS[10:], "test")
    parts["batches.meta"] = {"label_names": list("abcdefghij")}
    write(tmp_path, {name: pickle.dumps(part, protocol=2) for name, part in parts.items()})
    return tmp_path


def write(data_dir, contents):
    target = data_dir / cifar10.FOLDER
    target.mkdir(exist_ok=True)
    for name, content in contents.items():
        (target / name).write_bytes(content)
    write_checksums(target, cifar10.OFFICIAL_MD5)


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
    both_refuse(folder, "or cifar10_train.npz and cifar10_test.npz into ")
    both_refuse(folder / "nowhere", "data_batch_1: there is no such file", checksums="official")


def test_a_damaged_file_is_named(folder):
    path = folder / cifar10.FOLDER / "test_batch"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    both_refuse(folder, "test_batch: damaged or another file (MD5 ")


def test_checksums_must_be_there_for_every_file(folder):
    both_refuse(folder, "OTHER: there is no such text file of checksums", checksums="OTHER")
    (folder / cifar10.FOLDER / "MD5SUMS").write_text("0" * 32 + "  data_batch_1\n")
    both_refuse(folder, "MD5SUMS: has no checksum of data_batch_2")


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
        content = batch(IMAGES[:2], LABELS[:2], "a") | {"filenames": own}
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
    content = batch(IMAGES[:2], LABELS[:2], "a") | change
    write(folder, {"data_batch_1": pickle.dumps(content)})
    with pytest.raises(InputError, match=f"data_batch_1: not readable .*{sentence}"):
        load(folder)


def test_a_download_needs_the_official_checksums(folder):
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        cifar10.check(folder, True, "MD5SUMS")
    cifar10.check(folder / "nowhere", True, "official")


GREYS = np.arange(0, 240, 20)


@pytest.fixture
def packed(tmp_path):
    """Eight training images and four test images, packed; their arrays by the file's name."""
    parts = zip(cifar10.PACKED, (GREYS[:8], GREYS[8:]), strict=True)
    arrays = {name: packed_cifar10(tmp_path / name, greys) for name, greys in parts}
    write_checksums(tmp_path, cifar10.PACKED)
    return arrays


def test_packed_images_are_read_in_official_order_and_said_to_be_others(packed, tmp_path, caplog):
    caplog.set_level("INFO")
    cifar10.check(tmp_path, False, "MD5SUMS")
    dataset = load(tmp_path)
    assert dataset.pool.shape == (12, 3, 32, 32)
    assert np.abs(dataset.pool.mean(axis=(1, 2, 3)) - GREYS).max() < 2
    assert dataset.labels.tolist() == [*range(8), *range(4)]
    assert dataset.train_points == 8
    assert "packed JPEG files: its pixels are not the official ones" in caplog.text
    assert cifar10.facts(tmp_path, "MD5SUMS") == Facts(12, 8, 10, (3, 32, 32))
    assert cifar10.facts(tmp_path, "official") == Facts(60_000, 50_000, 10, (3, 32, 32))


def test_the_order_of_colours_and_places_is_kept(tmp_path):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16, :, 0], pixels[:, 16:, 1] = 200, 100  # red above, green on the right
    packed_cifar10(tmp_path / "a.npz", [0])
    arrays = dict(np.load(tmp_path / "a.npz"))
    arrays["data"] = np.frombuffer(jpeg(pixels), np.uint8)
    arrays["offsets"] = np.array([0, len(arrays["data"])])
    np.savez(tmp_path / "a.npz", **arrays)
    images, _ = read_packed(tmp_path / "a.npz", cifar10.OFFICIAL)
    means = images[0].reshape(3, 2, 16, 2, 16).mean(axis=(2, 4))
    assert np.abs(means - [[[200, 200], [0, 0]], [[0, 100], [0, 100]], np.zeros((2, 2))]).max() < 9


def test_batches_come_before_packed_files_and_a_download_before_both(folder):
    packed_cifar10(folder / cifar10.PACKED[0], GREYS)
    assert np.array_equal(load(folder).pool, IMAGES)
    cifar10.check(folder, True, "official")


def test_one_packed_file_is_not_enough(packed, tmp_path):
    (tmp_path / "cifar10_test.npz").unlink()
    both_refuse(tmp_path, "cifar10_test.npz: there is no such file")


def test_packed_files_of_other_checksums_are_refused(packed, tmp_path):
    both_refuse(tmp_path, "cifar10_train.npz: damaged or another file (SHA-256 ", "official")
    (tmp_path / "MD5SUMS").write_text("0" * 64 + "  cifar10_train.npz\n")
    both_refuse(tmp_path, "MD5SUMS: has no checksum of cifar10_test.npz; needed: one line per")


WRONG = {
    "too few labels": (lambda a: {"labels": a["labels"][:3]}, "8 images, 3 labels and 8 places"),
    "a label of 10": (lambda a: {"labels": a["labels"] + 10}, "has the label "),
    "text": (lambda a: {"labels": a["labels"].astype(str)}, "labels is <U"),
    "a place twice": (lambda a: {"orig_index": a["orig_index"] % 7}, "not each of 0 to 7 once"),
    "places from 1": (lambda a: {"orig_index": a["orig_index"] + 1}, "not each of 0 to 7 once"),
    "too few bytes": (lambda a: {"data": a["data"][:-1]}, "offsets begin at 0 and end at "),
    "numbers for bytes": (lambda a: {"data": a["data"].astype(int)}, "data is int64; needed: ui"),
    "offsets that fall": (
        lambda a: {"offsets": a["offsets"][[0, 2, 1, *range(3, 9)]]},
        "at image 1; needed: each above the one before",
    ),
    "a damaged image": (lambda a: {"data": a["data"] * (np.arange(len(a["data"])) > 9)},
                        "image 0 is damaged, or no JPEG file"),
    "half an image": (
        lambda a: {"offsets": a["offsets"] - (np.arange(9) == 1) * 200},
        "image 0 is damaged, or no JPEG file",
    ),
    "a large image": (
        lambda a: {"data": np.frombuffer(jpeg(np.zeros((40, 32, 3), np.uint8)), np.uint8)}, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_packed_files_of_another_content_are_one_sentence(packed, tmp_path, case):
    change, sentence = WRONG[case]
    arrays = packed["cifar10_train.npz"]
    arrays |= change(arrays)
    if case == "a large image":
        arrays |= {"offsets": np.array([0, len(arrays["data"])]), "labels": np.zeros(1, int),
                   "orig_index": np.zeros(1, int)}  # fmt: skip
        sentence = "image 0 is 32 x 40 RGB; needed: 32 x 32 RGB"
    np.savez(tmp_path / "cifar10_train.npz", **arrays)
    write_checksums(tmp_path, cifar10.PACKED)
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/cifar10_train.npz: ")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_failed_download_is_one_sentence(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError("no route to host")

    monkeypatch.setattr(CIFAR10, "download", refuse)
    monkeypatch.setattr(_downloads, "WAITS", ())
    with pytest.raises(InputError, match=r"could not be had in .*: no route to host"):
        cifar10.load(tmp_path, True, "official")
