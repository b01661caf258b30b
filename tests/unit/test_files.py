"""Files are whole or absent, and wrong ones are refused in one sentence."""

import os
import socket
import stat
from pathlib import Path

import numpy as np
import pytest

from palimpsest.arrays import read_array, read_arrays, write_arrays
from palimpsest.config.plain_yaml import read_yaml
from palimpsest.data.forget_sets.file import read_indices
from palimpsest.data.sources import cifar10, fashion_mnist, svhn
from palimpsest.data.sources._checksums import read_sums
from palimpsest.data.sources._texts import read_tokenizer
from palimpsest.files import (
    LONGEST_TEXT,
    InputError,
    atomic_path,
    one_line,
    read_json,
    regular_file,
    sha256,
    write_json,
)
from palimpsest.models._transformers import read_config
from palimpsest.programs import load_file
from palimpsest.reporting import image
from palimpsest.tables import read_table
from palimpsest.weights import load_states


def test_the_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent
        assert temporary.suffix == ".csv"
        assert not path.exists()
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["table.csv"]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("halfway")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.json"]


def test_an_atomic_file_has_the_permissions_of_an_ordinary_one(tmp_path):
    ordinary, written = tmp_path / "ordinary", tmp_path / "written"
    ordinary.write_text("")
    with atomic_path(written):
        pass
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_json_round_trip(tmp_path):
    value = {"mode": "ours", "points": [1, 2], "empty": None}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "there is no such file"), (b"{1", "not valid JSON"),
                              (b"\xff\xfe", "not valid JSON")],
)  # fmt: skip
def test_wrong_json_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(error.value)


def test_an_error_is_told_on_one_short_line():
    assert one_line(ValueError("two\n  lines")) == "two lines"
    assert one_line(ValueError("x" * 1000)) == "x" * 200
    assert one_line(MemoryError()) == "MemoryError"


def test_sha256_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_arrays_are_read_by_name(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, one=np.arange(3), two=np.ones(2))
    assert read_arrays(path, ["one"])["one"].tolist() == [0, 1, 2]
    assert set(read_arrays(path)) == {"one", "two"}
    with pytest.raises(InputError, match=r"holds no array 'three'; it holds one, two"):
        read_arrays(path, ["three"])


def test_wrong_archives_are_one_sentence(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match="there is no such file"):
        read_arrays(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)
    with path.open("wb") as stream:
        np.save(stream, np.arange(3))
    with pytest.raises(InputError, match=r"one array, where a \.npz archive"):
        read_arrays(path)
    np.savez(path, pickled=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"not a \.npz file of plain arrays"):
        read_arrays(path)
    np.savez(path, numbers=np.arange(1000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)


def test_altered_json_is_refused(tmp_path):
    path = tmp_path / "scores.json"
    write_json(path, {"data": [[1.5, 2.0], [3.0, 4.0]]})
    path.write_text(path.read_text().replace("1.5", "1.25"))
    with pytest.raises(InputError, match=r"scores.json: damaged or altered.*delete it, then run"):
        read_json(path)


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, '{"a": 1', "\xff", '{"a": 1, "a": 1}'])
def test_json_that_cannot_be_read_is_told_in_a_sentence(tmp_path, text):
    path = tmp_path / "scores.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"scores.json: not valid JSON"):
        read_json(path)


def test_equal_arrays_are_equal_bytes_and_altered_ones_are_refused(tmp_path):
    arrays = {"margin": np.arange(60.0).reshape(3, 20), "seeds": np.arange(3)}
    path, made_by = tmp_path / "0.npz", {"code": "abc", "arguments": "models=3"}
    write_arrays(path, arrays, made_by)
    write_arrays(tmp_path / "1.npz", arrays, dict(reversed(made_by.items())))
    assert path.read_bytes() == (tmp_path / "1.npz").read_bytes()
    back = read_arrays(path)
    assert set(back) == set(arrays)
    assert np.array_equal(back["margin"], arrays["margin"])
    assert np.load(path)["made_by"].tolist() == ["arguments: models=3", "code: abc"]
    with np.load(path) as whole:  # one number is another, and the archive's own sums are right
        altered = {name: whole[name] for name in whole.files}
    altered["margin"][0, 0] = 7
    np.savez(path, **altered)
    with pytest.raises(InputError, match=r"0.npz: damaged or altered.*delete it, then run again"):
        read_arrays(path, ["seeds"])


