"""Runway's validation of a create body: every broken rule as one of the `issues` of its 400."""

import ipaddress
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from core.outcome import Json
from emulators.images import from_data_uri, read_head
from emulators.vendors.runway_models import PRORES_PROFILES, RUNWAY_MODELS, SURCHARGES, RunwayMode, RunwayModel

DOCUMENTATION = "https://docs.dev.runwayml.com/api"
MAX_PROMPT = 1000
MAX_DATA_URI = 5 * 1024 * 1024
MAX_URL = 2048
MAX_SEED = 2**32 - 1

Issue = dict[str, Json]
Issues = Iterator[Issue]


def refusal(issues: Sequence[Issue]) -> dict[str, Json]:
    """The body of the 400."""
    return {"error": "Validation of body failed", "issues": list(issues), "docUrl": DOCUMENTATION}


def check(route: str, body: Mapping[str, Json], uploads: Collection[str]) -> list[Issue]:
    """Every issue of a create body on `text` or `image`; `uploads` are the `runway://` addresses that work."""
    models = {name: model for name, model in RUNWAY_MODELS.items() if mode_of(model, route) is not None}
    name = body.get("model")
    if not isinstance(name, str) or name not in models:
        expected = " | ".join(f"'{each}'" for each in models)
        text = f"Invalid discriminator value. Expected {expected}"
        return [{"code": "invalid_union_discriminator", "options": [*models], "path": ["model"], "message": text}]
    model = models[name]
    mode = mode_of(model, route)
    return [] if mode is None else list(_check_fields(model, mode, body, uploads))


def mode_of(model: RunwayModel, route: str) -> RunwayMode | None:
    """What the model takes on `text` or `image`, if it is offered there."""
    return model.text if route == "text" else model.image


def _check_fields(model: RunwayModel, mode: RunwayMode, body: Mapping[str, Json], uploads: Collection[str]) -> Issues:
    checks: dict[str, Callable[[Json], Issues]] = {
        "promptText": lambda value: _text("promptText", value),
        "negativePrompt": lambda value: _text("negativePrompt", value),
        "ratio": lambda value: _choice("ratio", value, mode.ratios),
        "duration": lambda value: _duration(model, value),
        "seed": lambda value: _integer("seed", value, 0, MAX_SEED),
        "audio": lambda value: _kind("audio", value, bool, "boolean"),
        "outputFormat": lambda value: _choice("outputFormat", value, tuple(SURCHARGES)),
        "proresProfile": lambda value: _prores(body, value),
        "contentModeration": _moderation,
        "promptImage": lambda value: _images(mode, value, uploads),
    }
    for name in (*mode.required, *mode.optional):
        if name in body:
            yield from checks[name](body[name])
        elif name in mode.required:
            kind = {"duration": "number"}.get(name, "string")
            yield _issue("invalid_type", [name], "Required", expected=kind, received="undefined")
    # Whether the vendor refuses or drops unknown members is not documented; refusing shows the mistake.
    unknown = [name for name in body if name not in ("model", *mode.required, *mode.optional)]
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        yield _issue("unrecognized_keys", [], f"Unrecognized key(s) in object: {names}", keys=unknown)


def _issue(code: str, path: list[Json], message: str, **more: Json) -> Issue:
    return {"code": code, **more, "path": path, "message": message}


def _kind(name: str, value: Json, kind: type, word: str) -> Issues:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        received = _word(value)
        text = f"Expected {word}, received {received}"
        yield _issue("invalid_type", [name], text, expected=word, received=received)


def _word(value: Json) -> str:
    words = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return words.get(type(value), "null")


def _text(name: str, value: Json) -> Issues:
    wrong = list(_kind(name, value, str, "string"))
    if wrong:
        yield from wrong
    elif not value:
        text = "String must contain at least 1 character(s)"
        yield _issue("too_small", [name], text, minimum=1, type="string", inclusive=True)
    elif len(value.encode("utf-16-le", "surrogatepass")) // 2 > MAX_PROMPT:
        text = f"String must contain at most {MAX_PROMPT} character(s)"
        yield _issue("too_big", [name], text, maximum=MAX_PROMPT, type="string", inclusive=True)


