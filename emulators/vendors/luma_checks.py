"""Luma's validation of a create body: the first broken rule, as `detail` and its status."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.outcome import Json
from emulators.images import ImageHead, read_head
from emulators.spelling import is_fetchable
from emulators.vendors.luma_models import FPS, RATIOS

MAX_PROMPT = 6000
MAX_IMAGE = 50_000_000
MAX_VIDEO = 200_000_000
MAX_KEYFRAMES = 64
TYPES = {"ray-3.2": ("video", "video_edit", "video_reframe"), "uni-1": ("image", "image_edit", "layering")}
TYPES["uni-1-max"] = TYPES["uni-1"]
RESOLUTIONS = ("360p", "540p", "720p", "1080p")
SOURCE_SECONDS = {"video_edit": 18, "video_reframe": 30}
STRENGTHS = tuple(f"{band}_{level}" for band in ("adhere", "flex", "reimagine") for level in (1, 2, 3))
FORMS = ("url", "data", "generation_id", "file_id")
ANCHORS = ("start_frame", "end_frame")


class Refused(Exception):
    """A broken rule: the status and the `detail` of the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """What is known of something a body refers to."""

    data: bytes | None = None
    """None: it is not looked at, such as what lies behind an address (an emulator contacts no one)."""
    is_video: bool = False
    seconds: float = 0.0
    size: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """This account's usable files and completed generations, by id."""

    files: Mapping[str, Media] = field(default_factory=dict)
    generations: Mapping[str, Media] = field(default_factory=dict)


def check(body: Mapping[str, Json], known: Known) -> None:
    """Raises Refused for the first broken rule. Statuses of the guide to errors; most wordings are guesses."""
    kind = _kind(body)
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MAX_PROMPT:
        raise Refused(400, f"Prompt must be between 1 and {MAX_PROMPT} characters")
    ratio = body.get("aspect_ratio")
    if ratio is not None and kind != "video_edit" and ratio not in RATIOS:
        raise Refused(400, f"Invalid aspect_ratio '{ratio}'. Valid: {', '.join(RATIOS)}")
    video = body.get("video")
    if video is not None and not isinstance(video, dict):
        raise Refused(400, "video must be an object")
    video = video or {}
    _settings(kind, video)
    _source(kind, body.get("source"), known)
    if kind == "video":
        _anchors(video, known)
        _combinations(video)
    elif kind == "video_edit":
        _edit(video)
    else:
        _reframe(video, ratio)


def _kind(body: Mapping[str, Json]) -> str:
    model, kind = body.get("model") or "uni-1", body.get("type") or "image"
    if model not in TYPES:
        raise Refused(400, f"Unknown model: {model}")
    if kind not in TYPES[model]:
        raise Refused(400, f"Type '{kind}' is not supported for model '{model}'")
    if model != "ray-3.2":
        raise Refused(400, "This emulator plays ray-3.2 only")
    return str(kind)


def _settings(kind: str, video: Mapping[str, Json]) -> None:
    _choice("video.resolution", video.get("resolution"), RESOLUTIONS)
    if kind == "video":
        _choice("video.duration", video.get("duration"), ("5s", "10s"))
    for name in ("loop", "hdr", "exr_export"):
        if not isinstance(video.get(name), bool | None):
            raise Refused(400, f"video.{name} must be a boolean")
    if video.get("exr_export") and not video.get("hdr"):
        raise Refused(422, "video.exr_export requires video.hdr")
    if video.get("hdr") and video.get("resolution", "720p") not in ("720p", "1080p"):
        raise Refused(422, "video.hdr requires a resolution of 720p or 1080p")


def _choice(name: str, value: Json, choices: Iterable[str]) -> None:
    if value is not None and value not in choices:
        raise Refused(400, f"Invalid {name} '{value}'. Valid: {', '.join(sorted(choices))}")


def _source(kind: str, source: Json, known: Known) -> None:
    if kind == "video":
        if source is not None:
            raise Refused(400, "source is only valid for types 'video_edit' and 'video_reframe'")
        return
    if source is None:
        raise Refused(400, f"source is required for type '{kind}'")
    media = reference("source", source, known, video=True)
    if not media.is_video:
        raise Refused(422, "source: not a video")
    if media.seconds > SOURCE_SECONDS[kind]:
        raise Refused(422, f"source: video must be {SOURCE_SECONDS[kind]} seconds or shorter")


def reference(path: str, value: Json, known: Known, *, video: bool = False) -> Media:
    """What an `ImageRef` refers to. Raises Refused for anything but exactly one usable form."""
    given = [name for name in FORMS if isinstance(value, dict) and value.get(name) is not None]
    if not isinstance(value, dict) or len(given) != 1 or not isinstance(value[given[0]], str):
        raise Refused(400, f"{path}: provide exactly one of 'url', 'data', 'generation_id', 'file_id'")
    form, told = given[0], value[given[0]]
    kind = value.get("media_type")
    if form == "data" and not isinstance(kind, str):
        raise Refused(400, f"{path}: 'media_type' is required with 'data'")
    if form in ("url", "data") and video and not str(kind).startswith("video/"):
        raise Refused(400, f"{path}: a video 'media_type' is required")
    if form == "url":
        return _address(path, told, video)
    if form == "data":
        return _inline(path, told, video)
    found = (known.files if form == "file_id" else known.generations).get(told)
    if found is None:
        # Somebody else's and nobody's are told alike; that a prior generation must be complete is documented.
        raise Refused(400, f"{path}: {form} not found or not ready")
    return found


