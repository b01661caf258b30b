"""Which file sets a key of the configuration, so that an error can name it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from palimpsest.files import InputError

Key = tuple[str | int, ...]
"""the way to a value: names of maps and positions in lists"""

_ABSENT = object()


@dataclass(frozen=True)
class Sources:
    """The configuration as it is used, and the files behind it, the later over the earlier."""

    config: Mapping[str, Any]
    files: Sequence[tuple[str, Any]]
    """(name, content) of each file"""

    def file_of(self, key: Key) -> str:
        """The last file that sets `key` to the value in use; "the command line" if none does."""
        used = _at(self.config, key)
        for name, content in reversed(self.files):
            value = _at(content, key)
            if value is not _ABSENT and _same(value, used):
                return name
        return "the command line"

    def error(self, key: Key, found: str, allowed: str) -> InputError:
        """One sentence: the file, the dotted key, what was found and what is allowed."""
        return InputError(f"{self.file_of(key)}: {dotted(key)} {found}; allowed: {allowed}")


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file; InputError if it is missing, not YAML, or sets a key twice."""
    try:
        with Path(path).open(encoding="utf-8") as stream:
            return yaml.load(stream, Loader=_OnceLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None


def dotted(key: Key) -> str:
    """`key` as text: training.epochs, grids.ga[0].lr"""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in key]
    return "".join(parts).lstrip(".") or "the configuration"


class _OnceLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML in which a map may set a key only once."""


def _map_once(loader: Any, node: yaml.MappingNode) -> dict:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.value in seen:
            line = key_node.start_mark.line + 1
            raise yaml.YAMLError(f"the key {key_node.value!r} stands twice, again in line {line}")
        if isinstance(key_node.value, str) and key_node.value != "<<":
            seen.add(key_node.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_OnceLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _map_once)


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
