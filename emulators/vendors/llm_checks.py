"""What the emulated language model refuses of a request: OpenAI's rules, and those of its strict JSON schemas.

https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas
"""

from collections.abc import Iterator, Mapping

from core.outcome import Json

MEMBERS = frozenset({"model", "messages", "response_format", "max_completion_tokens", "max_tokens", "temperature"})
"""What is played; the real service takes more."""
ROLES = frozenset({"system", "developer", "user", "assistant"})
KEYWORDS = frozenset(
    {"type", "description", "enum", "const", "anyOf", "items", "properties", "required", "additionalProperties"}
)
"""The real service takes a few more in strict mode, others fewer."""


def violation(body: Mapping[str, Json]) -> str:
    """The first rule that a request breaks; empty when it breaks none."""
    return next(_violations(body), "")


def _violations(body: Mapping[str, Json]) -> Iterator[str]:
    yield from (f"Unrecognized request argument supplied: {name}" for name in sorted(set(body) - MEMBERS))
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "you must provide a model parameter"
    yield from _of_messages(body.get("messages"))
    limits = [name for name in ("max_tokens", "max_completion_tokens") if name in body]
    if len(limits) > 1:
        yield "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    if any(type(body[name]) is not int or body[name] < 1 for name in limits):
        yield f"Invalid '{limits[0]}': integer below minimum value."
    heat = body.get("temperature", 1)
    if type(heat) not in (int, float) or not 0 <= heat <= 2:
        yield "Invalid 'temperature': must be from 0 to 2."
    yield from _of_format(body.get("response_format", {"type": "text"}), str(body.get("messages")))


def _of_messages(messages: Json) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "Invalid 'messages': empty array."
        return
    for number, message in enumerate(messages):
        good = isinstance(message, dict) and message.get("role") in ROLES and isinstance(message.get("content"), str)
        if not good or set(message) != {"role", "content"}:
            yield f"Invalid value: 'messages[{number}]'."


def _of_format(form: Json, messages: str) -> Iterator[str]:
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        yield "Invalid value: 'response_format.type'."
    if kind == "json_object" and "json" not in messages.lower():
        yield "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    if kind != "json_schema":
        return
    wanted = form.get("json_schema")
    if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str) or not wanted["name"]:
        yield "Missing required parameter: 'response_format.json_schema.name'."
    elif not isinstance(wanted.get("schema"), dict) or wanted["schema"].get("type") != "object":
        yield "Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'."
    elif wanted.get("strict") is True:
        yield from (f"Invalid schema for response_format: {text}" for text in _not_strict(wanted["schema"], "root"))


def _not_strict(schema: Json, place: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"In {place}, a schema must be an object."
        return
    yield from (f"In {place}, '{name}' is not permitted." for name in sorted(set(schema) - KEYWORDS))
    if schema.get("type") == "object":
        members = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            yield f"In {place}, 'additionalProperties' is required to be supplied and to be false."
        if sorted(schema.get("required", [])) != sorted(members):
            yield f"In {place}, 'required' must include every key in properties."
        for name, member in members.items():
            yield from _not_strict(member, f"{place}.{name}")
    for number, choice in enumerate(schema.get("anyOf", [])):
        yield from _not_strict(choice, f"{place}.anyOf[{number}]")
    if "items" in schema:
        yield from _not_strict(schema["items"], f"{place}.items")
