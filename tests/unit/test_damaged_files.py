"""Every kind of file that a program reads, cut off or with a bit turned: read well or refused."""

import gzip
import io
import json
import lzma
import pickle
import random
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from official import batch, packed_cifar10
from scipy.io import savemat

from palimpsest.arrays import read_array, read_arrays, write_arrays
from palimpsest.data.datasets import Dataset, Images, Tokens
from palimpsest.data.easydub_margins import load_margins
from palimpsest.data.forget_sets.file import read_indices
from palimpsest.data.sources import _texts, cifar10, eli5, fashion_mnist, imdb, svhn
from palimpsest.data.sources._packed import read_packed
from palimpsest.data.splits import Split, digest_of_labels
from palimpsest.datamodels.estimate import Estimate
from palimpsest.files import InputError, read_json, write_json
from palimpsest.parts import read_parts, scored_on, write_parts
from palimpsest.population import Population
from palimpsest.records import Record, load_population
from palimpsest.tables import SEAL, read_table, write_table
from palimpsest.weights import load_states, save_states

PLACES = 40
RANDOM = np.random.default_rng(0)
MARGINS = RANDOM.normal(0, 1, (3, 20)).astype(np.float32)
LABELS = np.zeros(20, int)
SPLIT = Split(
    np.arange(15), np.arange(15, 20), np.array([2, 7]), "abc",
    labels_checksum=digest_of_labels(LABELS),
)  # fmt: skip
TABLE = pd.DataFrame({"split": ["forget", "val"], "klom": [1.5, 2.5]})
MADE_BY = {"code": "abc", "arguments": "models=3"}
RECORD = Record({"margin": MARGINS, "correct": MARGINS > 0}, SPLIT.points, np.arange(3),
                LABELS, Population.of("oracle", SPLIT))  # fmt: skip


def read_part(path, name):
    return read_parts([path], name)[0][0]


def python_batch(path):
    images = RANDOM.integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
    path.write_bytes(pickle.dumps(batch(images, np.array([1, 2]), "a"), 2))


def mat(path, packed=False):
    images = RANDOM.integers(0, 256, (32, 32, 3, 2)).astype(np.uint8)
    savemat(path, {"X": images, "y": np.array([[10], [3]], np.uint8)}, do_compression=packed)


def easydub(path):
    """A folder of margins, of which `path` is one file."""
    folder = path.parent / "margins" / "cifar10" / "oracle" / "forget_1" / "val" / "resnet9"
    folder.mkdir(parents=True)
    for model, row in enumerate(MARGINS):
        np.save(folder / f"id_{model}_epoch_1.npy", row)
    path.symlink_to(folder / "id_1_epoch_1.npy")


def estimate(path):
    entry = {"component": 1, "top": 2, "bottom": 0, "overlap": 2, "indices": [2, 7]}
    keys = ("data", "estimator", "models", "variance_shares")
    agreement = {"correlation": 0.5, "ci_low": 0.4, "ceiling": 0.6}
    write_json(path, dict.fromkeys(keys, 1) | {"base_split": SPLIT.checksum, "sets": [entry],
                                               "agreement": agreement})  # fmt: skip


def dataset(path):
    pool = RANDOM.integers(0, 256, (8, 1, 4, 4)).astype(np.uint8)
    images = Images(255.0, np.array([0.5]), np.array([0.25]))
    Dataset("toy", pool, np.arange(8) % 3, 6, images).save(path)


def texts(path):
    tokens = Tokens(9, 0, cut=2, tokenizer='{"a": 1}')
    groups = np.array([0, 1, 0, 0])
    Dataset("texts", np.ones((4, 3), np.int32), np.arange(4), 2, tokens, groups).save(path)


REVIEWS = [{"label": number % 2, "text": f"some {number} words"} for number in range(6)]


def packed_reviews(path):
    """Reviews, one a line."""
    lines = "\n".join(json.dumps(row) for row in REVIEWS)
    for name in imdb.PACKED:
        (path.parent / name).write_bytes(lzma.compress(lines.encode()))


