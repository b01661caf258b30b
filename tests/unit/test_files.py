"""Files are whole or absent, and wrong ones are refused in one sentence."""

import os
import stat

import numpy as np
import pytest

from palimpsest.arrays import read_arrays, write_arrays
from palimpsest.files import InputError, atomic_path, one_line, read_json, sha256, write_json


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


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, '{"a": 1', "\xff"])
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
