"""Errors of pydantic as sentences: file, dotted key, what was found, what is allowed.

What is allowed is read from the JSON schema of the model.
"""

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError

from palimpsest.config.origins import Conflict, Key, Origins, dotted
from palimpsest.files import InputError
from palimpsest.values import LONGEST

Rule = Mapping[str, Any]
"""a part of a JSON schema"""

_LONG = 60
_UNKNOWN, _MISSING = ("extra_forbidden", "invalid_key"), ("missing", "union_tag_not_found")
_LIMITS = {
    "minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most",
    "exclusiveMaximum": "below",
}  # fmt: skip
_KINDS = {
    "integer": "an integer", "number": "a number", "string": "a text", "boolean": "true or false",
    "null": "null", "array": "a list", "object": "a map",
}  # fmt: skip


def validate(kind: Any, origins: Origins, *, most: int = 1) -> Any:
    """The configuration of `origins` as the annotation `kind` says.

    Raises InputError for the first `most` errors, a line each: unknown keys, then wrong values,
    then missing keys, these only where no key is unknown, and one of each map.
    """
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(origins.config)
    except ValidationError as error:
        told: list[str] = []
        maps = set()
        schema = adapter.json_schema()
        for one in sorted(error.errors(include_url=False), key=_rank):
            around = one["loc"][:-1]
            sentence = ""
            if one["type"] not in _MISSING or around not in maps:
                sentence = str(_sentence(one, schema, origins))
            if one["type"] in (*_UNKNOWN, *_MISSING):
                maps.add(around)
            if sentence and sentence not in told:
                told.append(sentence)
            if len(told) == most:
                break
        raise InputError("\n".join(told)) from None


@contextmanager
def keep(told: list[str]) -> Iterator[None]:
    """Add what is wrong inside to what is `told`, and go on."""
    try:
        yield
    except InputError as error:
        told += str(error).splitlines()


def show(value: Any) -> str:
    """A value as it reads in a sentence."""
    if isinstance(value, str):
        if len(value) > _LONG:
            return f"the text {value[:_LONG]!r}... of {len(value)} characters"
        return f"the text {value!r}" if value else "an empty text"
    if isinstance(value, Mapping | list):
        kind = "map" if isinstance(value, Mapping) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    if isinstance(value, int) and abs(value) >= 10**_LONG:
        return f"an integer of more than {_LONG} digits"
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def hint(word: Any, known: Sequence[str], cutoff: float = 0.7) -> str:
    """A question for a word that is nearly a known one; otherwise nothing."""
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=cutoff)
    return f" (did you mean {close[0]}?)" if close else ""


def check_names(
    key: str,
    names: Sequence[str],
    allowed: Sequence[str],
    *,
    guess: bool = False,
    others: Sequence[str] = (),
) -> None:
    """Conflict for the first of the `names` that is not allowed; `guess` what was meant.

    `others` are the dotted keys that decide what is allowed.
    """
    for name in names:
        if name not in allowed:
            near = hint(name, allowed) if guess else ""
            raise Conflict(key, f"names {name!r}{near}", ", ".join(allowed), others)


def _rank(error: Any) -> int:
    return (error["type"] not in _UNKNOWN) + (error["type"] in _MISSING)


