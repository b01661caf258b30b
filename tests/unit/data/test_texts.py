"""Texts as token ids: tokenizers learned and given, cut, filled up, and read again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from some_texts import WORDS, sentence, word_level
from tokenizers import Tokenizer

from palimpsest.data.datasets import Dataset
from palimpsest.data.sources import _texts
from palimpsest.files import InputError, SettingError

ROOT = Path(__file__).parents[3]
RANDOM = np.random.default_rng(0)
TEXTS = [sentence(RANDOM, words) for words in range(3, 43)]
GIVEN = {"what": "text", "learn_from": None, "download": False, "pieces": 300, "padding": None}


def encoded(texts=TEXTS, tmp_path=Path("nowhere"), length=16, tokenizer=None, **changes):
    settings = GIVEN | {"data_dir": tmp_path, "length": length, "tokenizer": tokenizer} | changes
    return _texts.encoded(texts, **settings)


def test_a_learned_tokenizer_writes_every_text_and_reads_it_again():
    made = encoded(["ünïcode \x00 \U0001f600 <pad>", *TEXTS], length=200)
    assert (made.encoding.vocabulary, made.encoding.padding, made.encoding.cut) == (300, 0, 0)
    assert made.pool.shape == (41, 200)
    assert made.pool.dtype == np.int32
    assert made.encoding.decode(made.pool[0]) == "ünïcode \x00 \U0001f600 <pad>"
    assert [made.encoding.decode(row) for row in made.pool[1:]] == TEXTS
    Dataset("texts", made.pool, np.zeros(41, np.int64), None, made.encoding)


def test_the_data_set_on_disk_can_be_read_again(tmp_path):
    made = encoded(length=200)
    Dataset("t", made.pool, np.zeros(40, np.int64), None, made.encoding).save(tmp_path / "d.npz")
    back = Dataset.load(tmp_path / "d.npz")
    assert [back.encoding.decode(row) for row in back.pool] == TEXTS


def test_long_texts_are_cut_and_counted_and_what_is_seen_is_said():
    whole, made = encoded(length=200), encoded(length=16)
    lengths = (whole.pool != 0).sum(1)
    assert made.encoding.cut == (lengths > 16).sum() > 10
    assert np.array_equal(made.pool, whole.pool[:, :16])
    assert whole.seen == TEXTS
    for row, seen, text in zip(made.pool, made.seen, TEXTS, strict=True):
        assert text.startswith(seen)
        assert made.encoding.decode(row) == seen
    assert made.seen[0] == TEXTS[0]
    exact = encoded(length=int(lengths.max()))
    assert exact.encoding.cut == 0


LEARN = (
    "import sys; sys.path.insert(0, sys.argv[1]); from palimpsest.data.sources import _texts\n"
    "texts = sys.stdin.read().split(chr(10))\n"
    "print(_texts.learn_bpe(texts, 300, ['<|x|>']).to_str())"
)


def test_the_same_texts_give_the_same_tokenizer_in_any_process():
    found = {_texts.learn_bpe(TEXTS, 300, ["<|x|>"]).to_str()}
    for threads, seed in (("false", "1"), ("true", "2")):
        env = {**os.environ, "TOKENIZERS_PARALLELISM": threads, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", LEARN, str(ROOT / "src")], input="\n".join(TEXTS), env=env,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(done.stdout.rstrip("\n"))
    assert len(found) == 1


def test_it_is_learned_from_the_first_texts_alone():
    other = ["zzzzzz qqqqqq"] * 50
    first = encoded(TEXTS + other, learn_from=40).encoding.tokenizer
    assert first == encoded().encoding.tokenizer
    assert first != encoded(TEXTS + other).encoding.tokenizer


def test_more_pieces_than_the_texts_have_are_refused():
    with pytest.raises(SettingError, match=r"pieces is 9000; allowed: at least 257, and no more "):
        _texts.learn_bpe(TEXTS, 9000)
    with pytest.raises(SettingError, match="pieces is 258; allowed: at least 259"):
        _texts.learn_bpe(TEXTS, 258, ["<|a|>", "<|b|>"])


def test_own_words_stay_whole():
    made = encoded([f"{text} <|package|>." for text in TEXTS], length=200, own=["<|package|>"])
    assert (made.pool == 1).sum(1).tolist() == [1] * 40


@pytest.mark.parametrize("name", ["tok/tokenizer.json", "tok"])
def test_a_given_tokenizer_is_a_file_or_its_folder(tmp_path, name):
    word_level(tmp_path / "tok" / "tokenizer.json", ("[PAD]",))
    made = encoded(tmp_path=tmp_path, tokenizer=name)
    assert made.encoding.padding == len(WORDS) + 1
    assert made.encoding.vocabulary == len(WORDS) + 2
    assert made.encoding.decode(made.pool[2]) == TEXTS[2]
    assert (made.pool[0, 3:] == made.encoding.padding).all()
    found = _texts.known(tmp_path, name, 8000, None)
    assert found is not None and found["vocabulary"] == len(WORDS) + 2
    learned = _texts.known(tmp_path, None, 8000, None)
    assert learned == {"vocabulary": 8000, "padding": 0}
    assert _texts.known(tmp_path, "other", 8000, None) is None
    _texts.check_tokenizer(tmp_path, False, name)


def test_tokens_around_a_text_count_and_are_kept_when_it_is_cut(tmp_path):
    word_level(tmp_path / "tokenizer.json", ("[PAD]", "[CLS]", "[SEP]"), ("[CLS]", "[SEP]"))
    made = encoded(tmp_path=tmp_path, tokenizer="tokenizer.json", length=8)
    first, last = len(WORDS) + 2, len(WORDS) + 3
    assert (made.pool[:, 0] == first).all()
    assert (made.pool == last).sum(1).tolist() == [1] * 40
    assert (made.pool[6:, 7] == last).all()
    assert made.encoding.cut == 40 - 4  # of 3 to 42 words, those of more than 6
    assert made.seen[39] == " ".join(TEXTS[39].split()[:6])
    with pytest.raises(SettingError, match="length is 2, and the tokenizer puts 2 tokens of its o"):
        encoded(tmp_path=tmp_path, tokenizer="tokenizer.json", length=2)


PADDINGS = {
    "its section": (("<|endoftext|>", "<pad>", "[MASK]"), "[MASK]", None, "[MASK]"),
    "a padding token": (("<|endoftext|>", "<pad>"), None, None, "<pad>"),
    "the end of text": (("<|endoftext|>",), None, None, "<|endoftext|>"),
    "the setting": (("<|endoftext|>", "<pad>", "[MASK]"), "<pad>", "[MASK]", "[MASK]"),
}


@pytest.mark.parametrize("case", PADDINGS)
def test_the_padding_token_is(tmp_path, case):
    special, section, setting, chosen = PADDINGS[case]
    path = word_level(tmp_path / "tokenizer.json", special)
    if section:
        tokenizer = Tokenizer.from_file(str(path))
        number = tokenizer.token_to_id(section)
        tokenizer.enable_padding(pad_id=number, pad_token=section, length=50)
        tokenizer.enable_truncation(2)
        tokenizer.save(str(path))
    made = encoded(tmp_path=tmp_path, tokenizer="tokenizer.json", padding=setting)
    expected = len(WORDS) + 1 + special.index(chosen)
    assert made.encoding.padding == made.pool[0, -1] == expected
    assert (made.pool != expected).sum(1).max() == 16  # the file's own cutting does not count
    assert json.loads(made.encoding.tokenizer)["truncation"] is None


def test_a_tokenizer_without_a_padding_token_is_refused(tmp_path):
    word_level(tmp_path / "tokenizer.json", ("[MASK]",))
    with pytest.raises(
        InputError, match=r"tokenizer\.json: has no padding token \(none of .*; nee"
    ):
        encoded(tmp_path=tmp_path, tokenizer="tokenizer.json")
    with pytest.raises(InputError, match=r"has no token '\[NO\]', which the setting padding names"):
        encoded(tmp_path=tmp_path, tokenizer="tokenizer.json", padding="[NO]")
    with pytest.raises(SettingError, match="padding is x, and a tokenizer is learned; allowed: nu"):
        encoded(padding="x")


def test_a_text_that_holds_the_padding_is_refused(tmp_path):
    word_level(tmp_path / "tokenizer.json", ("<|endoftext|>",))
    with pytest.raises(InputError, match=r"text 1 holds <\|endoftext\|>, the token that fills te"):
        encoded(["a film", "a <|endoftext|> b"], tmp_path=tmp_path, tokenizer="tokenizer.json")
    with pytest.raises(InputError, match=r"text 40 holds <\|padding\|>"):
        encoded([*TEXTS, "a <|padding|> b"])


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_refused(text):
    with pytest.raises(InputError, match="text 40 is empty; needed: a text"):
        encoded([*TEXTS, text])


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"\xff\xfe", b'{"model": 3}'])
def test_a_tokenizer_that_is_none_is_one_sentence(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    sentence = "there is no such tokenizer; put a" if content is None else "not a tokenizer.json of"
    for call in (
        lambda: _texts.check_tokenizer(tmp_path, False, "tokenizer.json"),
        lambda: encoded(tmp_path=tmp_path, tokenizer="tokenizer.json"),
    ):
        with pytest.raises(InputError, match=rf"tokenizer\.json: {sentence}") as error:
            call()
        assert "\n" not in str(error.value)
    assert _texts.known(tmp_path, "tokenizer.json", 8000, None) is None


def changed_model(path, **model):
    """A tokenizer.json with other parts of its model."""
    content = json.loads(word_level(path, ("[PAD]",)).read_text())
    content["model"] |= model
    path.write_text(json.dumps(content))


def test_a_tokenizer_of_huge_ids_is_one_sentence(tmp_path):
    changed_model(tmp_path / "tokenizer.json", vocab={"<unk>": 0, "zzz": 2147483646})
    with pytest.raises(InputError, match=r"json: has the id 2147483646; allowed: ids below 10000"):
        _texts.check_tokenizer(tmp_path, False, "tokenizer.json")


def test_a_tokenizer_that_cannot_write_a_text_is_one_sentence(tmp_path):
    changed_model(tmp_path / "tokenizer.json", vocab={"zzz": 1}, unk_token="[UNK]")
    with pytest.raises(InputError, match=r"the tokenizer cannot write the texts \(WordLevel error"):
        encoded(tmp_path=tmp_path, tokenizer="tokenizer.json")


def test_a_tokenizer_of_the_hub_is_had_once(tmp_path, monkeypatch):
    asked = []

    class Hub:
        from_str = Tokenizer.from_str

        @staticmethod
        def from_pretrained(name):
            asked.append(name)
            if name == "of/nobody":
                raise Exception("no route\nto host")
            return Tokenizer.from_file(str(word_level(tmp_path / "hub.json", ("<pad>",))))

    monkeypatch.setattr("tokenizers.Tokenizer", Hub)
    _texts.check_tokenizer(tmp_path, True, "of/someone")
    for _ in range(2):
        made = encoded(tmp_path=tmp_path, tokenizer="of/someone", download=True)
    assert asked == ["of/someone"]
    assert (tmp_path / "of" / "someone" / "tokenizer.json").is_file()
    assert made.encoding.padding == len(WORDS) + 1
    with pytest.raises(InputError, match=r"of/nobody could not be had from the .* hub: no route t"):
        encoded(tmp_path=tmp_path, tokenizer="of/nobody", download=True)


def test_the_order_of_hashes_is_that_of_sha256():
    assert _texts.in_hash_order(["b", "a", "c", "a"]) == ["c", "b", "a"]
    assert _texts.digest_of("a").startswith("ca978112ca1bbdca")
