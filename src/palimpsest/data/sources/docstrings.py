"""Docstrings of ten libraries that the project installs anyway: real English, no download.

The label of a text is its library. The libraries are read from their source files by `ast`; nothing
of them is imported or run. A text is a docstring of a module, class or function, of 200 characters
or more once its indentation is taken away. Tests are left out, which some distributions of a
library lack, and so are texts that stand in two libraries (one holds a copy of a part of the
other). Of the others each library gives those whose SHA-256 is smallest: as good as a draw, so that
no module is preferred, and the same on every machine with the same versions, which the lock fixes.
A scan takes some 40 s of one core, so a run makes its data set once.

With `mask_names` the names of the ten libraries, and what they are usually imported as, become one
word, which a learned tokenizer keeps whole. Both ways the same texts are taken, and no two of them
differ in names alone. Masked or not, a bag of words tells most libraries by their habits
(`data.bag_of_words`): its accuracy belongs beside a model's.

The BPE is learned from all texts of the pool, those that are held out or forgotten included: the
split is drawn later, and one tokenizer serves originals and oracles alike. It sees no labels, but
which words are written as one piece does depend on held-out and forgotten texts. A few texts begin
alike for as long as the model reads, so a validation text may be a training text to it (28 of 4,000
at 64 tokens).
"""

import ast
import importlib.util
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.facts import Facts
from palimpsest.data.sources._texts import (
    Pieces,
    check_tokenizer,
    digest_of,
    encoded,
    in_hash_order,
    known,
)
from palimpsest.files import InputError, SettingError
from palimpsest.values import Count, File, Length, Text

SLOW = True
PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "pandas": "pandas",
    "torch": "torch",
    "matplotlib": "matplotlib",
    "networkx": "networkx",
    "sympy": "sympy",
    "sqlalchemy": "sqlalchemy",
    "IPython": "ipython",
}
"""name to import -> name to install; the place of a package is its label"""
SHORTEST = 200
"""characters of a docstring"""
MASK = "<|package|>"
_NAMES = re.compile(
    r"numpy|scipy|scikit[-_ ]?learn|sklearn|pandas|pytorch|torch|matplotlib|networkx|sympy"
    r"|sqlalchemy|ipython|\b(?:np|pd|plt|mpl|nx)\b",
    re.IGNORECASE,
)


def facts(
    data_dir: Path,
    checksums: str,
    *,
    pieces: Pieces = 8000,
    length: Length = 64,
    per_package: Count = 400,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Facts | None:
    """What the settings say; no library is looked at."""
    of_texts = known(data_dir, tokenizer, pieces, padding)
    points = len(PACKAGES) * per_package
    return None if of_texts is None else Facts(points, None, len(PACKAGES), (length,), **of_texts)


def check(data_dir: Path, download: bool, checksums: str, *, tokenizer: File | None = None) -> None:
    """InputError for a library that is not installed, or a tokenizer that is not there."""
    for package in PACKAGES:
        _folder(package)
    check_tokenizer(data_dir, download, tokenizer)


def load(
    data_dir: Path,
    download: bool,
    checksums: str,
    *,
    pieces: Pieces = 8000,
    length: Length = 64,
    per_package: Count = 400,
    mask_names: bool = True,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Dataset:
    """`per_package` texts of each library, library by library.

    `pieces` is the size of the vocabulary learned; a `tokenizer` of one's own is tokenizer.json, or
    the folder that holds it, in `data_dir`. InputError if a library is not installed; SettingError
    if one has not so many texts.
    """
    check(data_dir, download, checksums, tokenizer=tokenizer)
    texts: list[str] = []
    for package, own in corpus().items():
        if len(own) < per_package:
            found = f"is {per_package}, and {package} has {len(own)} docstrings that serve"
            raise SettingError("per_package", found, "as many as each library has, or fewer")
        logging.info("%s %s: %d docstrings", package, _version(package), len(own))
        texts += [masked(text) if mask_names else text for text in own[:per_package]]
    made = encoded(
        texts, what="docstring", learn_from=None, data_dir=data_dir, download=download,
        length=length, pieces=pieces, tokenizer=tokenizer, padding=padding,
        own=[MASK] if mask_names else [],
    )  # fmt: skip
    return Dataset(
        name="docstrings",
        pool=made.pool,
        labels=np.repeat(np.arange(len(PACKAGES)), per_package),
        train_points=None,
        encoding=made.encoding,
    )


def masked(text: str) -> str:
    """The text with one token in place of each name of one of the libraries."""
    return _NAMES.sub(MASK, text)


def corpus() -> dict[str, list[str]]:
    """Library -> its texts, unmasked, in the order in which they are taken."""
    found = {package: dict[str, str]() for package in PACKAGES}  # text with names masked -> text
    for package, own in found.items():
        for text in sorted(_docstrings(_folder(package)), key=digest_of):
            own.setdefault(masked(text), text)
    everywhere = [text for own in found.values() for text in own]
    twice = {text for text, number in Counter(everywhere).items() if number > 1}
    return {
        package: in_hash_order(own[text] for text in own if text not in twice)
        for package, own in found.items()
    }


def _folder(package: str) -> Path:
    """Where a library's source files are; it is not imported."""
    spec = importlib.util.find_spec(package)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    if not places:
        raise InputError(
            f"docstrings: the package {package} is not installed; needed: {PACKAGES[package]}, in "
            "the version of envs/requirements.lock"
        )
    return Path(places[0])


def _version(package: str) -> str:
    """The installed version of a library, or what is known of it."""
    try:
        return version(PACKAGES[package])
    except PackageNotFoundError:
        return "of unknown version"


def _docstrings(folder: Path) -> Iterator[str]:
    """The docstrings of a library that are long enough; a file that cannot be read has none."""
    for path in sorted(folder.rglob("*.py")):
        if "tests" in path.relative_to(folder).parts:
            continue
        try:
            with warnings.catch_warnings(action="ignore"):  # of escapes that are none
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:  # another Python's, or no UTF-8
            logging.info("%s: not read (%s)", path, error)
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = (ast.get_docstring(node) or "").strip()
                if len(text) >= SHORTEST and _is_unicode(text):
                    yield text


def _is_unicode(text: str) -> bool:
    """Whether a text can be written: a lone half of a surrogate pair cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