def _choice(name: str, value: Json, options: Sequence[Json]) -> Issues:
    if value not in options or isinstance(value, bool):
        expected = " | ".join(f"'{option}'" if isinstance(option, str) else str(option) for option in options)
        text = f"Invalid enum value. Expected {expected}, received '{value}'"
        yield _issue("invalid_enum_value", [name], text, options=list(options), received=value)


def _integer(name: str, value: Json, low: int, high: int) -> Issues:
    wrong = list(_kind(name, value, int, "number"))
    if wrong:
        yield from wrong
    elif value < low:
        text = f"Number must be greater than or equal to {low}"
        yield _issue("too_small", [name], text, minimum=low, type="number", inclusive=True)
    elif value > high:
        text = f"Number must be less than or equal to {high}"
        yield _issue("too_big", [name], text, maximum=high, type="number", inclusive=True)


def _duration(model: RunwayModel, value: Json) -> Issues:
    if model.listed_durations:
        return _choice("duration", value, model.durations)
    return _integer("duration", value, model.durations[0], model.durations[-1])


def _prores(body: Mapping[str, Json], value: Json) -> Issues:
    yield from _choice("proresProfile", value, PRORES_PROFILES)
    if body.get("outputFormat") not in ("prores", "hdr_prores"):
        yield _issue("custom", ["proresProfile"], "proresProfile is only valid with a ProRes outputFormat")


def _moderation(value: Json) -> Issues:
    wrong = list(_kind("contentModeration", value, dict, "object"))
    if wrong:
        yield from wrong
    elif "publicFigureThreshold" in value:
        for issue in _choice("publicFigureThreshold", value["publicFigureThreshold"], ("auto", "low")):
            yield issue | {"path": ["contentModeration", "publicFigureThreshold"]}


def _images(mode: RunwayMode, value: Json, uploads: Collection[str]) -> Issues:
    if isinstance(value, str):
        yield from _image(["promptImage"], value, uploads)
        return
    if not isinstance(value, list) or not value:
        yield _issue("invalid_union", ["promptImage"], "Expected a string or a non-empty array of images")
        return
    for index, entry in enumerate(value):
        if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
            yield _issue("invalid_type", ["promptImage", index, "uri"], "Required", expected="string")
            continue
        yield from _image(["promptImage", index, "uri"], entry["uri"], uploads)
        for issue in _choice("position", entry.get("position"), mode.positions):
            yield issue | {"path": ["promptImage", index, "position"]}
    positions = [entry.get("position") for entry in value if isinstance(entry, dict)]
    if positions.count("first") != 1 or positions.count("last") > 1:
        yield _issue("custom", ["promptImage"], "Exactly one first frame and at most one last frame are allowed")


def _image(path: list[Json], uri: str, uploads: Collection[str]) -> Issues:
    trouble = _image_trouble(uri, uploads)
    if trouble:
        yield _issue("custom", path, trouble)


def _image_trouble(uri: str, uploads: Collection[str]) -> str:
    """What is wrong with an image address. Nothing is fetched: an emulator contacts no one."""
    if uri.startswith("runway://"):
        return "" if uri in uploads else "The upload does not exist or has expired"
    if uri.startswith("data:"):
        if len(uri) > MAX_DATA_URI:
            return "Data URIs must be at most 5MB"
        head = read_head(from_data_uri(uri) or b"")
        matches = head is not None and uri.startswith(f"data:{head.mime_type};")
        return "" if matches else "Expected a base64 data URI of a JPEG, PNG or WebP image"
    if len(uri) > MAX_URL:
        return f"URLs must be at most {MAX_URL} characters"
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return "Invalid URL"
    if parts.scheme != "https" or not host:
        return "Only HTTPS URLs are allowed"
    return "URLs must use a hostname" if _is_address(host) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
