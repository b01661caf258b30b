"""The closed schema applied to a configuration: its first error as one sentence."""

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from palimpsest.config_sources import Sources, dotted
from palimpsest.files import InputError


def check_schema(sources: Sources, schema: Mapping[str, Any]) -> None:
    """Raise InputError for the first error: unknown keys, then wrong values, then missing keys."""
    errors = list(_Validator(schema).iter_errors(sources.config))
    if errors:
        raise _sentence(min(errors, key=_rank), sources)


def describe(schema: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_describe_kind(kind, schema) for kind in kinds)


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


def _is_integer(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: Any, value: Any) -> bool:
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


# Stricter than JSON Schema: 24.0 is no integer, NaN and infinity are no numbers.
_Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer).redefine(
        "number", _is_number
    ),
)


def _rank(error: ValidationError) -> int:
    return {"additionalProperties": 0, "required": 2}.get(str(error.validator), 1)


def _sentence(error: ValidationError, sources: Sources) -> InputError:
    key, value, rule = tuple(error.absolute_path), error.instance, error.schema
    allowed = describe(rule)
    if error.validator == "additionalProperties":
        return _unknown_key(key, value, list(rule.get("properties", {})), sources)
    if "propertyNames" in error.absolute_schema_path:
        return sources.error((*key, value), "is no name", allowed)
    if error.validator == "required":
        missing = next(name for name in rule["required"] if name not in value)
        return InputError(
            f"{sources.file_of(key)}: {dotted((*key, missing))} is missing; "
            f"needed in {dotted(key)}: {', '.join(rule['required'])}"
        )
    if error.validator == "type":
        written = _as_number(value, rule)
        if written:
            return InputError(
                f"{sources.file_of(key)}: {dotted(key)} is {show(value)}, which YAML does not read "
                f"as a number; write {written}"
            )
    if error.validator in ("minItems", "minProperties"):
        found = "is an empty grid" if key[:-1] == ("grids",) else f"is {show(value)}"
        return sources.error(key, found, "at least one entry")
    if error.validator == "uniqueItems":
        repeated = next(entry for place, entry in enumerate(value) if entry in value[:place])
        return sources.error(key, f"holds {show(repeated)} twice", "each value once")
    return sources.error(key, f"is {show(value)}", allowed)


def _unknown_key(
    key: tuple, value: Mapping[Any, Any], known: list[str], sources: Sources
) -> InputError:
    unknown = next(name for name in value if name not in known)
    close = difflib.get_close_matches(str(unknown), known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    if key[:1] == ("forget_sets",) and "kind" in known:
        hint = f" where kind is {value['kind']}{hint}"
    return sources.error((*key, unknown), f"is an unknown key{hint}", ", ".join(known))


def _as_number(value: Any, rule: Mapping[str, Any]) -> str | None:
    """How to write the text `value` so that YAML reads the number that it looks like."""
    kinds = rule.get("type", [])
    if not isinstance(value, str) or not {"integer", "number"} & {
        *([kinds] if isinstance(kinds, str) else kinds)
    }:
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


def _describe_kind(kind: str, schema: Mapping[str, Any]) -> str:
    if kind in ("integer", "number"):
        limits = [
            text.format(schema[keyword])
            for keyword, text in (
                ("minimum", "at least {}"),
                ("exclusiveMinimum", "above {}"),
                ("maximum", "at most {}"),
                ("exclusiveMaximum", "below {}"),
            )
            if keyword in schema
        ]
        name = "an integer" if kind == "integer" else "a number"
        link = " of " if limits and limits[0].startswith("at") else " "
        return f"{name}{link}{' and '.join(limits)}".strip()
    if kind == "string" and "pattern" in schema:
        also = " and -" if "-" in schema["pattern"].split("]")[1] else ""
        return f"a text of lower-case letters, digits, _{also}"
    names = {
        "string": "a text", "boolean": "true or false", "null": "null", "array": "a list",
        "object": "a map",
    }  # fmt: skip
    return names[kind]
