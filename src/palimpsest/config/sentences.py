"""The first error of pydantic as one sentence: file, dotted key, what was found, what is allowed.

What is allowed is read from the JSON schema of the model.
"""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from palimpsest.config.origins import Key, Origins, dotted
from palimpsest.files import InputError, SettingError

Rule = Mapping[str, Any]
"""a part of a JSON schema"""


def validate(kind: Any, origins: Origins) -> Any:
    """The configuration of `origins` as the annotation `kind` says.

    Raises InputError for the first error: unknown keys, then wrong values, then missing keys.
    """
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(origins.config)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=_rank)
        raise _sentence(first, adapter.json_schema(), origins) from None


def show(value: Any) -> str:
    """A value as it reads in a sentence."""
    if isinstance(value, str):
        return f"the text {value!r}" if value else "an empty text"
    if isinstance(value, Mapping):
        return "a map" if value else "an empty map"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    names = {"None": "null", "True": "true", "False": "false"}
    return names.get(repr(value), repr(value))


def hint(word: Any, known: Sequence[str], cutoff: float = 0.7) -> str:
    """A question for a word that is nearly a known one; otherwise nothing."""
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=cutoff)
    return f" (did you mean {close[0]}?)" if close else ""


def check_names(
    key: str, names: Sequence[str], allowed: Sequence[str], *, guess: bool = False
) -> None:
    """SettingError for the first of the `names` that is not allowed; `guess` what was meant."""
    for name in names:
        if name not in allowed:
            near = hint(name, allowed) if guess else ""
            raise SettingError(key, f"names {name!r}{near}", ", ".join(allowed))


@dataclass(frozen=True)
class _Place:
    """Where an error is: the key, what the schema says there, and how kinds are told apart."""

    key: Key
    rule: Rule
    tag: str = ""
    """the key that names the kind of thing, where there are several"""


def _rank(error: Any) -> int:
    kind = error["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        return 0
    return 2 if kind in ("missing", "union_tag_not_found") else 1


def _sentence(error: Any, schema: Rule, origins: Origins) -> InputError:
    kind, loc, value = error["type"], error["loc"], error["input"]
    if kind in ("extra_forbidden", "invalid_key"):
        unknown = value if kind == "invalid_key" else loc[-1]
        return _unknown_key(_find(schema, loc[:-1]), unknown, origins)
    if kind == "missing":
        return _missing_key(_find(schema, loc[:-1]), loc[-1], origins)
    if loc[-1:] == ("[key]",):
        parent = _find(schema, loc[:-2])
        names = {"type": "string", "pattern": next(iter(parent.rule["patternProperties"]))}
        return origins.error((*parent.key, loc[-2]), "is no name", describe(names))
    place = _find(schema, loc)
    key, rule = place.key, place.rule
    if kind == "union_tag_not_found":
        return _missing_key(_Place(key, {"required": [place.tag]}), place.tag, origins)
    if kind == "union_tag_invalid":
        key, value = (*key, place.tag), value[place.tag]
        rule = {"enum": list(rule["discriminator"]["mapping"])}
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
    near = hint(value, rule["enum"]) if "enum" in rule and isinstance(value, str) else ""
    return origins.error(key, f"is {show(value)}{near}", describe(rule))


def _unknown_key(parent: _Place, unknown: Any, origins: Origins) -> InputError:
    known = list(parent.rule.get("properties", {}))
    near = hint(unknown, known, cutoff=0.6)
    if parent.tag:
        near = f" where {parent.tag} is {parent.rule['properties'][parent.tag]['const']}{near}"
    return origins.error((*parent.key, unknown), f"is an unknown key{near}", ", ".join(known))


def _missing_key(parent: _Place, missing: str, origins: Origins) -> InputError:
    needed = [name for name in parent.rule["required"] if name != parent.tag or name == missing]
    place = f" in {dotted(parent.key)}" if parent.key else ""
    return InputError(
        f"{origins.file_of(parent.key)}: {dotted((*parent.key, missing))} is missing; "
        f"needed{place}: {', '.join(needed)}"
    )


def _find(schema: Rule, loc: Sequence[Any]) -> _Place:
    """Follow the way that pydantic gives, on which the kinds of things stand beside the keys."""
    rule, key, tag = _resolve(schema, schema), [], ""
    for part in loc:
        if "anyOf" in rule:  # a map or null: nothing is below null
            rule = _resolve(rule["anyOf"][0], schema)
        if "discriminator" in rule:
            tag = rule["discriminator"]["propertyName"]
            below = rule["discriminator"]["mapping"][part]
        else:
            tag = ""
            key.append(part)
            below = _below(rule, part)
        rule = _resolve({"$ref": below} if isinstance(below, str) else below, schema)
    if "discriminator" in rule:
        tag = rule["discriminator"]["propertyName"]
    return _Place(tuple(key), rule, tag)


def _below(rule: Rule, part: Any) -> Rule:
    """What the schema says of an entry of a map or list."""
    if part in rule.get("properties", {}):
        return rule["properties"][part]
    if "patternProperties" in rule:
        return next(iter(rule["patternProperties"].values()))
    return rule.get("items", {})


def _resolve(rule: Rule, schema: Rule) -> Rule:
    return schema["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule


def describe(rule: Rule) -> str:
    """What a part of a schema allows, in words."""
    if "enum" in rule or "const" in rule:
        return ", ".join(map(str, rule.get("enum", [rule.get("const")])))
    if "anyOf" in rule:
        return " or ".join(map(describe, rule["anyOf"]))
    kind = rule.get("type", "object")
    if kind in ("integer", "number"):
        limits = [
            text.format(rule[keyword])
            for keyword, text in (
                ("minimum", "at least {}"),
                ("exclusiveMinimum", "above {}"),
                ("maximum", "at most {}"),
                ("exclusiveMaximum", "below {}"),
            )
            if keyword in rule
        ]
        name = "an integer" if kind == "integer" else "a number"
        link = " of " if limits and limits[0].startswith("at") else " "
        return f"{name}{link}{' and '.join(limits)}".strip()
    if "pattern" in rule:
        also = " and -" if "-" in rule["pattern"].split("]")[1] else ""
        return f"a text of lower-case letters, digits, _{also}"
    names = {
        "string": "a text", "boolean": "true or false", "null": "null", "array": "a list",
        "object": "a map",
    }  # fmt: skip
    return names[kind]


def _as_number(value: Any, rule: Rule) -> str | None:
    """How to write the text `value` so that YAML reads the number that it looks like."""
    kinds = {part.get("type") for part in rule.get("anyOf", [rule])}
    if not isinstance(value, str) or not kinds & {"integer", "number"}:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if "integer" in kinds:
        return str(int(number)) if number == int(number) else None
    match = re.fullmatch(r"([-+]?\d*)(?:\.(\d*))?(?:[eE]([-+]?)(\d+))?", value.strip())
    if match is None:
        return repr(number)
    whole, decimals, sign, exponent = match.groups()
    power = f"e{sign or '+'}{exponent}" if exponent else ""
    return f"{whole or 0}.{decimals or 0}{power}"