def reviews(path):
    """Reviews as the archive holds them."""
    with tarfile.open(path, "w:gz") as archive:
        for number, row in enumerate(REVIEWS * 2):
            part, content = imdb.PARTS[number // 6], row["text"].encode()
            name = f"aclImdb/{part}/{imdb.LABELS[row['label']]}/{number}.txt"
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def questions(path):
    answers = {"text": ["an answer", "another"], "score": [1, 2]}
    rows = [
        {"category": name, "title": f"why {name}", "answers": answers} for name in eli5.QUESTIONS
    ]
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))


def tokenizer(path):
    _texts.learn_bpe([row["text"] for row in REVIEWS], 262).save(str(path))


def weights(path):
    states = {seed: {"a.weight": torch.randn(4, 3), "a.bias": torch.randn(4)} for seed in (3, 4)}
    save_states(path, states, MADE_BY | {"train_checksum": "abc"})


def whole_estimate(path):
    found = Estimate.load(path)
    return found.chosen(SPLIT, 1, 2, 0), found.doubt(1, 2, 0)


KINDS = {
    "record.npz": (
        lambda path: RECORD.save(path, MADE_BY),
        lambda path: load_population([path], SPLIT, "oracle")["margin"],
    ),
    "models.npz": (
        lambda path: write_arrays(path, {"chosen": MARGINS > 0, "margins": MARGINS}, MADE_BY),
        lambda path: read_arrays(path, ["chosen", "margins"]),
    ),
    "weights.safetensors": (weights, load_states),
    "split.json": (SPLIT.save, lambda path: Split.load(path).checksum),
    "dataset.npz": (dataset, lambda path: Dataset.load(path).checksum),
    "texts.npz": (texts, lambda path: Dataset.load(path).checksum),
    "part.json": (
        lambda path: write_parts(path, {"klom": TABLE}, scored_on(SPLIT, "a"), MADE_BY),
        lambda path: read_part(path, "klom").to_csv(),
    ),
    "estimate.json": (estimate, whole_estimate),
    "klom.csv": (
        lambda path: write_table(TABLE, path, seal=True),
        lambda path: read_table(path, ["split"]).to_csv(),
    ),
}  # fmt: skip
"""files that a run makes, with their checksums: how each is written and read"""
OWN = {
    "mine.csv": (
        lambda path: write_table(TABLE, path), lambda path: read_table(path, ["split"], own=True),
    ),
    "mine.npz": (lambda path: np.savez(path, a=np.arange(9)), lambda path: read_indices(path, "a")),
    "packed.npz": (lambda path: np.savez_compressed(path, a=np.arange(99)), read_arrays),
    "mine.npy": (lambda path: np.save(path, np.arange(9)), read_indices),
    "mine.json": (lambda path: path.write_text("[1, 2, 30]"), read_indices),
    "mine.txt": (lambda path: path.write_text("1\n2\n30\n"), read_indices),
    "data_batch_1": (python_batch, cifar10.read_batch),
    "cifar10_test.npz": (
        lambda path: packed_cifar10(path, [50, 90]),
        lambda path: read_packed(path, cifar10.OFFICIAL),
    ),
    "plain.mat": (mat, svhn.read_mat),
    "packed.mat": (lambda path: mat(path, packed=True), svhn.read_mat),
    "images.gz": (
        lambda path: path.write_bytes(gzip.compress(b"\0\0\10\1\0\0\0\3abc")),
        lambda path: fashion_mnist.read_idx(path, 1),
    ),
    "imdb_test.jsonl.xz": (packed_reviews, lambda path: imdb.digest(imdb.read(path.parent))),
    "aclImdb_v1.tar.gz": (reviews, lambda path: imdb.digest(imdb.read(path.parent))),
    "eli5-category-test.json.gz": (
        questions, lambda path: eli5.read(path.parent, ["Engineering"], whole=False),
    ),
    "tokenizer.json": (tokenizer, lambda path: _texts.read_tokenizer(path).get_vocab_size()),
    "id.npy": (easydub, lambda path: load_margins(path.parent, "oracle", "val", 1)),
}  # fmt: skip
"""files of the user's, which nothing may be known of"""


