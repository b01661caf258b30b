"""ELI5-Category: questions of r/explainlikeimfive with an answer, sorted by topic.

Gao, Zhou and Qiu 2021. Its four official files, eli5-category-train.json.gz and the others, are
divided by topic: nine of them are `train`, Culture is `validation-1`, Engineering is `test`, and
`validation-2` holds reposts of any topic. Needed are those that hold the chosen `categories`, in
`data_dir`, also under the names eli5_category_train.json.gz, ..._validation1..., where `datasets`
fetches them to; or eli5_category, a folder of `datasets`, which is taken where it is there.

`checksums: official` holds the files to the published SHA-256, and a folder of `datasets` to the
published numbers of questions; any other value names an md5sum-style text file in `data_dir` that
replaces these, and lists every file that is read.

"Residual Feature Alignment" (Section V.A) takes 10,000 samples of ten categories in balance and
prints no more. Here a sample is a question and its best answer, a line each, and the ten are the
topics that have a name, without "Other"; each gives as many as the others unless it has fewer
(Psychology has 338 questions, Earth Science 677). There is no official test part: questions of all
categories are drawn into both.
"""

import gzip
import json
import logging
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from palimpsest.data.datasets import Dataset
from palimpsest.data.facts import Facts
from palimpsest.data.sources import _datasets
from palimpsest.data.sources._checksums import check_download, check_sums, read_sums
from palimpsest.data.sources._official import unreadable
from palimpsest.data.sources._texts import (
    Pieces,
    check_tokenizer,
    encoded,
    in_hash_order,
    known,
)
from palimpsest.files import InputError, SettingError, regular_file
from palimpsest.values import Count, File, Length, Once, Text

SLOW = True
SAVED = "eli5_category"
URL = "https://jingshensn2.github.io/eli5c/datasets/"
OFFICIAL_SHA256 = {
    "eli5-category-train.json.gz":
        "9bfbed0d20608978fde8889f6383bfb695af575c81c3a3b2ec87c644928c725b",
    "eli5-category-validation-1.json.gz":
        "4b29d4c6eae0d474b629d1e3a825a2543491afec08da0fb0bb06cd573ce718cf",
    "eli5-category-validation-2.json.gz":
        "309b7d49de11494c7c7179980f710cbcb5c9a6ebed6f0a30fe2e02dca4f10009",
    "eli5-category-test.json.gz":
        "a2f30aa666e1570adc34315de286a67a20eaede4ba82a040521a8571c05d4d7b",
}  # fmt: skip
QUESTIONS = {
    "Biology": 32_769,
    "Chemistry": 6_633,
    "Culture": 5_446,
    "Earth Science": 677,
    "Economics": 5_901,
    "Engineering": 5_411,
    "Mathematics": 1_912,
    "Other": 19_312,
    "Physics": 10_196,
    "Psychology": 338,
    "Repost": 2_375,
    "Technology": 14_034,
}
"""category -> its questions in the official files"""
_ELSEWHERE = {"Culture": "validation-1", "Repost": "validation-2", "Engineering": "test"}

Category = Literal[
    "Biology", "Chemistry", "Culture", "Earth Science", "Economics", "Engineering", "Mathematics",
    "Other", "Physics", "Psychology", "Repost", "Technology",
]  # fmt: skip
Categories = Annotated[list[Category], Field(min_length=2), Once]
TEN: list[Category] = [
    "Biology", "Chemistry", "Culture", "Earth Science", "Economics", "Engineering", "Mathematics",
    "Physics", "Psychology", "Technology",
]  # fmt: skip


