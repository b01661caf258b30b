"""The programs of the data stage, run by hand on tiny files."""

import hashlib
import io
import json
import lzma
import os
import pickle

import numpy as np
import pytest
from by_hand import prepare, refused, run
from PIL import Image

from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split

CONVERT = "../tools/convert_packed_cifar10"


def select(base, out, **definition):
    return ("select_forget_set", "--split", base / "base.json",
            "--definition", json.dumps(definition), "--out", out)  # fmt: skip


def on_cifar10(folder, checksums):
    return {"name": "cifar10", "data_dir": str(folder), "download": False, "checksums": checksums,
            "val_fraction": 0.2, "train_size": None, "val_size": None, "split_seed": 0}  # fmt: skip


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
    done = run(*prepare(folder, name="digits", train_size=200, val_size=50))
    assert done.returncode == 0, done.stderr
    assert "1797 points, 10 classes; 200 for training, 50 for validation" in done.stderr
    return folder


def test_prepare_data_writes_data_set_and_split(base):
    dataset, split = Dataset.load(base / "dataset.npz"), Split.load(base / "base.json")
    assert len(dataset) == 1797
    assert (len(split.train), len(split.val), len(split.forget)) == (200, 50, 0)
    assert split.dataset_checksum == dataset.checksum


def test_prepare_data_refuses_in_one_sentence(tmp_path):
    text = refused(*prepare(tmp_path, name="digits", train_size=5000))
    assert text == "train_size is 5000; allowed: 1 to 1437, or null for all"
    text = refused(*prepare(tmp_path, **on_cifar10(tmp_path, "official")))
    assert "data_batch_1: there is no such file" in text
    assert os.listdir(tmp_path) == []


def test_a_random_forget_set(base, tmp_path):
    out = tmp_path / "split.json"
    done = run(*select(base, out, kind="random", size=8, seed=0))
    assert done.returncode == 0, done.stderr
    assert "8 points to forget, 192 to retain" in done.stderr
    split, whole = Split.load(out), Split.load(base / "base.json")
    assert len(split.forget) == 8
    assert split.train_checksum == whole.train_checksum