# What is no file


def no_file(path, kind):
    """Something at `path` that is no file."""
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a socket":
        folder = Path.cwd()
        os.chdir(path.parent)  # addresses are short
        socket.socket(socket.AF_UNIX).bind(path.name)
        os.chdir(folder)
    else:
        path.mkdir()


KINDS = ("a pipe", "a device", "a socket", "a folder")
READERS = {
    "a.json": read_json, "a.yaml": read_yaml, "a.npz": read_arrays, "a.npy": read_array,
    "a.csv": read_table, "a.safetensors": load_states, "mine.txt": read_indices,
    "mine.json": read_indices, "mine.npz": read_indices,
    "MD5SUMS": lambda path: read_sums(path, []),
    "tokenizer.json": read_tokenizer, "data_batch_1": cifar10.read_batch, "a.mat": svhn.read_mat,
    "images.gz": lambda path: fashion_mnist.read_idx(path, 3),
    "figure.png": lambda path: image(path.parent, "figure"),
    "figure.py": lambda path: load_file(path, "draw"),
    "config.json": lambda path: read_config(path.parent),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_no_reader_opens_what_is_no_file(tmp_path, name, kind):
    path = tmp_path / name
    no_file(path, kind)
    with pytest.raises(InputError) as error:
        READERS[name](path)
    assert f"{path}: is {kind}; needed: a " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", READERS)
def test_files_that_cannot_be_there_are_told_in_a_sentence(tmp_path, name):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "file", tmp_path / "none"):
        with pytest.raises(InputError, match="there is no such"):
            READERS[name](folder / name)
    for folder, told in ((loop, "symbolic links"), (tmp_path / ("ä" * 200), "name too long")):
        with pytest.raises(InputError, match=rf"cannot be looked up \(.*{told}\)"):
            READERS[name](folder / name)


def test_a_file_with_a_hole_of_a_terabyte_takes_no_memory(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(InputError, match=r"a\.npz: has 1000 GB, and this machine \d+ GB of memory"):
        regular_file(path)
    with path.open("wb") as stream:
        stream.truncate(LONGEST_TEXT + 1)
    with pytest.raises(InputError, match=r"a\.npz: has 1000000001 bytes; allowed: at most 10000"):
        read_json(path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("{}")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    with pytest.raises(InputError, match=r"a\.json: cannot be read \(Permission denied\)"):
        read_json(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_put_in_the_place_of_a_file_alone(tmp_path, kind):
    path = tmp_path / "result.json"
    no_file(path, kind)
    before = os.lstat(path)
    with pytest.raises(InputError, match=rf"result\.json: is {kind}; needed: a place for a file"):
        write_json(path, {})
    assert os.lstat(path) == before
    assert os.listdir(tmp_path) == ["result.json"]


def test_what_comes_to_lie_there_meanwhile_stays(tmp_path):
    path = tmp_path / "result.json"
    with (
        pytest.raises(InputError, match=r"result\.json: is a folder; needed: a place for a file"),
        atomic_path(path) as temporary,
    ):
        temporary.write_text("whole")
        path.mkdir()
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_place_below_a_file_or_a_closed_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file is no folder; needed: a place for a file"):
        write_json(tmp_path / "file" / "new" / "a.json", {})
    with pytest.raises(InputError, match=r"cannot be looked up \(File name too long\)"):
        write_json(tmp_path / ("a" * 300), {})
    with pytest.raises(InputError, match=r"is no name of a file \(.*null"):
        write_json(tmp_path / "a\0b", {})
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    with pytest.raises(InputError, match=rf"{tmp_path} cannot be written; needed: a place for a f"):
        write_json(tmp_path / "new" / "a.json", {})
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["ä" * 120 + ".json", "😀" * 60 + ".json", "a" * 250 + ".json"])
def test_names_as_long_as_a_file_may_have(tmp_path, name):
    write_json(tmp_path / name, {"a": 1})
    assert read_json(tmp_path / name) == {"a": 1}
    assert os.listdir(tmp_path) == [name]


def test_a_link_to_a_file_is_read_and_replaced(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    (tmp_path / "link.json").symlink_to("a.json")
    assert read_json(tmp_path / "link.json") == {"a": 1}
    write_json(tmp_path / "link.json", {"a": 2})
    assert read_json(tmp_path / "a.json") == {"a": 1}
