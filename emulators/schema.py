"""Checks the inputs of a model against a table of fields; every vendor words the violations its own way."""

import enum
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.outcome import Json

KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


class Rule(enum.StrEnum):
    """The rules that can be broken, named as gojsonschema names them."""

    REQUIRED = "required"
    KIND = "invalid_type"
    CHOICE = "enum"
    LOW = "number_gte"
    HIGH = "number_lte"
    SHORT = "string_gte"
    LONG = "string_lte"
    PATTERN = "pattern"
    URI = "format"
    UNKNOWN = "additional_property_not_allowed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One input of a model."""

    kind: str
    """JSON schema type."""
    required: bool = False
    default: Json = None
    choices: tuple[Json, ...] = ()
    low: float | None = None
    high: float | None = None
    shortest: int | None = None
    """Of a text in characters, or of an array in entries."""
    longest: int | None = None
    pattern: str = ""
    """What a whole text must match."""
    is_uri: bool = False
    nullable: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalid:
    """One broken rule. `text` is how JSON schema validators tell it."""

    rule: Rule
    name: str
    """The input's name."""
    text: str
    field: Field | None = None
    """The table's entry; None for a name that it lacks."""
    value: Json = None


def check(fields: Mapping[str, Field], values: Mapping[str, Json]) -> list[Invalid]:
    """Every violation of the table by these inputs. Names it does not know are not looked at: see `unknown`."""
    found: list[Invalid] = []
    for name, field in fields.items():
        if name in values:
            found.extend(_check_value(name, field, values[name]))
        elif field.required:
            found.append(Invalid(rule=Rule.REQUIRED, name=name, text=f"{name} is required", field=field))
    return found


def unknown(known: Collection[str], values: Mapping[str, Json]) -> list[Invalid]:
    """A violation for each name that is not among the known ones."""
    return [
        Invalid(rule=Rule.UNKNOWN, name=name, text=f"Additional property {name} is not allowed", value=value)
        for name, value in values.items()
        if name not in known
    ]


PYDANTIC: Mapping[Rule, str] = {
    Rule.REQUIRED: "missing",
    Rule.CHOICE: "literal_error",
    Rule.LOW: "greater_than_equal",
    Rule.HIGH: "less_than_equal",
    Rule.SHORT: "string_too_short",
    Rule.LONG: "string_too_long",
    Rule.PATTERN: "string_pattern_mismatch",
    Rule.URI: "url_parsing",
    Rule.UNKNOWN: "extra_forbidden",
}
PYDANTIC_KINDS = {"string": "string_type", "boolean": "bool_type", "integer": "int_type", "number": "float_type"}
PYDANTIC_1: Mapping[Rule, str] = {
    Rule.REQUIRED: "value_error.missing",
    Rule.KIND: "type_error",
    Rule.CHOICE: "type_error.enum",
    Rule.LOW: "value_error.number.not_ge",
    Rule.HIGH: "value_error.number.not_le",
    Rule.SHORT: "value_error.any_str.min_length",
    Rule.LONG: "value_error.any_str.max_length",
    Rule.PATTERN: "value_error.str.regex",
    Rule.URI: "value_error.url",
    Rule.UNKNOWN: "value_error.extra",
}


def fastapi_detail(
    invalid: Sequence[Invalid], where: Sequence[str] = ("body",), types: Mapping[Rule, str] = PYDANTIC
) -> list[dict[str, Json]]:
    """The `detail` of a FastAPI 422, one entry per violation; the wordings of `msg` are close, not exact."""
    return [
        {
            "type": types.get(each.rule) or PYDANTIC_KINDS.get(each.field.kind if each.field else "", "type_error"),
            "loc": [*where, each.name],
            "msg": "Field required" if each.rule is Rule.REQUIRED else each.text,
            "input": each.value,
        }
        for each in invalid
    ]


def _check_value(name: str, field: Field, value: Json) -> list[Invalid]:
    if value is None and field.nullable:
        return []
    broken = _broken(name, field, value)
    return [] if broken is None else [Invalid(rule=broken[0], name=name, text=broken[1], field=field, value=value)]


def _broken(name: str, field: Field, value: Json) -> tuple[Rule, str] | None:
    """The first rule that the value breaks."""
    if not _is_kind(value, field.kind):
        return Rule.KIND, f"Invalid type. Expected: {field.kind}, given: {_kind_of(value)}"
    if field.choices and value not in field.choices:
        allowed = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in field.choices)
        return Rule.CHOICE, f"{name} must be one of the following: {allowed}"
    if field.low is not None and value < field.low:
        return Rule.LOW, f"Must be greater than or equal to {field.low:g}"
    if field.high is not None and value > field.high:
        return Rule.HIGH, f"Must be less than or equal to {field.high:g}"
    if field.shortest is not None and len(value) < field.shortest:
        return Rule.SHORT, f"Length must be greater than or equal to {field.shortest}"
    if field.longest is not None and len(value) > field.longest:
        return Rule.LONG, f"Length must be less than or equal to {field.longest}"
    if field.pattern and not re.fullmatch(field.pattern, value):
        return Rule.PATTERN, f"Does not match pattern '{field.pattern}'"
    if field.is_uri and not _is_uri(value):
        return Rule.URI, "Does not match format 'uri'"
    return None


def _is_kind(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, KINDS[kind]) or (kind == "integer" and isinstance(value, float) and value.is_integer())


def _kind_of(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "object" if isinstance(value, dict) else "array"
    return next(kind for kind, types in KINDS.items() if type(value) in types)


def _is_uri(value: str) -> bool:
    try:
        return bool(urlsplit(value).scheme)
    except ValueError:
        return False


def complete(fields: Mapping[str, Field], values: Mapping[str, Json]) -> dict[str, Json]:
    """The values the model really runs with: known names only, defaults filled in."""
    known = {name: field.default for name, field in fields.items() if field.default is not None}
    return known | {name: value for name, value in values.items() if name in fields}


def document(title: str, fields: Mapping[str, Field], output: Mapping[str, Json]) -> dict[str, Json]:
    """The model's `openapi_schema` in cog's shape: enums are schemas of their own."""
    enums = {
        name: {"title": name, "type": field.kind, "enum": list(field.choices), "description": "An enumeration."}
        for name, field in fields.items()
        if field.choices
    }
    properties = {name: _property(name, field, order) for order, (name, field) in enumerate(fields.items())}
    required = [name for name, field in fields.items() if field.required]
    entry: dict[str, Json] = {"type": "object", "title": "Input", "properties": properties}
    if required:
        entry["required"] = required
    return {
        "openapi": "3.0.2",
        "info": {"title": title, "version": "0.1.0"},
        "components": {"schemas": {**enums, "Input": entry, "Output": {"title": "Output", **output}}},
    }


def _property(name: str, field: Field, order: int) -> dict[str, Json]:
    described: dict[str, Json] = {"x-order": order, "description": field.description}
    if field.choices:
        described["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]
    else:
        described |= {"title": name.replace("_", " ").title(), "type": field.kind}
    optional = {
        "default": field.default,
        "minimum": field.low,
        "maximum": field.high,
        "format": "uri" if field.is_uri else None,
        "nullable": True if field.nullable else None,
    }
    return described | {key: value for key, value in optional.items() if value is not None}
