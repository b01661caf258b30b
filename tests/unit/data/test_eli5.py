"""ELI5-Category from tiny files in the official form."""

import gzip
import hashlib
import json

import numpy as np
import pytest
from some_texts import sentence, word_level

from palimpsest.data.facts import Facts
from palimpsest.data.sources import eli5
from palimpsest.files import InputError, SettingError

RANDOM = np.random.default_rng(0)
FOUR = ["Earth Science", "Engineering", "Physics", "Culture"]
SMALL = {"categories": FOUR, "samples": 20, "pieces": 300, "length": 200}
MORE = {"q_id": "a", "selftext": "", "subreddit": "explainlikeimfive", "title_urls": []}


def question(category, number):
    """A question with three answers, of which the second is the best."""
    text = [f"{sentence(RANDOM, 9)} {category} {number} {which}" for which in ("a", "best", "c")]
    answers = {"a_id": ["x", "y", "z"], "text": text, "score": [3, 8, 8], "text_urls": [[], [], []]}
    return MORE | {"category": category, "title": f"Why {number} ü {category}?", "answers": answers}


PARTS = {
    "train": [
        question(category, number)
        for number in range(12)
        for category in ("Earth Science", "Physics", "Biology")
        if category != "Earth Science" or number < 3
    ],
    "validation-1": [question("Culture", number) for number in range(7)],
    "validation-2": [question("Repost", number) for number in range(7)],
    "test": [question("Engineering", number) for number in range(12)],
}
COUNTS = {"Earth Science": 3, "Engineering": 12, "Physics": 12, "Culture": 7}


def write(data_dir, parts=PARTS, names="eli5-category-{}.json.gz"):
    data_dir.mkdir(exist_ok=True)
    for part, rows in parts.items():
        content = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
        name = part if "{}" in names and "-" in names else part.replace("-", "")
        (data_dir / names.format(name)).write_bytes(gzip.compress(content, mtime=0))
    write_sums(data_dir)
    return data_dir


