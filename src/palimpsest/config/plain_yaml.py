"""YAML without what surprises: each value is what it looks like, and no file takes long to read.

YAML 1.1 reads 030 as 24, 1:30 as 90, 2_4 as 24, `no` as false and 2026-01-01 as a date; it has tags
(!!bool "x"), lists as keys, and aliases of aliases, in which a page of text stands for a billion
values. Each of these is refused in a sentence with its file and line.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from palimpsest.files import InputError, read_text

DEEPEST = 50
"""lists and maps in each other: a parser spends minutes, or its stack, on a hundred thousand"""
LONGEST = 10**6
"""bytes of a file"""
MOST = 20_000
"""values and keys of a file, those that aliases stand for included: config.yaml has 730"""
_PLAIN = {
    "int": (r"[-+]?(0|[1-9][0-9]*)", "a decimal number without a leading 0, _ or :"),
    "float": (r"[-+.0-9eE]+|[-+]?\.(?i:inf|nan)", "a decimal number without _ or :"),
    "bool": (r"(?i:true|false)", "true or false"),
    "null": (r".*", ""),
    "str": (r"(?s:.*)", ""),
    "merge": (r"<<", ""),
}
"""kind of a value -> how it may be written, and what that is in words"""
_AS = "tag:yaml.org,2002:"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML, in C where the library has it."""


class _NotPlain(Exception):
    """A line of a file, and what is wrong with it."""

    def __init__(self, mark: Any, found: str, allowed: str) -> None:
        super().__init__(f"line {mark.line + 1}: {found}; allowed: {allowed}")


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file; InputError if it is missing, not YAML, or not plain."""
    try:
        text = read_text(path, most=LONGEST)
        _check_events(text)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return None
            _check_nodes(root)
            return loader.construct_document(root)
        finally:
            loader.dispose()
    except InputError:
        raise
    except _NotPlain as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not valid YAML (no UTF-8 text); needed: UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None


def _check_events(text: str) -> None:
    """What is wrong with a file before it is a tree: its depth, its length, tags."""
    depth = count = 0
    for event in yaml.parse(text, Loader=_Loader):
        count += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            found = "lists and maps in each other"
            raise _NotPlain(event.start_mark, f"more than {DEEPEST} {found}", f"at most {DEEPEST}")
        if count > MOST:
            raise _NotPlain(
                event.start_mark, f"more than {MOST} values and keys", f"at most {MOST}"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace(_AS, "!!")[:60]
            raise _NotPlain(event.start_mark, f"the tag {shown}", "values without tags")


def _check_nodes(root: yaml.Node) -> None:
    """What is wrong with a tree: how values are written, its keys, what its aliases stand for."""
    known: dict[int, tuple[int, int] | None] = {}  # None: a part that is being looked at

    def extent(node: yaml.Node) -> tuple[int, int]:
        """Values and keys that a part stands for, and lists and maps in each other."""
        if id(node) not in known:
            known[id(node)] = None
            _check_node(node)
            inside = list(map(extent, _inside(node)))
            count = 1 + sum(many for many, _ in inside)
            depth = max((deep for _, deep in inside), default=0)
            depth += isinstance(node, yaml.CollectionNode)
            for found, most, what in (
                (count, MOST, "values and keys"), (depth, DEEPEST, "lists and maps in each other"),
            ):  # fmt: skip
                if found > most:
                    told = f"aliases that stand for more than {most} {what}"
                    raise _NotPlain(node.start_mark, told, f"at most {most}")
            known[id(node)] = count, depth
        found_before = known[id(node)]
        if found_before is None:
            raise _NotPlain(node.start_mark, "a list or map within itself", "an alias elsewhere")
        return found_before

    extent(root)


def _inside(node: yaml.Node) -> Iterator[yaml.Node]:
    """The parts of a list, the keys and values of a map."""
    for part in node.value if isinstance(node, yaml.CollectionNode) else ():
        yield from part if isinstance(part, tuple) else (part,)


def _check_node(node: yaml.Node) -> None:
    """How one value is written; of a map its keys."""
    if isinstance(node, yaml.ScalarNode):
        kind = node.tag.removeprefix(_AS)
        pattern, words = _PLAIN.get(kind, ("(?!)", "a number or a text"))
        if not re.fullmatch(pattern, node.value):
            text = node.value[:60]
            raise _NotPlain(
                node.start_mark, f"{text}, which YAML reads as {_read(kind, node.value)}",
                f'{words}, or "{text}" for a text',
            )  # fmt: skip
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                kind = "map" if isinstance(key, yaml.MappingNode) else "list"
                raise _NotPlain(key.start_mark, f"a {kind} as a key", "texts as keys")
            if "\n" in key.value:
                raise _NotPlain(key.start_mark, "a key of several lines", "keys of one line")
            if key.value in seen:
                found = f"the key {key.value!r} stands twice, again here"
                raise _NotPlain(key.start_mark, found, "each key once in a map")
            seen.add(key.value)


def _read(kind: str, text: str) -> str:
    """What YAML makes of a plain text, in words."""
    words = {"timestamp": "a date", "value": "a sign of its own"}
    if kind in words:
        return words[kind]
    try:
        return str(yaml.safe_load(text)).lower()
    except (yaml.YAMLError, ValueError):
        return f"a value of the kind {kind}"
