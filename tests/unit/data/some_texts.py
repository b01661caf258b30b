"""Texts, and tokenizers in the forms of other people's, for the tests of the sources of texts."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

WORDS = [
    "the", "a", "film", "plot", "array", "graph", "sum", "of", "to", "and", "row", "good", "bad",
    "long", "short", "comedy", "value", "number", "returns", "given", "each", "other", "axis",
    "seen", "never", "again", "it", "is", "was",
]  # fmt: skip


def sentence(random: np.random.Generator, words: int) -> str:
    """Some words, drawn."""
    return " ".join(random.choice(WORDS, words))


def word_level(path: Path, special: tuple[str, ...], around: tuple[str, str] | None = None) -> Path:
    """A tokenizer.json that knows WORDS and these special tokens, the last ids."""
    vocabulary = {word: number for number, word in enumerate(["<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(special))
    if around:
        first, last = around
        ids = [(name, tokenizer.token_to_id(name)) for name in around]
        tokenizer.post_processor = processors.TemplateProcessing(f"{first} $0 {last}", None, ids)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return path