def damaged(content, kind):
    """The content cut off, and with a bit turned, at random places; and with one end too long."""
    draw = random.Random(kind)
    for _ in range(PLACES):
        yield content[: draw.randrange(len(content))]
        turned = bytearray(content)
        turned[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        yield bytes(turned)
    yield content + content
    yield content + b"\0"


def same(one, other):
    """Whether two things that were read are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return np.array_equal(one, other)


@pytest.mark.parametrize("name", [*KINDS, *OWN])
def test_what_is_damaged_is_refused_in_a_sentence(tmp_path, name):
    path = tmp_path / name
    write, read = (KINDS | OWN)[name]
    write(path)
    whole, content = read(path), path.read_bytes()
    refusals = 0
    for bad in damaged(content, name):
        path.write_bytes(bad)
        try:
            with warnings.catch_warnings(action="error"):
                found = read(path)
        except InputError as error:
            told = str(error)
            assert "\n" not in told and len(told) < 1000
            if name in KINDS and "cannot be read" not in told:
                assert "delete it, then run again" in told, told
            refusals += 1
        else:
            assert name in OWN or same(found, whole)
    assert refusals > PLACES / 3


@pytest.mark.parametrize("name", [name for name in KINDS if name != "klom.csv"])
def test_equal_content_is_equal_bytes(tmp_path, name, monkeypatch):
    write, _ = KINDS[name]
    found = []
    for copy in ("a", "b"):
        global RANDOM
        RANDOM = np.random.default_rng(5)
        torch.manual_seed(0)
        write(tmp_path / f"{copy}.{name}")
        found.append((tmp_path / f"{copy}.{name}").read_bytes())
    assert found[0] == found[1]


def header(shape, kind="<f8"):
    """The beginning of a .npy file."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("shape", ["(1000000000000000,)", "(-5,)", "(4294967296, 4294967296)"])
def test_a_header_that_claims_too_much_takes_no_memory(tmp_path, shape, monkeypatch):
    content = header(shape) + bytes(64)
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", content)
    monkeypatch.setattr("palimpsest.arrays.read_npy", None)  # not even begun
    with pytest.raises(InputError, match=r"a\.npy: damaged .*its header says"):
        read_array(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npz: damaged .*its header says"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("change", ["encrypted", "compression", "size", "twice", "no array"])
def test_archives_of_other_kinds_are_refused(tmp_path, change):
    path = tmp_path / "a.npz"
    array = header("(8,)") + bytes(64)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", array if change != "no array" else b"no array")
        if change == "twice":
            archive.writestr("a.npy", array)
    content = bytearray(path.read_bytes())
    local, central = 0, content.index(b"PK\x01\x02")
    if change == "encrypted":
        content[local + 6] |= 1
        content[central + 8] |= 1
    elif change == "compression":
        content[local + 8] = content[central + 10] = 97
    elif change == "size":
        big = (2**31).to_bytes(4, "little")
        content[central + 24 : central + 28] = content[local + 22 : local + 26] = big
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz: damaged or not a \.npz file of plain arrays"):
        read_arrays(path)


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**70), 10**400])
@pytest.mark.parametrize("others", [[], [1], [-1], [1.5]])
def test_integers_beyond_64_bits_are_refused(tmp_path, number, others):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([*others, number]))
    with pytest.raises(InputError, match=r"mine.json: the forget set holds (an index bey|1\.5)"):
        read_indices(path)
    sums = dict.fromkeys(("checksum", "dataset_checksum", "labels_checksum"), "")
    keys = {**sums, "forget": [], "val": [3]}
    path.write_text(json.dumps({**keys, "train": [*others, number]}))
    with pytest.raises(InputError, match=r"not a valid split: the training set|train set holds"):
        Split.load(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_texts_that_are_none_are_refused(tmp_path, order):
    codes = np.array([97, 0x110000], f"{order}u4")
    np.savez(tmp_path / "a.npz", names=codes.view(f"{order}U2"))
    with pytest.raises(InputError, match="a text with a character that there is not"):
        read_arrays(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", names=np.array(["aä", ""], f"{order}U2"), none=np.array([], "U1"))
    assert read_arrays(tmp_path / "a.npz")["names"].tolist() == ["aä", ""]


# With the time kept, as someone would who means to deceive


def test_results_that_were_altered_with_care_are_refused(tmp_path):
    """The archive's own sums are right, the tables have all their columns, the JSON is JSON."""
    record, table = tmp_path / "record.npz", tmp_path / "klom.csv"
    KINDS["record.npz"][0](record)
    with np.load(record) as archive:
        arrays = dict(archive)
    renamed = dict(arrays, correct=arrays["margin"] > 1)
    other = {name: arrays["seeds" if name == "points" else name] for name in arrays}
    unsealed = {name: value for name, value in arrays.items() if name != "sha256"}
    bare = {name: value for name, value in unsealed.items() if name != "made_by"}
    for altered in (renamed, other, unsealed, bare, arrays | {"more": np.arange(3)}):
        np.savez(record, **altered)
        with pytest.raises(
            InputError, match=r"record\.npz: damaged or altered.*delete it, then run"
        ):
            Record.load([record])
    write_table(TABLE, table, seal=True)
    seal = Path(f"{table}{SEAL}")
    mine = seal.read_text()
    write_table(TABLE.assign(klom=0.0), tmp_path / "other.csv", seal=True)
    for text, own in (
        (table.read_text(), Path(f"{tmp_path / 'other.csv'}{SEAL}").read_text()),
        (table.read_text(), ""),
        ("".join(table.read_text().splitlines(True)[:-1]), mine),
    ):
        table.write_text(text)
        seal.write_text(own)
        with pytest.raises(InputError, match=r"klom\.csv: damaged or altered.*delete it, then run"):
            read_table(table)
        write_table(TABLE, table, seal=True)
    part = tmp_path / "part.json"
    KINDS["part.json"][0](part)
    content = json.loads(part.read_text())
    seal_of = content.pop("sha256")
    short = {**content, "klom": {**content["klom"], "data": content["klom"]["data"][:1]}}
    bare = {name: value for name, value in content.items() if name != "made_by"}
    for altered in (content, bare, {**short, "sha256": seal_of}, {**content, "sha256": None}):
        part.write_text(json.dumps(altered))
        with pytest.raises(
            InputError, match=r"part\.json: damaged or altered.*delete it, then run"
        ):
            read_part(part, "klom")


@pytest.mark.parametrize("change", ["3/a.", "abc", "models=3"])
def test_the_names_in_a_file_of_weights_are_sealed(tmp_path, change):
    path = tmp_path / "block.safetensors"
    weights(path)
    content = path.read_bytes()
    assert change.encode() in content
    path.write_bytes(content.replace(change.encode(), change.replace(change[0], "9").encode()))
    with pytest.raises(
        InputError, match=r"block\.safetensors: damaged or altered.*delete it, then"
    ):
        load_states(path)


def test_what_is_json_and_no_result_is_refused(tmp_path):
    path = tmp_path / "estimate.json"
    for change in ({"sets": 3}, {"sets": [{}]}, {"agreement": []}, {"base_split": 5}):
        estimate(path)
        write_json(path, read_json(path) | change)
        with pytest.raises(InputError, match=r"estimate\.json: not an estimate; .*delete it, then"):
            Estimate.load(path)
    for agreement in ({}, {"correlation": "a"}):
        estimate(path)
        write_json(path, read_json(path) | {"agreement": agreement})
        with pytest.raises(InputError, match="its agreement has no correlation; delete it, then"):
            Estimate.load(path).doubt(1, 2, 0)
