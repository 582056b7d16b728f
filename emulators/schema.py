"""Replicate's input check: a model's `Input` schema, and the 422 bodies its violations get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.outcome import Json

KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


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
    is_uri: bool = False
    nullable: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalid:
    """One entry of `invalid_fields`. `field` of a missing input is its parent."""

    type: str
    field: str
    description: str

    @property
    def line(self) -> str:
        """Its line in `detail`."""
        return f"- {self.field}: {self.description}\n" if self.field else f"- {self.description}\n"

    @property
    def document(self) -> dict[str, Json]:
        """As it goes over the wire."""
        return {"type": self.type, "field": self.field, "description": self.description}


def refusal(invalid: Sequence[Invalid]) -> dict[str, Json]:
    """The 422 body for these violations."""
    return {
        "detail": "".join(each.line for each in invalid),
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [each.document for each in invalid],
    }


def check(fields: Mapping[str, Field], values: Mapping[str, Json]) -> list[Invalid]:
    """Every violation of the schema by these inputs. Names the model does not know are not looked at."""
    found: list[Invalid] = []
    for name, field in fields.items():
        if name in values:
            found.extend(_check_value(name, field, values[name]))
        elif field.required:
            found.append(Invalid(type="required", field="input", description=f"{name} is required"))
    return found


def unknown(fields: Mapping[str, Field], values: Mapping[str, Json]) -> list[Invalid]:
    """A violation for each name the model does not know; only an emulator told to be strict reports them."""
    return [
        Invalid(
            type="additional_property_not_allowed",
            field="input",
            description=f"Additional property {name} is not allowed",
        )
        for name in values
        if name not in fields
    ]


def _check_value(name: str, field: Field, value: Json) -> list[Invalid]:
    where = f"input.{name}"
    if value is None and field.nullable:
        return []
    if not _is_kind(value, field.kind):
        text = f"Invalid type. Expected: {field.kind}, given: {_kind_of(value)}"
        return [Invalid(type="invalid_type", field=where, description=text)]
    if field.choices and value not in field.choices:
        allowed = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in field.choices)
        text = f"{name} must be one of the following: {allowed}"
        return [Invalid(type="enum", field=where, description=text)]
    if field.low is not None and value < field.low:
        text = f"Must be greater than or equal to {field.low:g}"
        return [Invalid(type="number_gte", field=where, description=text)]
    if field.high is not None and value > field.high:
        text = f"Must be less than or equal to {field.high:g}"
        return [Invalid(type="number_lte", field=where, description=text)]
    if field.is_uri and not _is_uri(value):
        return [Invalid(type="format", field=where, description="Does not match format 'uri'")]
    return []


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
