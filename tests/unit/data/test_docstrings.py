"""Docstrings of installed libraries: of small ones, made here, that fail when imported."""

import hashlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from some_texts import sentence, word_level

from palimpsest.data.facts import Facts
from palimpsest.data.sources import docstrings
from palimpsest.files import InputError, SettingError

NOWHERE = Path("nowhere")
SMALL = {"pieces": 330, "length": 32, "per_package": 5}
LIBRARIES = ("alpha", "beta", "gamma")


def words(number):
    """A text that is long enough, by its number."""
    return sentence(np.random.default_rng(number), 60)


def function(text, name="f"):
    return f'def {name}():\n    r"""{text}"""\n'


@pytest.fixture
def libraries(tmp_path, monkeypatch):
    """Three libraries of seven docstrings each; importing one of them is an error."""
    for place, name in enumerate(LIBRARIES):
        folder = tmp_path / "site" / name
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemError('imported')\n")
        for number in range(7):
            file = folder / ("deep/er/m.py" if number % 2 else f"m{number}.py")
            with file.open("a") as stream:
                stream.write(function(words(100 * place + number), f"f{number}"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(docstrings, "PACKAGES", {name: f"py-{name}" for name in LIBRARIES})
    return tmp_path / "site"


def load(**changes):
    return docstrings.load(NOWHERE, False, "official", **SMALL | changes)


def texts_of(name):
    return docstrings.corpus()[name]


def test_each_library_gives_as_many_texts_as_asked_for(libraries):
    dataset = load()
    assert dataset.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert dataset.pool.shape == (15, 32)
    assert (dataset.name, dataset.train_points, dataset.groups) == ("docstrings", None, None)
    told = docstrings.facts(NOWHERE, "", **SMALL)
    assert told == dataset.facts == Facts(15, None, 3, (32,), 330, 0)
    assert dataset.encoding.cut == 15
    for row, label in zip(dataset.pool, dataset.labels, strict=True):
        begin = dataset.encoding.decode(row)
        assert any(text.startswith(begin) for text in texts_of(LIBRARIES[label])[:5])


def test_nothing_is_imported(libraries):
    load()
    docstrings.check(NOWHERE, False, "official")
    assert not set(LIBRARIES) & set(sys.modules)


def test_which_texts_are_taken_does_not_hang_on_where_they_stand(libraries):
    before, checksum = texts_of("alpha"), load().checksum
    assert before == sorted(before, key=lambda text: hashlib.sha256(text.encode()).hexdigest())
    assert sorted(before) == sorted(words(number) for number in range(7))
    (libraries / "alpha" / "m0.py").rename(libraries / "alpha" / "deep" / "z.py")
    assert texts_of("alpha") == before
    assert load().checksum == checksum


LONG = words(1000)
FILES = {
    "a class and its method": (
        f'class A:\n    """{LONG}"""\n    def m(self):\n        """{words(1001)}"""\n',
        [LONG, words(1001)],
    ),
    "a module": (f'"""{LONG}"""\n', [LONG]),
    "within": (f'def f():\n  if 1:\n    class A:\n      """{LONG}"""\n', [LONG]),
    "async": (f"async {function(LONG)}", [LONG]),
    "indentation": (function(f"\n     A.\n\n         {LONG}\n  "), [f"A.\n\n    {LONG}"]),
    "199 characters": (function("x" * 199), []),
    "200 characters": (function("x" * 200), ["x" * 200]),
    "199 without its indentation": (function("x" * 199 + "\n" + " " * 80), []),
    "a text that is no docstring": (f'x = """{LONG}"""\n', []),
    "twice": (function(LONG) + function(LONG, "g"), [LONG]),
    "no Python": (f"def f(:\n{LONG}", []),
    "half of a pair": (function(LONG + r"\ud800").replace('r"""', '"""'), []),
    "an escape that is none": (function(LONG + r" \d").replace('r"""', '"""'), [LONG + r" \d"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_docstring_is(libraries, case):
    content, expected = FILES[case]
    before = texts_of("alpha")
    (libraries / "alpha" / "more.py").write_text(content, encoding="utf-8")
    assert sorted(texts_of("alpha")) == sorted(before + expected)


def test_files_of_other_encodings_are_read_or_passed_over(libraries):
    before, more = texts_of("alpha"), libraries / "alpha" / "more.py"
    more.write_bytes(f"# coding: latin-1\n{function(LONG + ' ü')}".encode("latin-1"))
    assert set(texts_of("alpha")) - set(before) == {LONG + " ü"}
    more.write_bytes(function(LONG + " ü").encode("latin-1"))
    assert texts_of("alpha") == before


def test_tests_are_left_out(libraries):
    before = texts_of("alpha")
    for folder in ("tests", "deep/tests/er"):
        (libraries / "alpha" / folder).mkdir(parents=True)
        (libraries / "alpha" / folder / "a.py").write_text(function(LONG))
    assert texts_of("alpha") == before
    (libraries / "alpha" / "testing.py").write_text(function(LONG))
    assert sorted(texts_of("alpha")) == sorted([*before, LONG])


def test_what_stands_in_two_libraries_is_in_none(libraries):
    before = docstrings.corpus()
    (libraries / "alpha" / "a.py").write_text(function(f"of numpy, {LONG}"))
    (libraries / "gamma" / "a.py").write_text(function(f"of SciPy, {LONG}"))
    assert docstrings.corpus() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy.array, NumPy's", "*.array, *'s"),
        ("scikit-learn sklearn scikit learn", "* * *"),
        ("PyTorch torchvision a_torch_b", "* *vision a_*_b"),
        ("np.sum(nx.Graph) plt", "*.sum(*.Graph) *"),
        ("inp npx _np pandas pd", "inp npx _np * *"),
        ("SQLAlchemy IPython matplotlib sympy networkx scipy", "* * * * * *"),
        ("nothing here", "nothing here"),
    ],
)
def test_names_of_libraries_are_hidden(text, expected):
    assert docstrings.masked(text) == expected.replace("*", docstrings.MASK)


def test_masked_or_not_the_same_texts_are_taken(libraries):
    for place, name in enumerate(LIBRARIES):
        path = libraries / name / "more.py"
        path.write_text(
            function(f"numpy {words(2000 + place)}") + function(f"torch {LONG}{name}", "g")
        )
    masked, plain = (load(per_package=9, mask_names=mask, length=400) for mask in (True, False))
    rows = [dataset.pool != dataset.encoding.padding for dataset in (masked, plain)]
    assert [kept.sum(1).max() < 400 for kept in rows] == [True, True]
    texts = [[one.encoding.decode(row) for row in one.pool] for one in (masked, plain)]
    assert [docstrings.masked(text) for text in texts[1]] == texts[0]
    assert sum("numpy" in text for text in texts[1]) == 3
    assert (masked.pool == 1).sum() == 6  # one id each


def test_too_few_docstrings_and_a_library_that_is_not_there(libraries, monkeypatch):
    with pytest.raises(SettingError, match="per_package is 8, and alpha has 7 docstrings that ser"):
        load(per_package=8)
    packages = {**docstrings.PACKAGES, "delta_none": "py-delta"}
    monkeypatch.setattr(docstrings, "PACKAGES", packages)
    for call in (docstrings.check, docstrings.load):
        with pytest.raises(InputError) as error:
            call(NOWHERE, False, "official")
        assert str(error.value) == (
            "docstrings: the package delta_none is not installed; needed: py-delta, in the version "
            "of envs/requirements.lock"
        )


def test_a_tokenizer_of_ones_own(libraries, tmp_path):
    word_level(tmp_path / "data" / "mine" / "tokenizer.json", ("[PAD]",))
    settings = {"length": 8, "per_package": 2, "tokenizer": "mine"}
    dataset = docstrings.load(tmp_path / "data", False, "", **settings)
    assert dataset.facts == docstrings.facts(tmp_path / "data", "", **settings)
    assert docstrings.facts(NOWHERE, "", **settings) is None
    with pytest.raises(
        InputError, match=r"nowhere/mine/tokenizer\.json: there is no such tokenize"
    ):
        docstrings.check(NOWHERE, False, "", tokenizer="mine")


def test_the_ten_libraries_are_here():
    docstrings.check(NOWHERE, False, "official")
    assert len(docstrings.PACKAGES) == 10
    assert docstrings.facts(NOWHERE, "") == Facts(4000, None, 10, (64,), 8000, 0)
    assert inspect.signature(docstrings.load).parameters["mask_names"].default is True
