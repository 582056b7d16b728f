"""Runway's validation of a create body: every broken rule as one of the `issues` of its 400."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from core.outcome import Json
from emulators.vendors.runway_assets import trouble
from emulators.vendors.runway_models import RUNWAY_MODELS
from emulators.vendors.runway_parts import NATIVE_FORMATS, PRORES_PROFILES, Operation, RunwayModel

DOCUMENTATION = "https://docs.dev.runwayml.com/api"
MAX_SEED = 2**32 - 1
MAX_KEYFRAMES = 5
SHAPES = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")
MULTISHOT = (3, 15)
"""Seconds of all the shots of a Kling clip together."""

Issue = dict[str, Json]
Issues = Iterator[Issue]


def refusal(issues: Sequence[Issue]) -> dict[str, Json]:
    """The body of the 400."""
    return {"error": "Validation of body failed", "issues": list(issues), "docUrl": DOCUMENTATION}


def check(route: str, body: Mapping[str, Json], uploads: Collection[str]) -> list[Issue]:
    """Every issue of a create body on `text`, `image` or `video`; `uploads` are the `runway://` addresses that work."""
    models = {name: model for name, model in RUNWAY_MODELS.items() if model.operation(route) is not None}
    name = body.get("model")
    if not isinstance(name, str) or name not in models:
        expected = " | ".join(f"'{each}'" for each in models)
        text = f"Invalid discriminator value. Expected {expected}"
        return [{"code": "invalid_union_discriminator", "options": [*models], "path": ["model"], "message": text}]
    operation = models[name].operation(route)
    if operation is None:
        return []
    return [*_fields(models[name], operation, body, uploads), *_together(operation, body)]


def too_long(name: str, longest: float) -> Issue:
    """A source video of too many seconds, as it was observed."""
    text = f"Asset duration must be at most {longest:g} seconds"
    return _issue("too_big", [name], text, maximum=longest)


def _fields(model: RunwayModel, operation: Operation, body: Mapping[str, Json], uploads: Collection[str]) -> Issues:
    checks = {**_plain(model, operation), **_assets(operation, body, uploads)}
    for name in (*operation.required, *operation.optional):
        if name in body:
            yield from checks[name](body[name])
        elif name in operation.required:
            kind = {"duration": "number"}.get(name, "string")
            yield _issue("invalid_type", [name], "Required", expected=kind, received="undefined")
    # A third party saw on 2026-08-13 that these routes refuse what they do not know, and name all of it at once.
    unknown = [name for name in body if name not in ("model", *operation.required, *operation.optional)]
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        yield _issue("unrecognized_keys", [], f"Unrecognized key(s) in object: {names}", keys=unknown)


def _plain(model: RunwayModel, operation: Operation) -> dict[str, Callable[[Json], Issues]]:
    """The checks of everything that is no file."""
    return {
        "promptText": lambda value: _text("promptText", value, model.prompt),
        "negativePrompt": lambda value: _text("negativePrompt", value, 1000),
        "ratio": lambda value: _ratio(operation, value),
        "resolution": lambda value: _choice("resolution", value, operation.resolutions),
        "duration": lambda value: _duration(model, value),
        "seed": lambda value: _integer("seed", value, 0, MAX_SEED),
        "audio": lambda value: _kind("audio", value, bool, "boolean"),
        "draft": lambda value: _kind("draft", value, bool, "boolean"),
        "outputFormat": lambda value: _choice("outputFormat", value, _formats(operation)),
        "contentModeration": _moderation,
        "cfgScale": _share,
        "providerSettings": _settings,
        "promptExpansionMode": lambda value: _choice("promptExpansionMode", value, ("disabled", "balanced", "quality")),
        "mode": lambda value: _choice("mode", value, operation.modes),
        "targetAspectRatio": lambda value: _choice("targetAspectRatio", value, SHAPES),
    }


def _assets(
    operation: Operation, body: Mapping[str, Json], uploads: Collection[str]
) -> dict[str, Callable[[Json], Issues]]:
    """The checks of what names files, and of what depends on another field."""
    return {
        "proresProfile": lambda value: _prores(body, value),
        "promptImage": lambda value: _images(operation, value, uploads),
        "references": lambda value: _listed("references", value, operation.references, "image", uploads),
        "referenceVideos": lambda value: _listed("referenceVideos", value, 10, "video", uploads),
        "referenceAudio": lambda value: _listed("referenceAudio", value, 10, "audio", uploads),
        "keyframes": lambda value: _keyframes(value, uploads),
        "videoUri": lambda value: _asset(["videoUri"], value, "video", uploads),
        "promptVideo": lambda value: _asset(["promptVideo"], value, "video", uploads),
    }


def _together(operation: Operation, body: Mapping[str, Json]) -> Issues:
    """The rules that bind several fields."""
    ratio, mode = body.get("ratio"), body.get("mode")
    if ratio == "adaptive" and not any(name in body for name in ("promptImage", "promptVideo", "references")):
        yield _issue("custom", ["ratio"], "adaptive is only supported with image or video references")
    if _has_keyframes(body) and operation.unplaced and "auto_480p" in operation.ratios and ":" in str(ratio):
        yield _issue(
            "custom", ["ratio"], "Keyframe image-to-video requests must use auto_480p, auto_720p, or auto_1080p"
        )
    if body.get("model") == "seedance2_5" and mode in ("extend", "edit"):
        if "ratio" in body:
            yield _issue("custom", ["ratio"], f"ratio may not be provided when mode is {mode}")
        if not body.get("promptText"):
            yield _issue("custom", ["promptText"], f"promptText is required when mode is {mode}")
        if mode == "edit" and body.get("duration") != "auto":
            yield _issue("custom", ["duration"], 'duration must be "auto" when mode is edit')
    settings = body.get("providerSettings")
    if isinstance(settings, dict) and settings.get("shotType") == "intelligence" and not body.get("promptText"):
        yield _issue("custom", ["promptText"], 'promptText is required when shotType is "intelligence"')


def _has_keyframes(body: Mapping[str, Json]) -> bool:
    images = body.get("promptImage")
    return isinstance(images, str) or (
        isinstance(images, list) and any("position" in each for each in _objects(images))
    )


def _objects(entries: Sequence[Json]) -> list[dict[str, Json]]:
    return [each for each in entries if isinstance(each, dict)]


def _formats(operation: Operation) -> tuple[str, ...]:
    return NATIVE_FORMATS if "proresProfile" in operation.optional else ("mp4", "mov")


def _issue(code: str, path: list[Json], message: str, **more: Json) -> Issue:
    return {"code": code, **more, "path": path, "message": message}


def _kind(name: str, value: Json, kind: type | tuple[type, ...], word: str) -> Issues:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        received = _word(value)
        text = f"Expected {word}, received {received}"
        yield _issue("invalid_type", [name], text, expected=word, received=received)


def _word(value: Json) -> str:
    words = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return words.get(type(value), "null")


def _text(name: str, value: Json, longest: int) -> Issues:
    wrong = list(_kind(name, value, str, "string"))
    if wrong:
        yield from wrong
    elif not value:
        text = "String must contain at least 1 character(s)"
        yield _issue("too_small", [name], text, minimum=1, type="string", inclusive=True)
    elif len(value.encode("utf-16-le", "surrogatepass")) // 2 > longest:
        text = f"String must contain at most {longest} character(s)"
        yield _issue("too_big", [name], text, maximum=longest, type="string", inclusive=True)


def _choice(name: str, value: Json, options: Sequence[Json]) -> Issues:
    if value not in options or isinstance(value, bool):
        expected = " | ".join(f"'{option}'" if isinstance(option, str) else str(option) for option in options)
        text = f"Invalid enum value. Expected {expected}, received '{value}'"
        yield _issue("invalid_enum_value", [name], text, options=list(options), received=value)


def _ratio(operation: Operation, value: Json) -> Issues:
    """Aleph's own `ratio` is any text: deprecated, and without effect."""
    return _choice("ratio", value, [*operation.ratios]) if operation.ratios else _kind("ratio", value, str, "string")


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
    if model.automatic and value == "auto":
        return iter(())
    if model.listed:
        return _choice("duration", value, model.listed)
    return _integer("duration", value, model.shortest, model.longest)


