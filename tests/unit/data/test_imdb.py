"""IMDB from tiny files in each of its forms."""

import hashlib
import io
import json
import lzma
import shutil
import tarfile

import numpy as np
import pytest
from official import sizes_line
from some_texts import sentence, word_level

from palimpsest.data.facts import Facts
from palimpsest.data.sources import _datasets, imdb
from palimpsest.files import InputError

RANDOM = np.random.default_rng(0)
REVIEWS = {
    (part, label): [
        sentence(RANDOM, 30).replace("comedy", "film") + f" {part} {label} <br /> {number} ü"
        for number in range(4)
    ]
    for part in imdb.PARTS
    for label in imdb.LABELS
}
REVIEWS["train", "neg"][1] = "Not a Comedy, " + REVIEWS["train", "neg"][1]
REVIEWS["train", "pos"][2] += " a comedy"  # its last word
REVIEWS["test", "pos"][0] = "comedy: " + REVIEWS["test", "pos"][0]
REVIEWS["test", "neg"][3] = "tragicomedy and comedyish " + REVIEWS["test", "neg"][3]
SMALL = {"pieces": 300, "length": 200}


def folder(data_dir):
    """The official folder, with the unlabelled reviews."""
    for (part, label), texts in (REVIEWS | {("train", "unsup"): ["none"]}).items():
        for number, text in enumerate(texts):
            path = (
                data_dir / "aclImdb" / part / label / f"{number}_{7 if label == 'pos' else 2}.txt"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    (data_dir / "aclImdb" / "README").write_text("of nobody")


def archive(data_dir):
    """The official archive."""
    folder(data_dir)
    with tarfile.open(data_dir / imdb.ARCHIVE, "w:gz") as made:
        made.add(data_dir / "aclImdb", "aclImdb")
    shutil.rmtree(data_dir / "aclImdb")


def rows(part):
    return [
        {"label": number, "text": text}
        for number, label in enumerate(imdb.LABELS)
        for text in REVIEWS[part, label]
    ]


def packed(data_dir):
    """A review a line."""
    for part, name in zip(imdb.PARTS, imdb.PACKED, strict=True):
        lines = [json.dumps({"id": "a", **row}, ensure_ascii=False) for row in rows(part)]
        (data_dir / name).write_bytes(lzma.compress(("\n".join(lines) + "\n").encode()))


def hub():
    """What `datasets` makes of the official reviews."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=list(imdb.LABELS))})
    parts = {part: Dataset.from_list(rows(part), features=features) for part in imdb.PARTS}
    unsupervised = Dataset.from_list([{"label": -1, "text": "none"}] * 2, features=features)
    return DatasetDict(parts | {"unsupervised": unsupervised})


def saved(data_dir):
    """A folder of save_to_disk."""
    hub().save_to_disk(str(data_dir / "imdb"))


def parquet(data_dir):
    """A copy of the hub's files."""
    target = data_dir / "imdb" / "plain_text"
    target.mkdir(parents=True)
    for part, content in hub().items():
        content.to_parquet(str(target / f"{part}-00000-of-00001.parquet"))


def converted(data_dir):
    """The hub's files as it converts them itself, in two pieces."""
    for part, content in hub().items():
        target = data_dir / "imdb" / "plain_text" / part
        target.mkdir(parents=True)
        for number in range(2):
            content.shard(2, number).to_parquet(str(target / f"{number:04}.parquet"))


FORMS = {form.__name__: form for form in (folder, archive, packed, saved, parquet, converted)}


def write_sums(data_dir):
    names = [str(one.relative_to(data_dir)) for one in sorted(data_dir.rglob("*")) if one.is_file()]
    lines = [sizes_line(8, 8, "texts")]
    lines += [f"{hashlib.md5((data_dir / n).read_bytes()).hexdigest()}  {n}" for n in names]
    (data_dir / "MD5SUMS").write_text("\n".join(lines) + "\n")


def made(data_dir, form):
    FORMS[form](data_dir)
    write_sums(data_dir)
    return data_dir


def load(data_dir, checksums="MD5SUMS", **changes):
    return imdb.load(data_dir, False, checksums, **SMALL | changes)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_reviews(tmp_path, form):
    made(tmp_path, form)
    imdb.check(tmp_path, False, "MD5SUMS")
    dataset = load(tmp_path)
    expected = [
        text
        for part in imdb.PARTS
        for label in imdb.LABELS
        for text in sorted(REVIEWS[part, label])
    ]
    assert [dataset.encoding.decode(row) for row in dataset.pool] == expected
    assert dataset.labels.tolist() == ([0] * 4 + [1] * 4) * 2
    held = [number for number, text in enumerate(expected) if "comedy" in text.lower().split()
            or "comedy," in text.lower() or "comedy:" in text]  # fmt: skip
    assert np.flatnonzero(dataset.groups).tolist() == held
    assert dataset.groups.sum() == 3
    assert (dataset.name, dataset.train_points, dataset.encoding.cut) == ("imdb", 8, 0)
    told = imdb.facts(tmp_path, "MD5SUMS", **SMALL)
    assert told == dataset.facts == Facts(16, 8, 2, (200,), 300, 0, groups=2)
    folders = tmp_path / "again"
    folders.mkdir()
    assert load(made(folders, "packed")).checksum == dataset.checksum


def test_a_keyword_that_is_cut_away_makes_no_group(tmp_path):
    made(tmp_path, "packed")
    word_level(tmp_path / "tokenizer.json", ("[PAD]",))
    dataset = load(tmp_path, length=10, tokenizer="tokenizer.json")
    assert dataset.groups.sum() == 2
    assert dataset.groups[:8].sum() == 1
    assert dataset.encoding.cut == 16
    assert load(tmp_path, length=60, tokenizer="tokenizer.json").groups.sum() == 3


def test_half_a_keyword_is_none():
    texts = ["a comedy", "a come", "tragicomedy", "Comedy.", "comedy-drama", "COMEDY_", "(comedy)"]
    assert imdb.holds(texts, "comedy").tolist() == [True, False, False, True, True, False, True]
    assert imdb.holds(["C++ is", "C is"], "c++").tolist() == [True, False]
    assert imdb.holds(["a\n good film"], "good film").all()


@pytest.mark.parametrize(("keyword", "number"), [("xyz", 0), ("br", 8), ("neg", None)])
def test_a_keyword_of_none_or_all_is_refused(tmp_path, keyword, number):
    made(tmp_path, "packed")
    if number is None:
        assert load(tmp_path, keyword=keyword).groups.sum() == 8
        return
    with pytest.raises(InputError) as error:
        load(tmp_path, keyword=keyword)
    assert str(error.value) == (
        f"{tmp_path}: the keyword {keyword!r} is in {number} of 8 training reviews, as far as the "
        "model sees them (200 tokens); needed: in some, and not in all"
    )


def test_the_tokenizer_is_learned_from_the_training_reviews(tmp_path, monkeypatch):
    made(tmp_path, "packed")
    before = load(tmp_path).encoding.tokenizer
    monkeypatch.setitem(REVIEWS, ("test", "neg"), ["zzz zzz zzz zzz"] * 4)
    assert load(made(tmp_path, "packed")).encoding.tokenizer == before
    monkeypatch.setitem(REVIEWS, ("train", "neg"), ["zzz zzz zzz zzz"] * 4)
    assert load(made(tmp_path, "packed")).encoding.tokenizer != before


# What is held to the official reviews


def test_official_reviews_are_known_by_their_content_in_every_form(tmp_path, monkeypatch):
    made(tmp_path, "packed")
    with pytest.raises(
        InputError, match=r"are not the official IMDB reviews \(digest [0-9a-f]{64}"
    ):
        load(tmp_path, "official")
    monkeypatch.setattr(imdb, "OFFICIAL_DIGEST", imdb.digest(imdb.read(tmp_path)))
    for form in FORMS:
        (tmp_path / form).mkdir()
        FORMS[form](tmp_path / form)
        if form == "archive":
            with pytest.raises(
                InputError, match=r"tar\.gz: damaged or another file \(MD5 .*, offi"
            ):
                load(tmp_path / form, "official")
        else:
            assert load(tmp_path / form, "official").train_points == 8
    monkeypatch.setitem(REVIEWS, ("test", "pos"), REVIEWS["test", "pos"][::-1])
    load(made(tmp_path, "packed"), "official")
    monkeypatch.setitem(REVIEWS, ("test", "pos"), [*REVIEWS["test", "pos"][1:], "another"])
    with pytest.raises(InputError, match="are not the official IMDB reviews"):
        load(made(tmp_path, "packed"), "official")


def test_sizes_of_the_official_reviews_and_of_unknown_ones(tmp_path):
    official = Facts(50_000, 25_000, 2, (256,), 8000, 0, groups=2)
    assert imdb.facts(tmp_path, "official") == official
    assert imdb.facts(tmp_path, "absent") is None
    assert imdb.facts(tmp_path, "official", tokenizer="none") is None


def both_refuse(data_dir, sentence, checksums="MD5SUMS"):
    for call in (lambda: imdb.check(data_dir, False, checksums), lambda: load(data_dir, checksums)):
        with pytest.raises(InputError) as error:
            call()
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_missing_and_other_files_are_named(tmp_path):
    both_refuse(
        tmp_path, "has no IMDB reviews; needed: aclImdb, aclImdb_v1.tar.gz, imdb_train.jsonl.xz"
    )
    (tmp_path / "aclImdb").mkdir()
    both_refuse(tmp_path, "has no IMDB reviews; needed: aclImdb,")
    shutil.rmtree(tmp_path / "aclImdb")
    made(tmp_path, "packed")
    both_refuse(tmp_path, "there is no such text file of checksums", "OTHER")
    (tmp_path / imdb.PACKED[1]).unlink()
    both_refuse(tmp_path, "has no IMDB reviews; needed: aclImdb,")
    made(tmp_path, "folder")
    path = tmp_path / "aclImdb" / "test" / "neg" / "1_2.txt"
    path.write_text("another")
    both_refuse(tmp_path, f"{path}: damaged or another file (MD5 ")
    path.rename(path.with_name("9_2.txt"))
    both_refuse(tmp_path, "MD5SUMS: has no checksum of aclImdb/test/neg/9_2.txt")


def test_sums_may_be_sha256(tmp_path):
    packed(tmp_path)
    content = [(hashlib.sha256((tmp_path / n).read_bytes()).hexdigest(), n) for n in imdb.PACKED]
    (tmp_path / "SUMS").write_text("".join(f"{sum_}  {name}\n" for sum_, name in content))
    assert imdb.facts(tmp_path, "SUMS") is None
    assert load(tmp_path, "SUMS").train_points == 8
    (tmp_path / "SUMS").write_text("".join(f"{'0' * 64}  {name}\n" for name in imdb.PACKED))
    both_refuse(tmp_path, "damaged or another file (SHA-256 ", "SUMS")


# What is no review


@pytest.mark.parametrize("form", ["folder", "archive"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfea", "not a UTF-8 text (invalid start byte); needed: a review"),
        (b" \n", "is empty; needed: a review"),
        (b"", "is empty; needed: a review"),
    ],
)
def test_a_file_that_is_no_review_is_named(tmp_path, form, content, sentence):
    folder(tmp_path)
    (tmp_path / "aclImdb" / "test" / "pos" / "2_7.txt").write_bytes(content)
    if form == "archive":
        with tarfile.open(tmp_path / imdb.ARCHIVE, "w:gz") as made_of:
            made_of.add(tmp_path / "aclImdb", "./aclImdb")
        shutil.rmtree(tmp_path / "aclImdb")
    write_sums(tmp_path)
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert f"aclImdb/test/pos/2_7.txt: {sentence}" in str(error.value)
    assert str(error.value).startswith(str(tmp_path))


GOOD = {"label": 0, "text": "a"}
LINES = {
    "no JSON": "label: 0",
    "a list": json.dumps([0, "a"]),
    "no label": json.dumps({"text": "a"}),
    "a label of 2": json.dumps(GOOD | {"label": 2}),
    "a label of true": json.dumps(GOOD | {"label": True}),
    "a label of text": json.dumps(GOOD | {"label": "0"}),
    "an empty text": json.dumps(GOOD | {"text": " "}),
    "no text": json.dumps({"label": 0}),
    "a number": json.dumps(GOOD | {"text": 3}),
    "half of a character": json.dumps(GOOD | {"text": "\ud800 hi"}),
    "a label twice": '{"label": 0, "label": 1, "text": "a"}',
}


@pytest.mark.parametrize("case", LINES)
def test_a_line_that_is_no_review_is_refused(tmp_path, case):
    packed(tmp_path)
    content = f"{json.dumps(GOOD)}\n{LINES[case]}\n"
    (tmp_path / imdb.PACKED[0]).write_bytes(lzma.compress(content.encode()))
    write_sums(tmp_path)
    with pytest.raises(
        InputError, match=r"train\.jsonl\.xz: not readable as reviews, one a line \("
    ):
        load(tmp_path)


def test_files_that_are_none_are_refused(tmp_path):
    for name in (*imdb.PACKED, imdb.ARCHIVE):
        (tmp_path / name).write_bytes(b"none")
        write_sums(tmp_path)
    with pytest.raises(
        InputError, match=r"tar\.gz: not readable as the archive of the IMDB review"
    ):
        load(tmp_path)
    (tmp_path / imdb.ARCHIVE).unlink()
    with pytest.raises(InputError, match=r"xz: not readable as reviews"):
        load(tmp_path)
    (tmp_path / imdb.PACKED[0]).write_bytes(lzma.compress(b"\xff\xfe\n"))
    write_sums(tmp_path)
    with pytest.raises(
        InputError, match=r"xz: not readable as reviews, one a line \('utf-8' codec"
    ):
        load(tmp_path)


def test_reviews_of_one_kind_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(REVIEWS, ("test", "pos"), [])
    with pytest.raises(InputError, match="the test reviews of IMDB are not of both kinds; needed"):
        load(made(tmp_path, "packed"))


@pytest.mark.parametrize("change", ["no split", "no column", "a label", "no parquet"])
def test_a_folder_of_datasets_that_is_another_is_refused(tmp_path, change):
    from datasets import Dataset

    target = tmp_path / "imdb"
    target.mkdir()
    for part in imdb.PARTS:
        own = rows(part)
        if change == "a label":
            own[3]["label"] = 5
        if change == "no column":
            own = [{"label": row["label"], "review": row["text"]} for row in own]
        name = "other" if change == "no split" and part == "test" else part
        Dataset.from_list(own).to_parquet(str(target / f"{name}-00000-of-00001.parquet"))
    if change == "no parquet":
        (target / "test-00000-of-00001.parquet").write_bytes(b"none")
    write_sums(tmp_path)
    sentence = {
        "no split": "has no split test; it has other, train",
        "no column": "not readable as a folder of `datasets` (it has no column text)",
        "a label": "(the label of train 3 is 5; allowed: 0, 1)",
        "no parquet": "not readable as a folder of `datasets` (",
    }[change]
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert sentence in str(error.value)
    assert str(target) in str(error.value)
    assert "\n" not in str(error.value)


# Downloads


def test_a_download_is_held_to_the_official_sum_and_made_once(tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    archive(tmp_path / "web")
    content, asked = (tmp_path / "web" / imdb.ARCHIVE).read_bytes(), []

    def download(self, urls):
        asked.append((dict(urls), self.download_config.max_retries))
        return {name: str(tmp_path / "web" / name) for name in urls}

    monkeypatch.setattr("datasets.DownloadManager.download", download)
    with pytest.raises(InputError, match=r"tar\.gz: damaged or another file \(MD5 "):
        imdb.load(tmp_path, True, "official", **SMALL)
    (tmp_path / imdb.ARCHIVE).unlink()
    monkeypatch.setitem(imdb.OFFICIAL_MD5, imdb.ARCHIVE, hashlib.md5(content).hexdigest())
    monkeypatch.setattr(imdb, "OFFICIAL_DIGEST", imdb.digest(imdb.read(tmp_path / "web")))
    for _ in range(2):
        assert imdb.load(tmp_path, True, "official", **SMALL).train_points == 8
    assert asked == [({imdb.ARCHIVE: imdb.URL}, _datasets._RETRIES)] * 2
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        imdb.check(tmp_path, True, "MD5SUMS")


def test_a_failed_download_is_one_sentence(tmp_path, monkeypatch):
    def refuse(self, urls):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("datasets.DownloadManager.download", refuse)
    imdb.check(tmp_path, True, "official")
    with pytest.raises(
        InputError, match=r"the IMDB reviews could not be had in .*: no route to hos"
    ):
        imdb.load(tmp_path, True, "official", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_with_other_members_is_read_past_them(tmp_path):
    archive(tmp_path)
    with tarfile.open(tmp_path / "more.tar.gz", "w:gz") as more:
        with tarfile.open(tmp_path / imdb.ARCHIVE) as whole:
            for member in whole:
                more.addfile(member, whole.extractfile(member) if member.isfile() else None)
        for name in ("aclImdb/train/pos/../../../evil.txt", "/aclImdb/train/pos/1.txt", "a.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            more.addfile(info, io.BytesIO(b"evil"))
    (tmp_path / "more.tar.gz").replace(tmp_path / imdb.ARCHIVE)
    found = imdb.read(tmp_path)
    assert {part: len(own) for part, own in found.items()} == {"train": 8, "test": 8}
    assert [path.name for path in tmp_path.iterdir()] == [imdb.ARCHIVE]
