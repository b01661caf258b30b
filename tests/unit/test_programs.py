"""What programs share: their words, where they put files, what they load, how they end."""

import argparse
import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from palimpsest import files, sources
from palimpsest.files import InputError
from palimpsest.programs import (
    Parser,
    check_form,
    check_keywords,
    check_made,
    json_map,
    load_file,
    run_program,
    study_module,
)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("NaN", "NaN is no finite number"),
        ("-Infinity", "-Infinity is no finite number"),
        ("1e400", "1e400 is no finite number"),
        ("9223372036854775808", "9223372036854775808 does not fit into 64 bits"),
        ("-9223372036854775809", "-9223372036854775809 does not fit into 64 bits"),
        ("9" * 5000, "9999 does not fit into 64 bits"),
        ("[" * 100_000, "maximum recursion depth"),
        ("01", "Expecting ',' delimiter"),
        ('1, "lr": 2', "the key 'lr' stands twice"),
    ],
)
def test_json_that_holds_no_ordinary_number_is_refused(value, sentence):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        json_map(f'{{"lr": {value}}}')
    assert sentence in str(error.value)
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


def test_json_keeps_whole_numbers_and_others():
    found = json_map('{"lr": 1e-5, "epochs": 3, "low": -9223372036854775808, "wide": 2.0}')
    assert found == {"lr": 1e-5, "epochs": 3, "low": -(2**63), "wide": 2.0}
    assert type(found["epochs"]) is int and type(found["wide"]) is float


def judge(inputs: Any, *, margin: float, names: list[str], of: Mapping[str, Sequence[int]]) -> None:
    """A function whose keywords are settings."""


GOOD = {"margin": 1, "names": ["a"], "of": {"a": [1, 2]}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"margin": "0.7"}, 'here: margin is "0.7"; allowed: a number'),
        ({"margin": None}, "here: margin is null; allowed: a number"),
        ({"names": "a"}, 'here: names is "a"; allowed: list'),
        ({"names": [1]}, r"here: names is \[1\]; allowed: list"),
        ({"of": {"a": [1.5]}}, 'here: of is {"a": .*allowed: Mapping'),
        ({"foo": 1}, "here: unknown setting foo"),
    ],
)
def test_keywords_are_held_to_their_annotations(change, sentence):
    check_keywords(judge, GOOD, "here")
    with pytest.raises(ValueError, match=sentence):
        check_keywords(judge, GOOD | change, "here")


# Where files are put


def words(*given: str, names: Sequence[str] = ("--out-a", "--out-b", "--log-c")) -> Any:
    """The words of a program that reads --weights and --inputs and writes some files."""
    parser = Parser("")
    for name in names:
        parser.add_argument(name, type=Path, nargs="*", default=[])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--inputs", nargs="*", default=[])
    return parser.parse_args(given)


def test_two_results_of_one_name_are_refused(tmp_path):
    one, other = str(tmp_path / "a.json"), str(tmp_path / "b" / ".." / "a.json")
    for given in (["--out-a", one, "--out-b", other], ["--out-a", one, "--log-c", one]):
        with pytest.raises(
            InputError, match=r"is .*a\.json, which --out-a is, too; needed: a name"
        ):
            words(*given)
    with pytest.raises(InputError, match=r"--out-a is .*a\.json, which --out-a is, too"):
        words("--out-a", one, one)
    Path(one).write_text("")
    (tmp_path / "link.json").symlink_to(one)
    with pytest.raises(InputError, match=r"--out-b is .*link\.json, which --out-a is, too"):
        words("--out-a", one, "--out-b", str(tmp_path / "link.json"))
    assert words("--out-a", one, "--out-b", str(tmp_path / "c.json")).out_a == [Path(one)]


def test_a_result_in_the_place_of_what_is_read_is_refused(tmp_path):
    path = str(tmp_path / "a.json")
    for option, given in (("--weights", path), ("--inputs", f"klom={path}")):
        with pytest.raises(
            InputError, match=rf"--out-a is .*a\.json, which {option} reads; needed"
        ):
            words("--out-a", path, option, given)


@pytest.mark.parametrize("option", ["--out-a", "--out-b", "--log-c"])
def test_a_result_that_cannot_be_put_there_is_refused(tmp_path, option):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for place, found in (
        ("", "is a folder; needed: a place for a file"),
        ("pipe", "is a pipe; needed: a place for a file"),
        ("file/a.json", "file is no folder; needed: a place for a file"),
        ("a" * 300, "cannot be looked up"),
    ):
        with pytest.raises(InputError, match=found):
            words(option, str(tmp_path / place))


def test_no_program_reads_its_words_in_another_way():
    root = Path(__file__).parents[2]
    for path in [*root.glob("src/*.py"), *root.glob("tools/*.py")]:
        text = path.read_text()
        if "--out" in text:
            assert "Parser(" in text.replace("ArgumentParser(", ""), path


# How programs end


def full_memory() -> None:
    raise MemoryError("Unable to allocate 8.00 TiB")


def torchs_full_memory() -> None:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def full_gpu() -> None:
    raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate")


def full_gpu_by_cublas() -> None:
    raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


