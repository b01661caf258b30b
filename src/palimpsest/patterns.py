"""Layers of a network by their names: what settings such as `layers` say, looked up."""

import fnmatch
from collections.abc import Collection, Iterable, Sequence

from palimpsest.files import SettingError


def matched(patterns: str, key: str, known: Collection[str], kind: str) -> list[str]:
    """Names of the `known` layers that any of the patterns fits, in their order.

    Patterns stand apart from each other by a space. One that is a name means that layer; another
    fits whole names and ends of names, and may hold * and ?: "attn.c_attn", "layer4.*".
    SettingError, which names the setting `key` and the `kind` of layer, for one that fits none.
    """
    found: set[str] = set()
    for pattern in patterns.split():
        own = [pattern] * (pattern in known) or [
            name
            for name in known
            if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"*.{pattern}")
        ]
        if not own:
            raise SettingError(key, f"names {pattern!r}, and no {kind} is called that", some(known))
        found |= set(own)
    return [name for name in known if name in found]


def some(names: Iterable[str], most: int = 12) -> str:
    """The first of the names, for a sentence."""
    listed: Sequence[str] = list(names)
    more = f" and {len(listed) - most} others" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none in this network"