def _share(value: Json) -> Issues:
    wrong = list(_kind("cfgScale", value, (int, float), "number"))
    if wrong:
        yield from wrong
    elif not 0 <= value <= 1:
        bound, code = (
            ("less than or equal to 1", "too_big") if value > 1 else ("greater than or equal to 0", "too_small")
        )
        yield _issue(code, ["cfgScale"], f"Number must be {bound}", type="number", inclusive=True)


def _settings(value: Json) -> Issues:
    wrong = list(_kind("providerSettings", value, dict, "object"))
    if wrong:
        yield from wrong
        return
    if "shotType" in value:
        for issue in _choice("shotType", value["shotType"], ("intelligence", "customize")):
            yield issue | {"path": ["providerSettings", "shotType"]}
    shots = value.get("multiPrompt")
    if shots is None:
        return
    lengths = [shot.get("duration") for shot in _objects(shots if isinstance(shots, list) else [])]
    total = sum(length for length in lengths if isinstance(length, int))
    if not MULTISHOT[0] <= total <= MULTISHOT[1]:
        text = "Total duration across all segments must be between 3 and 15 seconds"
        yield _issue("custom", ["providerSettings", "multiPrompt"], text)


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


def _images(operation: Operation, value: Json, uploads: Collection[str]) -> Issues:
    if isinstance(value, str):
        yield from _asset(["promptImage"], value, "image", uploads)
        return
    if not isinstance(value, list) or not value:
        yield _issue("invalid_union", ["promptImage"], "Expected a string or a non-empty array of images")
        return
    placed = [entry for entry in _objects(value) if "position" in entry]
    for index, entry in enumerate(value):
        if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
            yield _issue("invalid_type", ["promptImage", index, "uri"], "Required", expected="string")
            continue
        yield from _asset(["promptImage", index, "uri"], entry["uri"], "image", uploads)
        if placed or not operation.unplaced:
            for issue in _choice("position", entry.get("position"), operation.positions):
                yield issue | {"path": ["promptImage", index, "position"]}
    if placed or not operation.unplaced:
        yield from _places([entry.get("position") for entry in _objects(value)])
    elif len(value) > operation.references:
        yield _too_many("promptImage", operation.references)


