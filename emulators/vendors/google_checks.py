"""What the emulated Interactions API makes of a create body: an order, or the vendor's refusal."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.outcome import Json
from emulators.images import read_head
from emulators.vendors.google_models import GONE, MODELS, SIZES, OmniModel

MEMBERS = frozenset(
    {
        "model",
        "input",
        "response_format",
        "response_modalities",
        "generation_config",
        "background",
        "store",
        "stream",
        "webhook_config",
        "previous_interaction_id",
        "labels",
        "service_tier",
        "continuation_token",
    }
)
VIDEO_MEMBERS = frozenset({"type", "aspect_ratio", "resolution", "duration", "delivery", "gcs_uri"})
DURATION = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)s", re.ASCII)
SHORTEST = 3


class Refused(ValueError):
    """A body the vendor does not take: status, code and text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source video: how long and of which shape it is."""

    seconds: float
    tall: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A create body that the vendor takes."""

    model: OmniModel
    prompt: str
    task: str
    images: int
    source: Source | None
    resolution: str
    aspect_ratio: str | None
    seconds: float | None
    delivery: str
    background: bool
    webhook: str
    user_metadata: Mapping[str, Json] | None
    previous: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Input:
    prompt: str = ""
    images: int = 0
    source: Source | None = None


def invalid(text: str, code: str = "invalid_request") -> Refused:
    """A plain 400."""
    return Refused(400, code, text)


def read(body: Mapping[str, Json], files: Mapping[str, bytes]) -> Order:
    """The order in a body; `files` are the uploads that are ready, by name. Raises Refused."""
    unknown = sorted(set(body) - MEMBERS)
    if unknown:
        raise invalid(f"Unknown parameter: {unknown[0]}", "parameter_unknown")
    model = _model(body.get("model"))
    given = _input(body.get("input"), files)
    chosen = _video_format(body.get("response_format", {"type": "video"}))
    background, store = _flag(body, "background", False), _flag(body, "store", True)
    if background and not store:
        raise invalid("background requires store to be true.")
    webhook, metadata = _webhook(body.get("webhook_config"), background=background)
    previous = body.get("previous_interaction_id", "")
    if not isinstance(previous, str):
        raise invalid("previous_interaction_id must be a string.")
    order = Order(
        model=model,
        prompt=given.prompt,
        task=_task(model, given, _asked_task(body.get("generation_config")), previous),
        images=given.images,
        source=given.source,
        resolution=chosen.get("resolution", "720p"),
        aspect_ratio=chosen.get("aspect_ratio"),
        seconds=_seconds(chosen.get("duration")),
        delivery=chosen.get("delivery", "inline"),
        background=background,
        webhook=webhook,
        user_metadata=metadata,
        previous=previous,
    )
    return _within_limits(order)


def _model(name: Json) -> OmniModel:
    if not isinstance(name, str) or not name:
        raise invalid("model is required.")
    if name in GONE:
        raise Refused(404, "model_not_found", f"models/{name} is no longer available.")
    if name not in MODELS:
        raise Refused(404, "model_not_found", f"models/{name} is not found for API version v1.")
    return MODELS[name]


def _input(value: Json, files: Mapping[str, bytes]) -> _Input:
    """A string, content blocks, or turns of the user with content blocks."""
    if isinstance(value, str) and value:
        return _Input(prompt=value)
    if not isinstance(value, list) or not value:
        raise invalid("input is required.")
    given = _Input()
    for block in value:
        turn = isinstance(block, dict) and block.get("type") == "user_input"
        contents = block.get("content") if turn else [block]
        if not isinstance(contents, list):
            raise invalid("content must be a list.")
        for content in contents:
            given = _with(given, content, files)
    if not given.prompt:
        raise invalid("The input holds no text.")
    return given


def _with(given: _Input, content: Json, files: Mapping[str, bytes]) -> _Input:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "text" and isinstance(content.get("text"), str):
        return replace(given, prompt=" ".join(filter(None, (given.prompt, content["text"]))))
    if kind not in ("image", "video"):
        raise invalid(f"Unsupported content type: {kind}.")
    data = _bytes(content, files)
    if kind == "video":
        if given.source is not None:
            raise invalid("Only one source video is supported.")
        return replace(given, source=_source(data))
    head = None if data is None else read_head(data)
    told = content.get("mime_type")
    if data is not None and (head is None or told not in (None, head.mime_type)):
        raise invalid("Unable to process input image.")
    return replace(given, images=given.images + 1)


def _bytes(content: Mapping[str, Json], files: Mapping[str, bytes]) -> bytes | None:
    """The bytes of a block; None for an address elsewhere, which an emulator does not fetch."""
    data, uri = content.get("data"), content.get("uri")
    if isinstance(data, str) == isinstance(uri, str):
        raise invalid("A media block needs data or a uri.")
    if isinstance(data, str):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise invalid("data is not valid base64.") from None
    name = re.search(r"files/([a-z0-9-]+)", str(uri))
    if name is not None and name[1] in files:
        return files[name[1]]
    if name is not None or not str(uri).startswith("https://"):
        raise Refused(400, "failed_precondition", "The File is not in an ACTIVE state and usage is not allowed.")
    return None