def _address(path: str, url: str, video: bool) -> Media:
    if not is_fetchable(url):
        raise Refused(422, f"{path}: failed to fetch URL")
    return Media(is_video=video)


def _inline(path: str, text: str, video: bool) -> Media:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, f"{path}: invalid base64 data") from None
    if len(data) > (MAX_VIDEO if video else MAX_IMAGE):
        raise Refused(413, "Video exceeds 200 MB size limit" if video else "Image exceeds 50 MB size limit")
    head = None if video else read_head(data)
    if not video and head is None:
        raise Refused(422, f"{path}: content-type is not an image")
    return Media(data=data, is_video=video, size=_pixels(head))


def _pixels(head: ImageHead | None) -> tuple[int, int] | None:
    return None if head is None else (head.width, head.height)


def _anchors(video: Mapping[str, Json], known: Known) -> None:
    for name in ANCHORS:
        if video.get(name) is not None:
            reference(f"video.{name}", video[name], known)
    if video.get("edit") is not None:
        raise Refused(400, "video.edit is only valid for type 'video_edit'")
    frames, indexes = video.get("keyframes"), video.get("keyframe_indexes")
    if frames is None and indexes is None:
        return
    if not isinstance(frames, list) or not isinstance(indexes, list) or len(frames) != len(indexes):
        raise Refused(422, "video.keyframes and video.keyframe_indexes must have the same length")
    if not 1 <= len(frames) <= MAX_KEYFRAMES:
        raise Refused(422, f"video.keyframes takes 1 to {MAX_KEYFRAMES} anchors")
    last = FPS * (10 if video.get("duration") == "10s" else 5)
    if not all(type(index) is int and 0 <= index <= last for index in indexes) or len({*indexes}) != len(indexes):
        raise Refused(422, f"video.keyframe_indexes must be unique positions from 0 to {last}")
    for position, frame in enumerate(frames):
        reference(f"video.keyframes[{position}]", frame, known)


def _combinations(video: Mapping[str, Json]) -> None:
    """The matrix of what cannot go together: 422."""
    anchors = [name for name in ANCHORS if video.get(name) is not None]
    prior = [name for name in anchors if video[name].get("generation_id") is not None]
    keyed = video.get("keyframes") is not None
    hdr, loop, long = bool(video.get("hdr")), bool(video.get("loop")), video.get("duration") == "10s"
    for together, text in (
        (long and anchors, "duration '10s' is not supported with start_frame or end_frame"),
        (long and hdr, "duration '10s' is not supported with hdr"),
        (long and loop, "duration '10s' is not supported with loop"),
        (loop and hdr, "loop is not supported with hdr"),
        (loop and "end_frame" in anchors, "loop is not supported with end_frame"),
        (keyed and (anchors or loop), "keyframes are not supported with start_frame, end_frame or loop"),
        (prior and hdr, "hdr is not supported when extending a generation"),
        (prior and len(anchors) > 1, "a generation cannot be extended together with another frame"),
    ):
        if together:
            raise Refused(422, f"video: {text}")


def _edit(video: Mapping[str, Json]) -> None:
    _forbid(video, ("loop", "end_frame", "keyframes", "source_position"), "video_edit")
    edit = video.get("edit")
    if edit is None:
        return
    if not isinstance(edit, dict):
        raise Refused(400, "video.edit must be an object")
    _choice("video.edit.strength", edit.get("strength"), STRENGTHS)
    if edit.get("auto_controls") and (edit.get("strength") is not None or edit.get("controls") is not None):
        raise Refused(422, "video.edit: auto_controls is not supported with strength or controls")


def _reframe(video: Mapping[str, Json], ratio: Json) -> None:
    _forbid(video, ("loop", "hdr", "exr_export", "edit", "keyframes", *ANCHORS), "video_reframe")
    if ratio is None:
        raise Refused(400, "aspect_ratio is required for type 'video_reframe'")
    if video.get("resolution") == "1080p" and ratio in ("9:16", "3:4"):
        raise Refused(422, f"1080p is coming soon for video_reframe to {ratio}; use 720p or lower")
    place = video.get("source_position")
    if place is None:
        return
    bounds = {"x_norm": (-2, 2), "y_norm": (-2, 2), "w_norm": (0, 2), "h_norm": (0, 2)}
    if not isinstance(place, dict) or not all(_within(place.get(name), *span) for name, span in bounds.items()):
        raise Refused(422, "video.source_position needs x_norm, y_norm, w_norm and h_norm within their bounds")


def _within(value: Json, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _forbid(video: Mapping[str, Json], names: Iterable[str], kind: str) -> None:
    for name in names:
        if video.get(name):
            raise Refused(422, f"video.{name} is not supported for type '{kind}'")
