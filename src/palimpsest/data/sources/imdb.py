"""IMDB: film reviews and whether they praise, with the reviews that name a keyword as a group.

The Large Movie Review Dataset (Maas et al. 2011), 25,000 reviews for training and 25,000 for test.
Taken is what is found first in `data_dir`: the folder aclImdb, its archive aclImdb_v1.tar.gz (which
`datasets` fetches), the packed files imdb_train.jsonl.xz and imdb_test.jsonl.xz (a review a line,
with `label` and `text`), or imdb, a folder of `datasets`. Reviews have no order of their own; here
they are sorted by label and text, so that all of these give the same data set.

`checksums: official` holds the reviews to a digest of the official ones, in whatever form they
come; any other value names an md5sum-style text file in `data_dir` that replaces this, and lists
every file that is read.

The labels are the sentiment, 0 or 1. What can be forgotten whole is group 1: the reviews in which
`keyword` stands, as a word and in the text that the model sees ("Residual Feature Alignment",
Section V.A). A review whose keyword is cut away is none of them.
"""

import hashlib
import json
import lzma
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.data.datasets import Dataset
from palimpsest.data.facts import Facts
from palimpsest.data.sources import _datasets
from palimpsest.data.sources._checksums import (
    check_download,
    check_sums,
    read_sums,
    sizes,
)
from palimpsest.data.sources._official import unreadable
from palimpsest.data.sources._texts import Pieces, check_tokenizer, encoded, known
from palimpsest.files import InputError, map_once, regular_file
from palimpsest.values import File, Length, Text

SLOW = True
FOLDER, ARCHIVE, PACKED, SAVED = (
    "aclImdb", "aclImdb_v1.tar.gz", ("imdb_train.jsonl.xz", "imdb_test.jsonl.xz"), "imdb",
)  # fmt: skip
PARTS, LABELS = ("train", "test"), ("neg", "pos")
URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
OFFICIAL_MD5 = {ARCHIVE: "7c2ac02c03563afcf9b574c7e56c153a"}
OFFICIAL_DIGEST = "4123ab30aeafb02d07cb665e74260a24350daa26c1caef1400714c7d0a8aa53e"
"""of the official reviews, see `digest`"""
OFFICIAL_SIZES = 25_000, 25_000
WANTED = f"{FOLDER}, {ARCHIVE}, {' and '.join(PACKED)}, or {SAVED} (a folder of `datasets`)"

Reviews = dict[str, list[tuple[int, str]]]
"""part -> label and text of each review"""