def _places(positions: Sequence[Json]) -> Issues:
    """The two rules of keyframes, in the words that a third party was told on 2026-08-13."""
    if positions.count("first") > 1 or positions.count("last") > 1:
        text = "Duplicate position values are not allowed. Each position (`first`, `last`) may only be used once."
        yield _issue("custom", ["promptImage"], text)
    elif "first" not in positions:
        yield _issue("custom", ["promptImage"], "You must specify a frame in position `first`.")


def _too_many(name: str, most: int) -> Issue:
    text = f"Array must contain at most {most} element(s)"
    return _issue("too_big", [name], text, maximum=most, type="array", inclusive=True)


def _listed(name: str, value: Json, most: int, kind: str, uploads: Collection[str]) -> Issues:
    """References: a list of objects with a `uri`, and for videos and sounds a `type`."""
    wrong = list(_kind(name, value, list, "array"))
    if wrong:
        yield from wrong
        return
    if len(value) > most:
        yield _too_many(name, most)
    for index, entry in enumerate(value):
        if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
            yield _issue("invalid_type", [name, index, "uri"], "Required", expected="string")
            continue
        yield from _asset([name, index, "uri"], entry["uri"], kind, uploads)
        if kind != "image" and entry.get("type") != kind:
            yield _issue("invalid_literal", [name, index, "type"], f"Invalid literal value, expected '{kind}'")


def _keyframes(value: Json, uploads: Collection[str]) -> Issues:
    """Aleph's: each at `seconds` or `at` a share of the source, all of them with a `range` or none."""
    yield from _listed("keyframes", value, MAX_KEYFRAMES, "image", uploads)
    entries = _objects(value if isinstance(value, list) else [])
    for index, entry in enumerate(entries):
        if ("seconds" in entry) == ("at" in entry):
            yield _issue("invalid_union", ["keyframes", index], "Exactly one of seconds and at is required")
    if len({"range" in entry for entry in entries}) > 1:
        yield _issue("custom", ["keyframes"], "All keyframes must either set a range or none may")


def _asset(path: list[Json], value: Json, kind: str, uploads: Collection[str]) -> Issues:
    if not isinstance(value, str):
        yield _issue("invalid_type", path, f"Expected string, received {_word(value)}", expected="string")
        return
    fault = trouble(value, kind, uploads)
    if fault:
        yield _issue("custom", path, fault)