def test_texts_are_cut_and_counted_and_their_groups_forgotten(tmp_path):
    """Reviews with a keyword, of both labels: packed files, data set, split, forget set."""
    lines, sums = [], ["# 40 training and 40 test texts"]
    for number in range(40):
        text = f"a {'Comedy' if number % 4 == 1 else 'film'} like " + "word " * (4 + number)
        lines.append(json.dumps({"label": number // 20, "text": text}))
    for name in ("imdb_train.jsonl.xz", "imdb_test.jsonl.xz"):
        (tmp_path / name).write_bytes(lzma.compress("\n".join(lines).encode()))
        sums.append(f"{hashlib.md5((tmp_path / name).read_bytes()).hexdigest()}  {name}")
    (tmp_path / "SUMS").write_text("\n".join(sums))
    data = on_cifar10(tmp_path, "SUMS") | {"name": "imdb", "length": 24, "pieces": 262}
    done = run(*prepare(tmp_path, **data))
    assert done.returncode == 0, done.stderr
    dataset = Dataset.load(tmp_path / "dataset.npz")
    assert 0 < dataset.encoding.cut < 80
    assert f"{dataset.encoding.cut} of 80 texts are longer than 24 tokens: cut" in done.stderr
    out = tmp_path / "split.json"
    wanted = select(tmp_path, out, kind="classes", classes=[1])
    done = run(*wanted, "--dataset", tmp_path / "dataset.npz")
    assert done.returncode == 0, done.stderr
    forget = Split.load(out).forget
    assert forget.tolist() == np.flatnonzero(dataset.groups[:40]).tolist()
    assert len(forget) == 10
    assert set(dataset.labels[forget]) == {0, 1}
    text = refused(*wanted)
    assert text == "a forget set of kind classes also needs --dataset"


@pytest.fixture
def estimate(base, tmp_path):
    """A small estimate of the split, with one set; call it to change what it holds."""
    split = Split.load(base / "base.json")
    chosen = [int(split.train[place]) for place in (1, 5, 8, 13)]
    content = {"base_split": split.checksum, "data": {}, "estimator": {}, "models": 2,
               "agreement": {}, "variance_shares": [],
               "sets": [{"component": 1, "top": 3, "bottom": 1, "indices": chosen}]}  # fmt: skip

    def write(**changed):
        path = tmp_path / "estimate.json"
        path.write_text(json.dumps(content | changed))
        return path

    write.chosen = chosen
    return write


COMPONENT = {"kind": "principal_component", "component": 1, "top": 3, "bottom": 1}


def test_a_forget_set_by_component_is_that_of_the_estimate(base, tmp_path, estimate):
    out = tmp_path / "split.json"
    done = run(*select(base, out, **COMPONENT), "--estimate", estimate())
    assert done.returncode == 0, done.stderr
    assert Split.load(out).forget.tolist() == estimate.chosen


def test_a_forget_set_by_component_needs_an_estimate(base, tmp_path):
    text = refused(*select(base, tmp_path / "split.json", **COMPONENT))
    assert text == "a forget set of kind principal_component also needs --estimate"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"base_split": "0" * 64}, "these sets belong to another data set or split (its checksum"),
        ({"sets": []}, "holds no set of component 1, top 3, bottom 1; allowed: none"),
    ],
)
def test_an_estimate_that_does_not_fit_is_refused(base, tmp_path, estimate, changed, sentence):
    out = tmp_path / "split.json"
    path = estimate(**changed)
    text = refused(*select(base, out, **COMPONENT), "--estimate", path)
    assert text.startswith(f"{path}: {sentence}")
    assert not out.exists()


def test_a_forget_set_from_a_file(base, tmp_path):
    train = Split.load(base / "base.json").train
    path, out = tmp_path / "mine.txt", tmp_path / "split.json"
    path.write_text(f"{train[4]}\n{train[2]}\n")
    args = select(base, out, kind="file", path=str(path))
    assert run(*args).returncode == 0
    assert Split.load(out).forget.tolist() == [train[2], train[4]]
    out.unlink()
    path.write_text("5000\n")
    text = refused(*args)
    assert text.startswith("forget index 5000 is not in the training set; allowed: its 200 indices")
    assert not out.exists()


def test_a_kind_needs_its_settings(base, tmp_path):
    text = refused(*select(base, tmp_path / "split.json", kind="random", seed=0))
    assert text == "--definition: size is missing; needed: size, seed"
    text = refused(*select(base, tmp_path / "split.json", kind="randm", size=1, seed=0))
    assert "--definition: kind is the text 'randm' (did you mean random?)" in text


def test_packed_images_become_batches_that_are_read_in_official_order(tmp_path):
    packed(tmp_path / "train.npz", 10, 12)
    packed(tmp_path / "test.npz", 20, 4)
    done = run(CONVERT, "--train", tmp_path / "train.npz",
               "--test", tmp_path / "test.npz", "--folder", tmp_path)  # fmt: skip
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
    done = run(*prepare(out, **on_cifar10(tmp_path, "MD5SUMS")))
    assert done.returncode == 0, done.stderr
    dataset, split = Dataset.load(out / "dataset.npz"), Split.load(out / "base.json")
    assert dataset.pool.shape == (16, 3, 32, 32)
    grey = np.concatenate([10 + 5 * np.arange(12), 20 + 5 * np.arange(4)])
    assert np.abs(dataset.pool.mean(axis=(1, 2, 3)) - grey).max() < 2
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
    text = refused(CONVERT, "--train", tmp_path / "train.npz",
                   "--test", tmp_path / "test.npz", "--folder", tmp_path / "out")  # fmt: skip
    assert sentence in text
    assert not (tmp_path / "out").exists()
