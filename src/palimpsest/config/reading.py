"""YAML files read strictly, and merged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from palimpsest.config.sentences import show
from palimpsest.files import InputError


def load(paths: Sequence[str | Path]) -> dict[str, Any]:
    """The YAML files `paths` merged, the later over the earlier: maps merge, lists are replaced."""
    config: dict[str, Any] = {}
    for path in paths:
        config = merge(config, read_settings(path))
    return config


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`: maps merge, everything else is replaced.

    So is a NAMED section where the overlay names another thing: its settings belong to that.
    """
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        if not (isinstance(below, Mapping) and isinstance(value, Mapping)):
            merged[key] = value
        elif key in NAMED and value.get("name", below.get("name")) != below.get("name"):
            merged[key] = dict(value)
        else:
            merged[key] = merge(below, value)
    return merged


NAMED = ("model",)
"""sections that name a thing, and hold nothing but its settings"""


SUFFIXES = (".yaml", ".yml", ".json")
DEEPEST = 50
"""lists and maps in each other: a parser spends minutes, or its stack, on a hundred thousand"""


def read_settings(path: str | Path) -> Mapping[str, Any]:
    """The content of a YAML file that is a map; InputError if it is anything else."""
    if Path(path).suffix not in SUFFIXES or Path(path).parts[0] == "results":
        raise InputError(
            f"{path}: is no file of settings; needed: a .yaml file, and targets before --configfile"
        )
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds {show(content)}; needed: a map of settings")
    return content


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file; InputError if it is missing, not YAML, or sets a key twice."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        _check_depth(text)
        return yaml.load(text, Loader=_OnceLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not valid YAML (no UTF-8 text); needed: UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None


def _check_depth(text: str) -> None:
    """YAMLError for more than DEEPEST lists and maps in each other."""
    depth = 0
    for event in yaml.parse(text, Loader=_OnceLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"more than {DEEPEST} lists and maps lie in each other")


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
