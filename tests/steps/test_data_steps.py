"""The programs of the data stage, run by hand on tiny files."""

import hashlib
import json
import lzma
import os

import numpy as np
import pytest
from by_hand import prepare, refused, run
from official import packed_cifar10, write_checksums

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources import cifar10
from palimpsest.data.splits import Split


def select(base, out, **definition):
    return ("select_forget_set", "--split", base / "base.json",
            "--definition", json.dumps(definition), "--out", out)  # fmt: skip


def on_cifar10(folder, checksums):
    return {"name": "cifar10", "data_dir": str(folder), "download": False, "checksums": checksums,
            "val_fraction": 0.2, "train_size": None, "val_size": None, "split_seed": 0}  # fmt: skip


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


def test_packed_images_are_read_in_official_order(tmp_path):
    for name, greys in zip(cifar10.PACKED, ([40, 80, 120], [60, 100]), strict=True):
        packed_cifar10(tmp_path / name, greys)
    write_checksums(tmp_path, cifar10.PACKED)
    out = tmp_path / "out"
    done = run(*prepare(out, **on_cifar10(tmp_path, "MD5SUMS")))
    assert done.returncode == 0, done.stderr
    assert "CIFAR-10 from packed JPEG files: its pixels are not the official ones" in done.stderr
    dataset, split = Dataset.load(out / "dataset.npz"), Split.load(out / "base.json")
    grey = [40, 80, 120, 60, 100]
    assert np.abs(dataset.pool.mean(axis=(1, 2, 3)) - grey).max() < 2
    assert (split.train.tolist(), split.val.tolist()) == ([0, 1, 2], [3, 4])
