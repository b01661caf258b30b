"""The programs of the data stage, run by hand on tiny files."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split

ROOT = Path(__file__).parents[2]


def run(program, *args):
    return subprocess.run(
        [sys.executable, ROOT / "src" / f"{program}.py", *map(str, args)],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def refused(program, *args):
    """The sentence of a program that ends with exit code 1 and no traceback."""
    done = run(program, *args)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("error: ")


def prepare(folder, *args):
    return ("prepare_data", *args, "--out-dataset", folder / "dataset.npz",
            "--out-split", folder / "base.json")  # fmt: skip


def packed(path, first, count):
    """Images in a packed file, out of order, whose grey level tells their official place."""
    order = np.random.RandomState(0).permutation(count).astype(np.int32)
    files = []
    for place in order:
        image = Image.fromarray(np.full((32, 32, 3), first + 5 * place, np.uint8))
        stream = io.BytesIO()
        image.save(stream, format="JPEG")
        files.append(np.frombuffer(stream.getvalue(), np.uint8))
    arrays = {
        "data": np.concatenate(files),
        "offsets": np.cumsum([0, *map(len, files)]).astype(np.int64),
        "labels": (order % 3).astype(np.uint8),
        "orig_index": order,
        "class_names": np.array(["airplane", "automobile", "bird"]),
    }
    np.savez_compressed(path, **arrays)
    return arrays


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    done = run(*prepare(folder, "--name", "digits", "--train-size", 200, "--val-size", 50))
    assert done.returncode == 0, done.stderr
    assert "1797 points, 10 classes; 200 for training, 50 for validation" in done.stderr
    return folder


@pytest.mark.parametrize("program", ["prepare_data", "select_forget_set", "convert_packed_cifar10"])
def test_every_program_explains_itself(program):
    done = run(program, "--help")
    assert done.returncode == 0
    assert "--out" in done.stdout


def test_prepare_data_writes_data_set_and_split(base):
    dataset, split = Dataset.load(base / "dataset.npz"), Split.load(base / "base.json")
    assert len(dataset) == 1797
    assert (len(split.train), len(split.val), len(split.forget)) == (200, 50, 0)
    assert split.dataset_checksum == dataset.checksum


def test_prepare_data_refuses_in_one_sentence(tmp_path):
    text = refused(*prepare(tmp_path, "--name", "digits", "--train-size", 5000))
    assert text == "train_size is 5000; allowed: 1 to 1437, or null for all"
    text = refused(*prepare(tmp_path, "--name", "cifar10", "--data-dir", tmp_path))
    assert "data_batch_1: there is no such file" in text
    assert os.listdir(tmp_path) == []


def test_a_random_forget_set(base, tmp_path):
    out = tmp_path / "split.json"
    args = ("--split", base / "base.json", "--kind", "random", "--size", 8, "--seed", 0)
    done = run("select_forget_set", *args, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "8 points to forget, 192 to retain" in done.stderr
    split, whole = Split.load(out), Split.load(base / "base.json")
    assert len(split.forget) == 8
    assert split.train_checksum == whole.train_checksum


def test_a_forget_set_by_component(base, tmp_path):
    train = Split.load(base / "base.json").train
    scores = np.arange(200) - 99.5
    np.savez(tmp_path / "matrix.npz", weights=np.outer(scores, np.eye(200)[7]).astype(np.float32))
    args = ("--split", base / "base.json", "--kind", "principal_component", "--component", 1,
            "--datamodel", tmp_path / "matrix.npz", "--out", tmp_path / "split.json")  # fmt: skip
    done = run("select_forget_set", *args, "--top", 3, "--bottom", 2)
    assert done.returncode == 0, done.stderr
    forget = Split.load(tmp_path / "split.json").forget
    assert forget.tolist() == sorted([*train[-3:], *train[:2]])
    np.savez(tmp_path / "matrix.npz", weights=np.ones((3, 3)))
    text = refused("select_forget_set", *args, "--top", 3)
    assert "weights have shape (3, 3); needed: a row and a column for each of the 200" in text


def test_a_forget_set_from_a_file(base, tmp_path):
    train = Split.load(base / "base.json").train
    path, out = tmp_path / "mine.txt", tmp_path / "split.json"
    path.write_text(f"{train[4]}\n{train[2]}\n")
    args = ("--split", base / "base.json", "--kind", "file", "--path", path, "--out", out)
    assert run("select_forget_set", *args).returncode == 0
    assert Split.load(out).forget.tolist() == [train[2], train[4]]
    out.unlink()
    path.write_text("5000\n")
    text = refused("select_forget_set", *args)
    assert text.startswith("forget index 5000 is not in the training set; allowed: its 200 indices")
    assert not out.exists()


def test_a_kind_needs_its_options(base, tmp_path):
    done = run("select_forget_set", "--split", base / "base.json", "--kind", "random",
               "--out", tmp_path / "split.json")  # fmt: skip
    assert done.returncode == 2
    assert "--kind random needs --size" in done.stderr


def test_packed_images_become_batches_that_are_read_in_official_order(tmp_path):
    packed(tmp_path / "train.npz", 10, 12)
    packed(tmp_path / "test.npz", 20, 4)
    done = run("convert_packed_cifar10", "--train", tmp_path / "train.npz",
               "--test", tmp_path / "test.npz", "--out", tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "12 training and 4 test images" in done.stdout
    assert "lossy" in done.stdout
    folder = tmp_path / "cifar-10-batches-py"
    sizes = []
    for number in range(1, 6):
        batch = pickle.loads((folder / f"data_batch_{number}").read_bytes(), encoding="latin1")
        assert batch["data"].shape[1] == 3072
        sizes.append(len(batch["labels"]))
    assert sizes == [3, 3, 2, 2, 2]
    out = tmp_path / "out"
    done = run(*prepare(out, "--name", "cifar10", "--data-dir", tmp_path, "--checksums", "MD5SUMS"))
    assert done.returncode == 0, done.stderr
    dataset, split = Dataset.load(out / "dataset.npz"), Split.load(out / "base.json")
    assert dataset.images.shape == (16, 3, 32, 32)
    grey = np.concatenate([10 + 5 * np.arange(12), 20 + 5 * np.arange(4)])
    assert np.abs(dataset.images.mean(axis=(1, 2, 3)) - grey).max() < 2
    assert dataset.labels.tolist() == [*(np.arange(12) % 3), *(np.arange(4) % 3)]
    assert split.train.tolist() == list(range(12))
    assert split.val.tolist() == list(range(12, 16))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": np.zeros(3, np.uint8)}, "12 images, 3 labels and 12 places"),
        ({"orig_index": np.zeros(12, np.int32)}, "orig_index is not each of 0..11 once"),
        ({"data": np.zeros(5, np.uint8)}, "offsets do not cover the 5 bytes of data"),
        ({"labels": np.full(12, 7, np.uint8)}, "label 7; allowed: 0 to 2"),
        ({"class_names": np.array(["a", "b", "c"])}, "class names differ from those of"),
        ("jpeg", "image 0 is not a readable image"),
        ("array", "holds no array 'offsets'"),
        ("file", "there is no such file"),
    ],
)
def test_wrong_packed_files_are_one_sentence(tmp_path, change, sentence):
    arrays = packed(tmp_path / "train.npz", 10, 12)
    packed(tmp_path / "test.npz", 20, 4)
    if change == "jpeg":
        arrays["data"][:200] = 0
    elif change == "array":
        del arrays["offsets"]
    elif isinstance(change, dict):
        arrays.update(change)
    np.savez(tmp_path / "train.npz", **arrays)
    if change == "file":
        (tmp_path / "train.npz").unlink()
    text = refused("convert_packed_cifar10", "--train", tmp_path / "train.npz",
                   "--test", tmp_path / "test.npz", "--out", tmp_path / "out")  # fmt: skip
    assert sentence in text
    assert not (tmp_path / "out").exists()