def write_sums(data_dir):
    names = [str(one.relative_to(data_dir)) for one in sorted(data_dir.rglob("*")) if one.is_file()]
    sums = [f"{hashlib.sha256((data_dir / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (data_dir / "SHA256SUMS").write_text("".join(sums))


def saved(data_dir):
    """A folder of save_to_disk, with the splits of the hub."""
    from datasets import Dataset, DatasetDict

    parts = {part.replace("-", ""): Dataset.from_list(rows) for part, rows in PARTS.items()}
    DatasetDict(parts).save_to_disk(str(data_dir / "eli5_category"))
    write_sums(data_dir)


def parquet(data_dir):
    """A copy of the hub's Parquet files."""
    from datasets import Dataset

    for part, rows in PARTS.items():
        target = data_dir / "eli5_category" / "default" / part.replace("-", "")
        target.mkdir(parents=True)
        Dataset.from_list(rows).to_parquet(str(target / "0000.parquet"))
    write_sums(data_dir)


FORMS = {
    "official": write,
    "other names": lambda data_dir: write(data_dir, names="eli5_category_{}.json.gz"),
    "saved": saved,
    "parquet": parquet,
}


def load(data_dir, checksums="SHA256SUMS", **changes):
    return eli5.load(data_dir, False, checksums, **SMALL | changes)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_samples(tmp_path, form):
    FORMS[form](tmp_path)
    eli5.check(tmp_path, False, "SHA256SUMS", categories=FOUR)
    dataset = load(tmp_path)
    told = eli5.facts(tmp_path, "SHA256SUMS", **SMALL)
    assert told == dataset.facts == Facts(20, None, 4, (200,), 300, 0)
    assert (dataset.name, dataset.groups, dataset.encoding.cut) == ("eli5", None, 0)
    assert np.bincount(dataset.labels).tolist() == [3, 6, 6, 5]
    asked = {
        f"{row['title']}\n{row['answers']['text'][1]}": row["category"]
        for rows in PARTS.values()
        for row in rows
    }
    found = [dataset.encoding.decode(row) for row in dataset.pool]
    assert [asked[text] for text in found] == [FOUR[label] for label in dataset.labels]
    assert len(set(found)) == 20
    assert load(write(tmp_path / "again")).checksum == dataset.checksum


def test_only_the_files_of_the_categories_are_needed(tmp_path):
    write(tmp_path, {"test": PARTS["test"], "validation-2": PARTS["validation-2"]})
    two = {"categories": ["Engineering", "Repost"], "samples": 14}
    assert np.bincount(load(tmp_path, **two).labels).tolist() == [7, 7]
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(error.value).startswith(
        f"{tmp_path}/eli5-category-train.json.gz: there is no such file; put the ELI5-Category fil"
        "es of Earth Science, Engineering, Physics, Culture there, or eli5_category"
    )


@pytest.mark.parametrize(
    ("there", "samples", "given"),
    [
        ({"a": 9, "b": 9, "c": 9}, 9, [3, 3, 3]),
        ({"a": 9, "b": 9, "c": 9}, 10, [3, 3, 4]),
        ({"a": 9, "b": 1, "c": 9}, 9, [4, 1, 4]),
        ({"a": 2, "b": 1, "c": 9}, 12, [2, 1, 9]),
        ({"a": 2, "b": 1, "c": 9}, 3, [1, 1, 1]),
        ({"Psychology": 338, "Earth Science": 677, **dict.fromkeys("abcdefgh", 5000)}, 10_000,
         [338, 677, 1123, 1123, 1123, 1123, 1123, 1123, 1123, 1124]),
    ],
)  # fmt: skip
def test_categories_give_as_many_as_each_other_or_all_they_have(there, samples, given):
    assert list(eli5.shares(there, samples).values()) == given
    assert sum(given) == samples


@pytest.mark.parametrize("samples", [3, 35])
def test_more_samples_than_there_are_and_fewer_than_categories(tmp_path, samples):
    write(tmp_path)
    with pytest.raises(SettingError) as error:
        load(tmp_path, samples=samples)
    assert str(error.value) == (
        f"samples is {samples}, and the categories have 34 (Earth Science 3, Engineering 12, "
        "Physics 12, Culture 7); allowed: one of each at least, and no more than there are"
    )


def test_a_question_that_stands_twice_is_one_sample(tmp_path):
    parts = PARTS | {"test": [*PARTS["test"], PARTS["test"][0]]}
    assert np.bincount(load(write(tmp_path, parts), samples=34).labels).tolist() == [3, 12, 12, 7]


def test_what_is_taken_does_not_hang_on_the_order_of_the_file(tmp_path):
    checksum = load(write(tmp_path)).checksum
    assert load(write(tmp_path, {part: rows[::-1] for part, rows in PARTS.items()})).checksum == (
        checksum
    )


def test_official_files_are_known_by_their_sums(tmp_path, monkeypatch):
    write(tmp_path)
    with pytest.raises(
        InputError, match=r"train\.json\.gz: damaged or another file \(SHA-256 .*of"
    ):
        load(tmp_path, "official")
    for name in eli5.OFFICIAL_SHA256:
        own = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        monkeypatch.setitem(eli5.OFFICIAL_SHA256, name, own)
    for name, number in COUNTS.items():
        monkeypatch.setitem(eli5.QUESTIONS, name, number)
    checksum = load(tmp_path, "official").checksum
    saved(tmp_path)
    assert load(tmp_path, "official").checksum == checksum
    monkeypatch.setitem(eli5.QUESTIONS, "Culture", 8)
    with pytest.raises(
        InputError, match="has 7 questions of Culture, officially 8; needed: the of"
    ):
        load(tmp_path, "official")
    write_sums(tmp_path)
    assert load(tmp_path).checksum == checksum


def test_the_ten_categories_and_their_sizes():
    assert sum(eli5.QUESTIONS.values()) == 91_772 + 5_446 + 2_375 + 5_411
    assert len(eli5.TEN) == 10
    assert set(eli5.QUESTIONS) - set(eli5.TEN) == {"Other", "Repost"}
    there = {name: eli5.QUESTIONS[name] for name in eli5.TEN}
    assert sorted(eli5.shares(there, 10_000).values())[:3] == [338, 677, 1123]
    assert eli5._needed(eli5.TEN) == [n for n in eli5.OFFICIAL_SHA256 if "validation-2" not in n]


def test_facts_without_files(tmp_path):
    assert eli5.facts(tmp_path, "official") == Facts(10_000, None, 10, (128,), 8000, 0)
    assert eli5.facts(tmp_path, "official", tokenizer="mine") is None
    word_level(tmp_path / "mine" / "tokenizer.json", ("<|endoftext|>",))
    dataset = load(write(tmp_path), tokenizer="mine", length=5)
    settings = {"categories": FOUR, "samples": 20, "length": 5, "tokenizer": "mine"}
    assert dataset.facts == eli5.facts(tmp_path, "", **settings)
    assert dataset.encoding.cut == 20


def both_refuse(data_dir, sentence, checksums="SHA256SUMS"):
    check = {"categories": FOUR}
    for call in (
        lambda: eli5.check(data_dir, False, checksums, **check),
        lambda: load(data_dir, checksums),
    ):
        with pytest.raises(InputError) as error:
            call()
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_other_files_are_named(tmp_path):
    write(tmp_path)
    both_refuse(tmp_path, "OTHER: there is no such text file of checksums", "OTHER")
    path = tmp_path / "eli5-category-test.json.gz"
    path.write_bytes(path.read_bytes()[:-1])
    both_refuse(tmp_path, f"{path}: damaged or another file (SHA-256 ")
    (tmp_path / "SHA256SUMS").write_text("none")
    both_refuse(tmp_path, "SHA256SUMS: has no checksum of eli5-category-train.json.gz")


CONTENTS = {
    "no JSON": b"[",
    "no UTF-8": b'["\xff"]',
    "a map": b"{}",
    "a list of texts": b'["a"]',
    "no category": json.dumps([{"title": "a", "answers": {}}]).encode(),
    "no answers": json.dumps([{"title": "a", "category": "Physics"}]).encode(),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_files_of_another_content_are_refused(tmp_path, case):
    write(tmp_path, PARTS | {"train": CONTENTS[case]})
    with pytest.raises(
        InputError, match=r"train\.json\.gz: not readable as an ELI5-Category file \("
    ) as error:
        load(tmp_path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_packed_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "eli5-category-test.json.gz").write_bytes(b"[]")
    write_sums(tmp_path)
    with pytest.raises(InputError, match=r"test\.json\.gz: not readable as an ELI5-Category file"):
        load(tmp_path)


ANSWERS = PARTS["test"][5]["answers"]
QUESTIONS = {
    "an empty title": {"title": " "},
    "a title of null": {"title": None},
    "no answer": {"answers": {"text": [], "score": []}},
    "empty answers": {"answers": {"text": ["", " "], "score": [1, 2]}},
    "no scores": {"answers": {"text": ["a"]}},
    "too few scores": {"answers": ANSWERS | {"score": [1]}},
    "a list of answers": {"answers": ["a"]},
    "answers that are no text": {"answers": {"text": [1], "score": [1]}},
    "scores that are none": {"answers": {"text": ["a", "b"], "score": ["x", 1]}},
    "a score of text": {"answers": {"text": ["a"], "score": ["high"]}},
    "a score of NaN": {"answers": {"text": ["a", "b"], "score": [float("nan"), 1]}},
    "half of a character": {"title": "\ud800"},
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_a_question_without_words_is_named(tmp_path, case):
    rows = [*PARTS["test"][:5], PARTS["test"][5] | QUESTIONS[case], *PARTS["test"][6:]]
    write(tmp_path, PARTS | {"test": rows})
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/eli5-category-test.json.gz: question 5: its question or its answers are empty "
        "or no text; needed: a title, and answers with text and score"
    )


def test_the_best_answer_that_is_not_empty_is_taken(tmp_path):
    answers = {"text": ["worst", " ", "good", "as good"], "score": [1, 99, 7, 7]}
    rows = [*PARTS["test"][:5], PARTS["test"][5] | {"title": " Why? ", "answers": answers}]
    write(tmp_path, PARTS | {"test": rows})
    dataset = load(tmp_path, samples=24)
    texts = [dataset.encoding.decode(row) for row in dataset.pool]
    assert texts.count("Why?\ngood") == 1


def test_a_download_of_what_is_missing(tmp_path, monkeypatch):
    write(tmp_path / "web")
    for name in eli5.OFFICIAL_SHA256:
        own = hashlib.sha256((tmp_path / "web" / name).read_bytes()).hexdigest()
        monkeypatch.setitem(eli5.OFFICIAL_SHA256, name, own)
    for name, number in COUNTS.items():
        monkeypatch.setitem(eli5.QUESTIONS, name, number)
    asked = []

    def download(self, urls):
        asked.extend(urls.values())
        return {name: str(tmp_path / "web" / name) for name in urls}

    monkeypatch.setattr("datasets.DownloadManager.download", download)
    data = write(tmp_path / "data", {"test": PARTS["test"]}, "eli5_category_{}.json.gz")
    eli5.check(data, True, "official", categories=FOUR)
    for _ in range(2):
        dataset = eli5.load(data, True, "official", **SMALL)
    assert dataset.checksum == load(tmp_path / "web").checksum
    assert asked == [
        eli5.URL + f"eli5-category-{part}.json.gz" for part in ("train", "validation-1")
    ]
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        eli5.check(data, True, "SHA256SUMS")