def _sentence(error: Any, schema: Rule, origins: Origins) -> InputError:
    kind, loc, value = error["type"], error["loc"], error["input"]
    if loc[-1:] == ("[key]",):
        key, _, around, _ = _find(schema, loc[:-1])
        names = {"pattern": min(around["patternProperties"])}
        return origins.error(key, "is no name", _describe(names))
    key, rule, around, tag = _find(schema, loc)
    if kind in _UNKNOWN:
        known = list(around["properties"])
        near = hint(key[-1], known, cutoff=0.6)
        others: list[Key] = []
        if tag:
            near = f" where {tag} is {around['properties'][tag]['const']}{near}"
            others.append((*key[:-1], tag))
        key = (*key[:-1], value) if kind == "invalid_key" else key
        return origins.error(key, f"is an unknown key{near}", ", ".join(known) or "none", others)
    if kind in _MISSING:
        if kind == "union_tag_not_found":
            key, needed = (*key, tag), [tag]
        else:
            needed = [name for name in around["required"] if name != tag]
        place = f" in {dotted(key[:-1])}" if key[:-1] else ""
        return InputError(
            f"{origins.file_of(key[:-1])}: {dotted(key)} is missing; "
            f"needed{place}: {', '.join(needed)}"
        )
    if kind == "union_tag_invalid":
        key, value, rule = (*key, tag), value[tag], {"enum": list(rule["discriminator"]["mapping"])}
    if kind == "too_short":
        found = "is an empty grid" if key[-2:-1] == ("grids",) else f"is {show(value)}"
        return origins.error(key, found, "at least one entry")
    if kind == "twice":
        repeated = value[error["ctx"]["place"]]
        return origins.error(key, f"holds {show(repeated)} twice", "each value once")
    written = _as_number(value, rule)
    if written:
        return InputError(
            f"{origins.file_of(key)}: {dotted(key)} is {show(value)}, which YAML does not read "
            f"as a number; write {written}"
        )
    near = hint(value, _words(rule)) if isinstance(value, str) else ""
    return origins.error(key, f"is {show(value)}{near}", _describe(rule))


def _find(schema: Rule, loc: Sequence[Any]) -> tuple[Key, Rule, Rule, str]:
    """Follow the way that pydantic gives, on which the kinds of things stand beside the keys.

    Returns the key, what the schema says there and of the map around it, and the key that names
    the kind of thing, where there are several.
    """

    def resolve(rule: Rule) -> Rule:
        return schema["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule

    key: Key = ()
    rule, around, tag, chosen = resolve(schema), schema, "", ""
    for part in loc:
        if "anyOf" in rule:  # a map or null: nothing is below null
            rule = resolve(rule["anyOf"][0])
        if "discriminator" in rule:
            chosen = rule["discriminator"]["propertyName"]
            rule = resolve({"$ref": rule["discriminator"]["mapping"][part]})
            continue
        key, around, tag, chosen = (*key, part), rule, chosen, ""
        entries = [*rule.get("patternProperties", {}).values(), rule.get("items", {})]
        rule = resolve(rule.get("properties", {}).get(part, entries[0]))
    either = resolve(rule["anyOf"][0]) if "anyOf" in rule else rule
    rule = either if "discriminator" in either else rule  # one of several kinds, or null
    return key, rule, around, rule.get("discriminator", {}).get("propertyName", tag)


def _describe(rule: Rule) -> str:
    """What a part of a schema allows, in words."""
    if _words(rule):
        return ", ".join(_words(rule))
    if "anyOf" in rule:
        return " or ".join(map(_describe, rule["anyOf"]))
    if "pattern" in rule:
        also = " and -" if "-" in rule["pattern"].split("]")[1] else ""
        name = f"a text of lower-case letters, digits, _{also}, at most {LONGEST}"
        return str(rule.get("description", name))
    limits = [f"{words} {rule[keyword]}" for keyword, words in _LIMITS.items() if keyword in rule]
    link = " of " if limits and limits[0].startswith("at") else " "
    return f"{_KINDS[rule.get('type', 'object')]}{link}{' and '.join(limits)}".strip()


def _words(rule: Rule) -> list[str]:
    return rule["enum"] if "enum" in rule else [rule["const"]] if "const" in rule else []


def _as_number(text: Any, rule: Rule) -> str | None:
    """How to write the `text` so that YAML reads the number that it looks like."""
    kinds = {part.get("type") for part in rule.get("anyOf", [rule])}
    try:
        number = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    if "integer" in kinds and number.is_integer():
        return str(int(number))
    if "number" not in kinds or not math.isfinite(number):
        return None
    digits, _, exponent = text.strip().lower().partition("e")
    return f"{float(digits)}e{int(exponent):+}" if exponent else repr(number)