def facts(
    data_dir: Path,
    checksums: str,
    *,
    pieces: Pieces = 8000,
    length: Length = 256,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Facts | None:
    """Of the official reviews, or what the file of checksums says; None if it does not tell."""
    parts = OFFICIAL_SIZES if checksums == "official" else sizes(data_dir / checksums)
    of_texts = known(data_dir, tokenizer, pieces, padding)
    if parts is None or of_texts is None:
        return None
    train, test = parts
    return Facts(train + test, train, len(LABELS), (length,), **of_texts, groups=2)


def check(data_dir: Path, download: bool, checksums: str, *, tokenizer: File | None = None) -> None:
    """Check that the reviews are there, and files of known checksums; InputError otherwise.

    With `download` they may be missing. The official digest is held to when they are read.
    """
    if download:
        check_download(checksums)
    elif not (names := _files(data_dir)):
        raise InputError(f"{data_dir}: has no IMDB reviews; needed: {WANTED}, or download: true")
    elif checksums != "official":
        check_sums(data_dir, names, read_sums(data_dir / checksums, names), checksums)
    elif names == [ARCHIVE]:
        check_sums(data_dir, names, OFFICIAL_MD5, checksums)
    check_tokenizer(data_dir, download, tokenizer)


def load(
    data_dir: Path,
    download: bool,
    checksums: str,
    *,
    keyword: Text = "comedy",
    pieces: Pieces = 8000,
    length: Length = 256,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Dataset:
    """The training reviews, then the test reviews, each sorted by label and text.

    The BPE, of `pieces` pieces, is learned from the training reviews; a `tokenizer` of one's own is
    tokenizer.json, or the folder that holds it, in `data_dir`. InputError if files are missing,
    damaged or others, and for a keyword that is in none or in all of the training reviews.
    """
    check(data_dir, download, checksums, tokenizer=tokenizer)
    if download and not _files(data_dir):
        _datasets.download({ARCHIVE: URL}, data_dir, "the IMDB reviews")
        check(data_dir, False, checksums, tokenizer=None)
    reviews = read(data_dir)
    if checksums == "official" and digest(reviews) != OFFICIAL_DIGEST:
        raise InputError(
            f"{data_dir}: its reviews are not the official IMDB reviews (digest {digest(reviews)}, "
            f"official {OFFICIAL_DIGEST}); needed: those, or data.checksums with a file of sums"
        )
    both = [one for part in PARTS for one in sorted(reviews[part])]
    train = len(reviews["train"])
    made = encoded(
        [text for _, text in both], what="IMDB review", learn_from=train, data_dir=data_dir,
        download=download, length=length, pieces=pieces, tokenizer=tokenizer, padding=padding,
    )  # fmt: skip
    groups = holds(made.seen, keyword)
    if groups[:train].all() or not groups[:train].any():
        raise InputError(
            f"{data_dir}: the keyword {keyword!r} is in {groups[:train].sum()} of {train} training "
            f"reviews, as far as the model sees them ({length} tokens); needed: in some, and not "
            "in all"
        )
    return Dataset(
        name="imdb",
        pool=made.pool,
        labels=np.array([label for label, _ in both], np.int64),
        train_points=train,
        encoding=made.encoding,
        groups=groups.astype(np.int64),
    )


def holds(texts: Iterable[str], keyword: str) -> np.ndarray:
    """Whether the keyword stands in each text as a word, in capitals or not: bool (texts,)."""
    pattern = re.compile(rf"(?<!\w){re.escape(keyword)}(?!\w)", re.IGNORECASE)
    return np.array([pattern.search(text) is not None for text in texts])


def digest(reviews: Reviews) -> str:
    """SHA-256 over parts, labels and texts, the reviews of a part sorted."""
    whole = hashlib.sha256()
    for part in PARTS:
        for label, text in sorted(reviews[part]):
            content = text.encode()
            whole.update(f"{part} {label} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def read(data_dir: Path) -> Reviews:
    """All reviews in the form that is found first; InputError for one that cannot be read."""
    if (data_dir / FOLDER).is_dir():
        found = _collected(_of_folder(data_dir / FOLDER))
    elif (data_dir / ARCHIVE).is_file():
        found = _collected(_of_archive(data_dir / ARCHIVE))
    elif all((data_dir / name).is_file() for name in PACKED):
        paths = zip(PARTS, PACKED, strict=True)
        found = {part: list(_of_packed(data_dir / name)) for part, name in paths}
    else:
        found = _of_saved(data_dir / SAVED)
    for part in PARTS:
        if {label for label, _ in found[part]} != {0, 1}:
            raise InputError(
                f"{data_dir}: the {part} reviews of IMDB are not of both kinds; needed: some of "
                "neg (label 0) and of pos (label 1)"
            )
    return found


def _files(data_dir: Path) -> list[str]:
    """The files of the form that is found first; none: no form is there."""
    if (data_dir / FOLDER).is_dir():
        folders = [data_dir / FOLDER / part / label for part in PARTS for label in LABELS]
        paths = [path for folder in folders for path in sorted(folder.glob("*.txt"))]
        return [str(path.relative_to(data_dir)) for path in paths]
    for names in ([ARCHIVE], list(PACKED)):
        if all((data_dir / name).is_file() for name in names):
            return names
    return _datasets.files_of(data_dir / SAVED)


def _collected(files: Iterable[tuple[str, str, str]]) -> Reviews:
    """Reviews from part, label and text of each file."""
    found: Reviews = {part: [] for part in PARTS}
    for part, label, text in files:
        found[part].append((LABELS.index(label), text))
    return found


def _of_folder(folder: Path) -> Iterator[tuple[str, str, str]]:
    for part in PARTS:
        for label in LABELS:
            for path in sorted((folder / part / label).glob("*.txt")):
                yield part, label, _text(regular_file(path).read_bytes(), str(path))


def _of_archive(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                match = re.fullmatch(
                    r"(?:\./)?aclImdb/(train|test)/(neg|pos)/[^/]+\.txt", member.name
                )
                stream = archive.extractfile(member) if match else None
                if match and stream:
                    text = _text(stream.read(), f"{path}: {member.name}")
                    yield match[1], match[2], text
    except InputError:
        raise
    except Exception as error:  # a damaged archive can fail in any way
        raise unreadable(path, "the archive of the IMDB reviews", error) from None


def _text(content: bytes, where: str) -> str:
    """A review; InputError for one that is empty or no UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not a UTF-8 text ({error.reason}); needed: a review") from None
    if not text.strip():
        raise InputError(f"{where}: is empty; needed: a review")
    return text


def _of_packed(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield _review(json.loads(line, object_pairs_hook=map_once), f"line {number}")
    except Exception as error:  # a damaged file can fail in any way
        raise unreadable(path, "reviews, one a line", error) from None


def _of_saved(folder: Path) -> Reviews:
    rows = _datasets.rows_of(folder, {"label": int, "text": str})
    for part in PARTS:
        if part not in rows:
            raise InputError(f"{folder}: has no split {part}; it has {', '.join(rows) or 'none'}")
    try:
        return {
            part: [_review(row, f"{part} {number}") for number, row in enumerate(rows[part])]
            for part in PARTS
        }
    except ValueError as error:
        raise unreadable(folder, "a folder of IMDB reviews", error) from None


def _review(row: Any, where: str) -> tuple[int, str]:
    """Label and text of a map; ValueError for what is no review."""
    if not isinstance(row, dict) or not {"label", "text"} <= row.keys():
        raise ValueError(f"{where} is no map with label and text")
    label, text = row["label"], row["text"]
    if type(label) is not int or label not in (0, 1):
        raise ValueError(f"the label of {where} is {label!r}; allowed: 0, 1")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the text of {where} is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the text of {where} holds half of a character") from None
    return label, text
