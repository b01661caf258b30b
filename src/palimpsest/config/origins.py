"""Which file sets a key of the configuration, so that an error can name it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from palimpsest.files import InputError, SettingError

Key = tuple[str | int, ...]
"""the way to a value: names of maps and positions in lists"""

_ABSENT = object()


class Conflict(SettingError):
    """Settings do not fit each other: beside `key` the `others`, dotted keys from the top."""

    def __init__(self, key: str, found: str, allowed: str, others: Sequence[str]) -> None:
        super().__init__(key, found, allowed)
        self.others = others


@dataclass(frozen=True)
class Origins:
    """The configuration as it is used, and the files behind it, the later over the earlier."""

    config: Any
    files: Sequence[tuple[str, Any]]
    """(name, content) of each file"""

    def file_of(self, key: Key) -> str:
        """The last file that sets `key` to the value in use; "the command line" if none does."""
        used = _at(self.config, key)
        if used is _ABSENT:  # a default
            return self.file_of(key[:-1])
        for name, content in reversed(self.files):
            value = _at(content, key)
            if value is not _ABSENT and _same(value, used):
                return name
        return "the command line"

    def last_of(self, key: Key, others: Sequence[str | Key]) -> str:
        """The file that sets `key`, or one of the `others` that it does not fit, last.

        `others` are dotted keys, or keys where they lie in lists.
        """
        order = [*(name for name, _ in self.files), "the command line"]
        keys = [key, *(tuple(one.split(".")) if isinstance(one, str) else one for one in others)]
        return max(map(self.file_of, keys), key=order.index)

    def error(
        self, key: Key, found: str, allowed: str, others: Sequence[str | Key] = ()
    ) -> InputError:
        """One sentence: the file, the dotted key, what was found and what is allowed.

        Where `key` does not fit `others`, it is the file that sets one of them last.
        """
        own, file = self.file_of(key), self.last_of(key, others)
        found += f" (in {own})" if own != file else ""
        return InputError(f"{file}: {dotted(key)} {found}; allowed: {allowed}")

    @contextmanager
    def below(self, *place: str | int) -> Iterator[None]:
        """Give a SettingError from inside its file, and its key, which is counted from `place`."""
        try:
            yield
        except SettingError as error:
            key = (*place, *error.key.split("."))
            others = getattr(error, "others", ())
            raise self.error(key, error.found, error.allowed, others) from None


def dotted(key: Key) -> str:
    """`key` as text: training.epochs, ascent.grids.ga[0].lr"""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in key]
    return "".join(parts).lstrip(".") or "the value"


def _at(content: Any, key: Key) -> Any:
    for part in key:
        if not isinstance(content, Mapping | list):
            return _ABSENT
        try:
            content = content[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return content


def _same(first: Any, second: Any) -> bool:
    """Whether two values are equal, or maps (which merge, so that each file sets a part)."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return True
    return json.dumps(first, default=str) == json.dumps(second, default=str)