def full_gpu_in_a_graph() -> None:
    try:
        raise RuntimeError("CUDA error: out of memory")
    finally:
        raise RuntimeError("the capture could not be ended")


def full_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "a.json")


def closed() -> None:
    raise PermissionError(errno.EACCES, "Permission denied", "a.json")


@pytest.fixture
def apart(monkeypatch):
    """What a program sets for itself ends with the test."""
    monkeypatch.setattr(files, "guards", [])
    yield
    sources._started.clear()


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(
    ("main", "sentence"),
    [
        (
            full_memory,
            "error: the memory is full (Unable to allocate 8.00 TiB); needed: more, or sm",
        ),
        (torchs_full_memory, "error: the memory is full (DefaultCPUAllocator"),
        (
            full_gpu,
            "error: the GPU's memory is full (CUDA out of memory. Tried to allocate); needed",
        ),
        (
            full_gpu_by_cublas,
            "error: the GPU's memory is full (CUDA error: CUBLAS_STATUS_ALLOC_FAI",
        ),
        (
            full_gpu_in_a_graph,
            "error: the GPU's memory is full (CUDA error: out of memory); needed",
        ),
        (full_disk, "error: the disk is full for a.json; needed: more free space"),
        (closed, "error: a.json: cannot be read or written (Permission denied)"),
    ],
)
def test_what_the_machine_lacks_is_told_in_a_sentence(main, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        run_program(main)
    assert end.value.code == 1
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told


@pytest.mark.usefixtures("apart")
def test_a_defect_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_program(lambda: {}["a"])
    with pytest.raises(OSError, match="no file is named"):
        run_program(lambda: (_ for _ in ()).throw(OSError("no file is named")))


# Things that are loaded


@pytest.mark.parametrize("study", ["../x", "", "none", "ascent.measures", "asc\0ent", "..", "/tmp"])
def test_a_study_that_is_none(study):
    with pytest.raises(
        InputError, match=r"--study is .*; allowed: .*ascent, classes, .*theory, whic"
    ):
        study_module(study, "measures")
    with pytest.raises(InputError, match=r"allowed: .*ascent, classes, which have worlds"):
        study_module("theory", "worlds")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def draw(inputs, *, note=''\n", r"cannot be loaded \(SyntaxError: .*line 1\)"),
        ("import none_such\n", r"cannot be loaded \(ModuleNotFoundError: No module named"),
        ("1 / 0\n", r"cannot be loaded \(ZeroDivisionError: division by zero\)"),
        ("\0", r"cannot be loaded \(SyntaxError"),
        ("", "has no function draw"),
        ("draw = 3\n", "has no function draw"),
        ("def draw(*, note): ...\n", r"draw\(\) takes other arguments \(too many positional"),
        ("def draw(inputs, more, *, note): ...\n", r"draw\(\) takes other arguments \(missing a"),
        ("def draw(inputs): ...\n", r"draw\(\) takes other arguments \(got an unexpected keyword"),
        ("def draw(note, *, inputs): ...\n", r"draw\(\) takes other arguments \(multiple values"),
        (
            "INPUTS = 'klom'\ndef draw(inputs, *, note): ...\n",
            "its INPUTS are 'klom'; needed: a tup",
        ),
        (
            "INPUTS = (3,)\ndef draw(inputs, *, note): ...\n",
            r"its INPUTS are \(3,\); needed: a tup",
        ),
    ],
)
def test_a_file_that_is_not_of_the_form(tmp_path, text, found):
    path = tmp_path / "figure.py"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"figure\.py: {found}") as error:
        load_file(path, "draw", given=["note"])
    assert "\n" not in str(error.value) and "needed: " in str(error.value)


def test_a_file_of_the_form_is_loaded(tmp_path):
    path = tmp_path / "figure.py"
    path.write_text("def draw(inputs, *, note, size: int): return inputs, note, size\n")
    assert load_file(path, "draw", given=["note"]).draw(1, note=2, size=3) == (1, 2, 3)
    (tmp_path / "figure.txt").write_text("")
    with pytest.raises(
        InputError, match=r"figure\.txt: is no Python file; needed: a \.py with dra"
    ):
        load_file(tmp_path / "figure.txt", "draw", given=["note"])


def test_a_module_of_a_study_is_of_the_form():
    check_form(study_module("ascent", "measures"), "here", "judge")
    check_form(study_module("classes", "worlds"), "here", "judge")
    with pytest.raises(InputError, match=r"here: has no function judge; needed: judge\(inputs, \*"):
        check_form(study_module("ascent", "settings"), "here", "judge")


def test_keywords_that_the_program_gives_are_no_settings():
    with pytest.raises(ValueError, match="here: unknown setting margin; allowed: names, of"):
        check_keywords(judge, GOOD, "here", taken=["margin"])


def test_what_a_function_made_is_held_to_its_kinds():
    assert check_made(("a", 1), (str, int), "here") == ("a", 1)
    for found, told in ((None, "NoneType"), (("a",), "str"), ((1, "a"), "int, str")):
        with pytest.raises(InputError, match=f"here gives {told}; needed: str, int"):
            check_made(found, (str, int), "here")