def facts(
    data_dir: Path,
    checksums: str,
    *,
    categories: Categories = TEN,
    samples: Count = 10_000,
    pieces: Pieces = 8000,
    length: Length = 128,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Facts | None:
    """What the settings say; no file of questions is looked at."""
    of_texts = known(data_dir, tokenizer, pieces, padding)
    return (
        None if of_texts is None else Facts(samples, None, len(categories), (length,), **of_texts)
    )


def check(
    data_dir: Path,
    download: bool,
    checksums: str,
    *,
    categories: Categories = TEN,
    tokenizer: File | None = None,
) -> None:
    """Check that the files of the categories are there and of known checksums; InputError if not.

    With `download` they may be missing.
    """
    if download:
        check_download(checksums)
    elif names := _datasets.files_of(data_dir / SAVED):
        if checksums != "official":
            check_sums(data_dir, names, read_sums(data_dir / checksums, names), checksums)
    else:
        files = {official: _found(data_dir, official) for official in _needed(categories)}
        for official, name in files.items():
            if name is None:
                raise InputError(
                    f"{data_dir / official}: there is no such file; put the ELI5-Category files of "
                    f"{', '.join(categories)} there, or {SAVED} (a folder of `datasets`), or set "
                    "download: true"
                )
        there = {name: OFFICIAL_SHA256[official] for official, name in files.items() if name}
        if checksums != "official":
            there = read_sums(data_dir / checksums, there)
        check_sums(data_dir, [name for name in files.values() if name], there, checksums)
    check_tokenizer(data_dir, download, tokenizer)


def load(
    data_dir: Path,
    download: bool,
    checksums: str,
    *,
    categories: Categories = TEN,
    samples: Count = 10_000,
    pieces: Pieces = 8000,
    length: Length = 128,
    tokenizer: File | None = None,
    padding: Text | None = None,
) -> Dataset:
    """`samples` questions with their answers, category by category; the label is the category.

    Those of a category are taken in the order of their SHA-256, which is as good as a draw. The
    BPE, of `pieces` pieces, is learned from all of them; a `tokenizer` of one's own is
    tokenizer.json, or the folder that holds it, in `data_dir`. InputError if files are missing,
    damaged or others; SettingError for more samples than there are.
    """
    check(data_dir, download, checksums, categories=categories, tokenizer=tokenizer)
    if download and not _datasets.files_of(data_dir / SAVED):
        urls = {name: URL + name for name in _needed(categories) if not _found(data_dir, name)}
        _datasets.download(urls, data_dir, "ELI5-Category")
        check(data_dir, False, checksums, categories=categories)
    texts = read(data_dir, categories, whole=checksums == "official")
    numbers = shares({category: len(own) for category, own in texts.items()}, samples)
    logging.info("samples: %s", ", ".join(f"{name} {n}" for name, n in numbers.items()))
    made = encoded(
        [text for category in categories for text in texts[category][: numbers[category]]],
        what="ELI5 sample", learn_from=None, data_dir=data_dir, download=download, length=length,
        pieces=pieces, tokenizer=tokenizer, padding=padding,
    )  # fmt: skip
    return Dataset(
        name="eli5",
        pool=made.pool,
        labels=np.repeat(np.arange(len(categories)), [numbers[one] for one in categories]),
        train_points=None,
        encoding=made.encoding,
    )


def shares(there: Mapping[str, int], samples: int) -> dict[str, int]:
    """How many of `samples` each category gives: equally many, or all that it has.

    What is over goes to the largest. SettingError if they have not so many together,
    or one would give none.
    """
    if not len(there) <= samples <= sum(there.values()) or not all(there.values()):
        counts = ", ".join(f"{name} {number}" for name, number in there.items())
        found = f"is {samples}, and the categories have {sum(there.values())} ({counts})"
        raise SettingError("samples", found, "one of each at least, and no more than there are")
    given, left = dict[str, int](), samples
    for place, name in enumerate(sorted(there, key=lambda name: there[name])):
        given[name] = min(there[name], left // (len(there) - place))
        left -= given[name]
    return {name: given[name] for name in there}


def read(data_dir: Path, categories: list[Category], whole: bool) -> dict[str, list[str]]:
    """Category -> its samples, each once, in the order in which they are taken.

    `whole`: InputError unless a category has as many questions as the official files.
    """
    found: dict[str, list[str]] = {category: [] for category in categories}
    for place, question in _questions(data_dir, categories):
        if question["category"] in found:
            found[question["category"]].append(_sample(question, place))
    for category, own in found.items():
        if whole and len(own) != QUESTIONS[category]:
            raise InputError(
                f"{data_dir}: ELI5-Category has {len(own)} questions of {category}, officially "
                f"{QUESTIONS[category]}; needed: the official files, or data.checksums with a file "
                "of sums"
            )
    return {category: in_hash_order(own) for category, own in found.items()}


def _needed(categories: list[Category]) -> list[str]:
    """The official files that hold these categories."""
    parts = {_ELSEWHERE.get(category, "train") for category in categories}
    return [name for name in OFFICIAL_SHA256 if any(name.endswith(f"-{p}.json.gz") for p in parts)]


def _found(data_dir: Path, official: str) -> str | None:
    """The name under which an official file is there."""
    other = official.replace("validation-", "validation").replace("-", "_")
    return next((name for name in (official, other) if (data_dir / name).is_file()), None)


def _questions(data_dir: Path, categories: list[Category]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each question stands, and the question; InputError for what is none."""
    saved = data_dir / SAVED
    if _datasets.files_of(saved):
        columns = {"category": str, "title": str, "answers": dict}
        for split, rows in _datasets.rows_of(saved, columns).items():
            for number, row in enumerate(rows):
                yield f"{saved}: {split} {number}", row
        return
    for official in _needed(categories):
        path = regular_file(data_dir / (_found(data_dir, official) or official))
        try:
            rows = json.loads(gzip.decompress(path.read_bytes()).decode("utf-8"))
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ValueError("it holds no list of maps")
            for row in rows:
                if not {"category", "title", "answers"} <= row.keys():
                    raise ValueError("a question has no category, title or answers")
        except Exception as error:  # a damaged file can fail in any way
            raise unreadable(path, "an ELI5-Category file", error) from None
        for number, row in enumerate(rows):
            yield f"{path}: question {number}", row


def _sample(question: Mapping[str, Any], place: str) -> str:
    """The question and its answer of the highest score, the first of several; a line each."""
    title, answers = question["title"], question["answers"]
    try:
        pairs = zip(answers["text"], answers["score"], strict=True)
        given = [(text, score) for text, score in pairs if text.strip()]
        if not title.strip() or not all(type(score) is int for _, score in given):
            raise ValueError
        best, _ = max(given, key=itemgetter(1))
        f"{title}{best}".encode()  # UnicodeEncodeError, a ValueError, for half of a character
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            f"{place}: its question or its answers are empty or no text; needed: a title, and "
            "answers with text and score"
        ) from None
    return f"{title.strip()}\n{best.strip()}"
