"""What the sources of texts share: a tokenizer, learned or given, and texts as ids of one length.

A learned tokenizer is a byte-level BPE (Sennrich et al. 2016; Radford et al. 2019): every text can
be written in it. The data set keeps its tokenizer, so whoever has the ids has the texts
(`Tokens.decode`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from palimpsest.data.datasets import Tokens
from palimpsest.files import InputError, SettingError, atomic_path, one_line, read_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
PADDING = "<|padding|>"
"""the padding token of a learned tokenizer: its id is 0"""
_PADDINGS = (PADDING, "<pad>", "[PAD]", "<|pad|>")
_ENDS = ("<|endoftext|>", "</s>", "<eos>")
_BYTES = 256
_LARGEST = 1_000_000
"""ids of a vocabulary; a model has a row of weights for each"""
_AT_ONCE = 1000  # texts that are cut into tokens together: their offsets take memory

Pieces = Annotated[int, Field(ge=_BYTES + 2, le=_LARGEST)]
"""size of a learned vocabulary: 256 bytes, the padding, and what is put together from them"""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as a data set holds them."""

    pool: np.ndarray
    """int32 (texts, length): ids, filled up with padding"""
    encoding: Tokens
    seen: list[str]
    """the beginning of each text that its ids stand for"""


def learn_bpe(texts: Iterable[str], pieces: int, own: Sequence[str] = ()) -> Tokenizer:
    """A byte-level BPE of `pieces` pieces from `texts`; `own` are words that it keeps whole.

    The same texts give the same tokenizer. SettingError where they have not so many pieces.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=[PADDING, *own],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != pieces:
        there = tokenizer.get_vocab_size()
        allowed = f"at least {_BYTES + 1 + len(own)}, and no more than the texts have: {there}"
        raise SettingError("pieces", f"is {pieces}", allowed)
    return tokenizer


def tokenizer_file(data_dir: Path, tokenizer: str) -> Path:
    """The file of a given tokenizer: itself, or tokenizer.json in the folder of this name."""
    path = data_dir / tokenizer
    return path / FILE if path.is_dir() or path.suffix != ".json" else path


def check_tokenizer(data_dir: Path, download: bool, tokenizer: str | None) -> None:
    """InputError for a given tokenizer that is not there, or is none."""
    if tokenizer is None:
        return
    path = tokenizer_file(data_dir, tokenizer)
    if path.is_file():
        read_tokenizer(path)
    elif not download:
        raise InputError(
            f"{path}: there is no such tokenizer; put a {FILE} there, or set tokenizer: null to "
            "learn one, or download: true for one of the Hugging Face hub"
        )


def have_tokenizer(data_dir: Path, download: bool, tokenizer: str) -> Path:
    """The file of a given tokenizer; with `download` a missing one comes from the hub first."""
    path = tokenizer_file(data_dir, tokenizer)
    if not path.is_file() and download:
        from tokenizers import Tokenizer

        try:
            text = Tokenizer.from_pretrained(tokenizer).to_str()
        except Exception as error:  # the library raises plain Exception
            raise InputError(
                f"the tokenizer {tokenizer} could not be had from the Hugging Face hub: "
                f"{one_line(error)}"
            ) from None
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    check_tokenizer(data_dir, False, tokenizer)
    return path


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json; InputError for what is none, and for an id that no model
    has room for."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(read_text(path, "tokenizer"))
    except InputError:
        raise
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{path}: not a {FILE} of tokenizers ({one_line(error)})") from None
    if vocabulary_of(tokenizer) > _LARGEST:
        raise InputError(
            f"{path}: has the id {vocabulary_of(tokenizer) - 1}; allowed: ids below {_LARGEST}"
        )
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> int:
    """Number of ids: one more than the largest."""
    return int(max(tokenizer.get_vocab(with_added_tokens=True).values())) + 1


def padding_of(tokenizer: Tokenizer, padding: str | None, where: Path) -> int:
    """The id that fills texts up: of the token `padding`, or of the tokenizer's own choice.

    That is the token of its section "padding", one that is called so (<pad>, [PAD]), or, as is
    usual with GPT-2, which has none, its end of text: no text holds it (`encode` sees to that).
    InputError where there is none of these, or no token `padding`.
    """
    own = (tokenizer.padding or {}).get("pad_token")
    for name in (padding,) if padding is not None else (own, *_PADDINGS, *_ENDS):
        found = None if name is None else tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    if padding is not None:
        raise InputError(
            f"{where}: has no token {padding!r}, which the setting padding names; needed: one of "
            "its tokens"
        )
    raise InputError(
        f"{where}: has no padding token (none of {', '.join((*_PADDINGS, *_ENDS))}); needed: the "
        "setting padding, with the token that is to fill texts up"
    )


def known(
    data_dir: Path, tokenizer: str | None, pieces: int, padding: str | None
) -> dict[str, int] | None:
    """Vocabulary and padding before anything is loaded; None where the tokenizer is not there."""
    if tokenizer is None:
        return {"vocabulary": pieces, "padding": 0}
    try:
        path = tokenizer_file(data_dir, tokenizer)
        own = read_tokenizer(path)
        return {"vocabulary": vocabulary_of(own), "padding": padding_of(own, padding, path)}
    except InputError:
        return None


def encode(
    texts: Sequence[str], tokenizer: Tokenizer, *, length: int, padding: int, what: str
) -> Encoded:
    """`texts` as ids, cut to `length` and filled up; `what` they are, for sentences.

    Tokens that the tokenizer puts around a text ([CLS], say) count. InputError for a text that is
    empty, or that holds the padding.
    """
    tokenizer.no_padding()
    tokenizer.no_truncation()
    kept, own = tokenizer.to_str(), tokenizer.num_special_tokens_to_add(False)
    if length <= own:
        found = f"is {length}, and the tokenizer puts {own} tokens of its own around a text"
        raise SettingError("length", found, f"more than {own}")
    tokenizer.enable_truncation(length)
    pool = np.full((len(texts), length), padding, np.int32)
    seen, cut = [], 0
    for number, text, one in _each(tokenizer, texts):
        if not text.strip() or len(one.ids) <= own:
            raise InputError(f"{what} {number} is empty; needed: a text")
        if padding in one.ids:
            token = tokenizer.id_to_token(padding)
            raise InputError(
                f"{what} {number} holds {token}, the token that fills texts up; needed: another "
                "token for the setting padding, or a text without it"
            )
        pool[number, : len(one.ids)] = one.ids
        seen.append(text[: max(end for _, end in one.offsets)] if one.overflowing else text)
        cut += bool(one.overflowing)
    tokens = Tokens(vocabulary_of(tokenizer), padding, cut=cut, tokenizer=kept)
    return Encoded(pool, tokens, seen)


def _each(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[tuple[int, str, Any]]:
    """Number, text and tokens of each text."""
    for start in range(0, len(texts), _AT_ONCE):
        part = list(texts[start : start + _AT_ONCE])
        try:
            written = tokenizer.encode_batch(part)
        except Exception as error:  # the library raises plain Exception
            raise InputError(
                f"the tokenizer cannot write the texts ({one_line(error)}); needed: one that can, "
                "with a token for what it does not know"
            ) from None
        for number, (text, one) in enumerate(zip(part, written, strict=True), start):
            yield number, text, one


def encoded(
    texts: Sequence[str],
    *,
    what: str,
    learn_from: int | None,
    data_dir: Path,
    download: bool,
    length: int,
    pieces: int,
    tokenizer: str | None,
    padding: str | None,
    own: Sequence[str] = (),
) -> Encoded:
    """`texts` by the given tokenizer, or (null) by one learned from the first `learn_from`."""
    if tokenizer is None:
        if padding is not None:
            raise SettingError("padding", f"is {padding}, and a tokenizer is learned", "null")
        used: Tokenizer = learn_bpe(texts[:learn_from], pieces, own)
        number = 0
    else:
        path = have_tokenizer(data_dir, download, tokenizer)
        used = read_tokenizer(path)
        number = padding_of(used, padding, path)
    return encode(texts, used, length=length, padding=number, what=what)


def in_hash_order(texts: Iterable[str]) -> list[str]:
    """`texts`, each once, in the order of their SHA-256: the same everywhere, and like a draw."""
    return sorted(set(texts), key=digest_of)


def digest_of(text: str) -> str:
    """SHA-256 of a text's UTF-8, as hexadecimal text."""
    return hashlib.sha256(text.encode()).hexdigest()