def _source(data: bytes | None) -> Source:
    """Length and shape of an MP4, read from its boxes; a video elsewhere is taken to last five seconds."""
    if data is None:
        return Source(seconds=5, tall=False)
    movie, track = data.find(b"mvhd"), data.find(b"tkhd")
    if movie < 4 or track < 4:
        raise invalid("Unable to process input video.")
    wide = data[movie + 4] == 1
    at = movie + (24 if wide else 16)
    scale = int.from_bytes(data[at : at + 4], "big")
    length = int.from_bytes(data[at + 4 : at + (12 if wide else 8)], "big")
    end = track - 4 + int.from_bytes(data[track - 4 : track], "big")
    width, height = (int.from_bytes(data[end - back : end - back + 2], "big") for back in (8, 4))
    if not scale or not length:
        raise invalid("Unable to process input video.")
    return Source(seconds=round(length / scale, 3), tall=height > width)


def _video_format(value: Json) -> Mapping[str, Any]:
    listed: Sequence[Json] = value if isinstance(value, list) else [value]
    found = next((each for each in listed if isinstance(each, dict) and each.get("type") == "video"), None)
    if found is None:
        raise invalid("response_format must have type video for this model.")
    unknown = sorted(set(found) - VIDEO_MEMBERS)
    if unknown:
        raise invalid(f"Unknown parameter: response_format.{unknown[0]}", "parameter_unknown")
    for name, choices in (
        ("aspect_ratio", ("16:9", "9:16")),
        ("resolution", tuple(SIZES)),
        ("delivery", ("inline", "uri")),
    ):
        if name in found and found[name] not in choices:
            raise invalid(f"response_format.{name} must be one of {', '.join(choices)}.")
    return found


def _seconds(value: Json) -> float | None:
    """A protobuf Duration."""
    if value is None:
        return None
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid('Invalid value at "response_format.duration": a Duration such as "5s" is expected.')
    return float(match[1])


def _flag(body: Mapping[str, Json], name: str, otherwise: bool) -> bool:
    value = body.get(name, otherwise)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean.")
    return value


def _webhook(value: Json, *, background: bool) -> tuple[str, Mapping[str, Json] | None]:
    if value is None:
        return "", None
    uris = value.get("uris") if isinstance(value, dict) else None
    if not isinstance(uris, list) or not uris or not all(_is_hook(uri) for uri in uris):
        raise invalid("webhook_config.uris must hold HTTPS addresses.")
    if not background:
        raise invalid("webhook_config requires background to be true.")
    metadata = value.get("user_metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise invalid("webhook_config.user_metadata must be an object.")
    return uris[0], metadata


def _is_hook(uri: Json) -> bool:
    """HTTPS, as the vendor wants it; plain HTTP on loopback, which only an emulator can reach."""
    return isinstance(uri, str) and uri.startswith(
        ("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")
    )


def _asked_task(config: Json) -> str | None:
    if config is None:
        return None
    video = config.get("video_config", {}) if isinstance(config, dict) else None
    task = video.get("task") if isinstance(video, dict) else 0
    if task is not None and not isinstance(task, str):
        raise invalid("generation_config.video_config.task must be a string.")
    return task


def _task(model: OmniModel, given: _Input, asked: str | None, previous: str) -> str:
    """What is asked for, or what the inputs suggest; it must have the inputs it needs."""
    usual = "edit" if given.source is not None or previous else "image_to_video" if given.images else "text_to_video"
    task = asked or usual
    if task not in model.tasks:
        raise invalid(f"generation_config.video_config.task must be one of {', '.join(sorted(model.tasks))}.")
    has_video = given.source is not None or bool(previous)
    needs = {"image_to_video": bool(given.images), "reference_to_video": bool(given.images), "text_to_video": True}
    if not needs.get(task, has_video) or (task in needs and given.source is not None):
        raise invalid(f"The input does not fit the task {task}.")
    return task


def _within_limits(order: Order) -> Order:
    model, frames = order.model, order.prompt.count("_FRAME>")
    references = order.images if order.task != "image_to_video" else max(order.images - max(min(frames, 2), 1), 0)
    if references > model.references:
        raise invalid(f"At most {model.references} reference images are supported.")
    if order.source is not None and order.source.seconds > model.longest_source + 0.5:
        raise invalid(f"Input videos must be {model.longest_source:g} seconds or less.")
    between = order.task == "image_to_video" and "<LAST_FRAME>" in order.prompt
    longest = model.longest.get("interpolation" if between else order.task)
    if longest is not None and order.seconds is not None and not SHORTEST <= order.seconds <= longest:
        raise Refused(416, "out_of_range", f"response_format.duration must be from {SHORTEST}s to {longest}s.")
    return order
