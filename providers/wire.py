"""A resolved spec in one vendor's words, by the row's own tables."""

import base64
from collections.abc import Mapping

from core.outcome import Json
from core.spec import ClipSpec, MediaInput
from providers import durations
from providers.model import Frames, VideoModel


def words(spec: ClipSpec, model: VideoModel) -> dict[str, Json]:
    """Our words that this row can say, each with its value as the vendor spells it."""
    width, height = _size(spec, model)
    said: dict[str, Json] = {
        "prompt": spec.prompt if model.prompt_limit else None,
        "duration": _duration(spec, model),
        "aspect_ratio": spec.aspect_ratio,
        "resolution": spec.resolution,
        "fps": _whole(spec.fps),
        "seed": spec.seed,
        "negative_prompt": spec.negative_prompt,
        "motion": model.motions.get(spec.motion) if spec.motion else None,
        "audio": spec.audio,
        "first_frame": media_uri(spec.first_frame) if spec.first_frame else None,
        "last_frame": media_uri(spec.last_frame) if spec.last_frame else None,
        "reference_images": [media_uri(image) for image in spec.references] or None,
        "source_video": media_uri(spec.source_video) if spec.source_video else None,
        "size": model.size_format.format(width=width, height=height) if width else None,
        "width": width,
        "height": height,
    }
    return {
        word: _spelling(model.spellings.get(word), value)
        for word, value in said.items()
        if value is not None and word in model.wire
    }


def body(spec: ClipSpec, model: VideoModel) -> dict[str, Json]:
    """The vendor's inputs: the row's constants, then our words under their wire names, then the vendor options."""
    named = {model.wire[word]: value for word, value in words(spec, model).items()}
    return {**model.constants, **named, **spec.vendor_options}


def media_uri(media: MediaInput) -> str:
    """The address of an input file; inline bytes become a `data:` URI."""
    if media.uri:
        return media.uri
    return f"data:{media.mime_type};base64,{base64.b64encode(media.data).decode('ascii')}"


def data_uri_length(media: MediaInput) -> int:
    """How long the `data:` URI of an inline file will be, in characters."""
    return len(f"data:{media.mime_type};base64,") + 4 * (((media.size or len(media.data)) + 2) // 3)


def _size(spec: ClipSpec, model: VideoModel) -> tuple[int | None, int | None]:
    """The pixels of the ratio and resolution that are asked for."""
    mode = model.mode(spec.mode)
    shape = (spec.aspect_ratio or "", spec.resolution or "")
    return mode.sizes.get(shape, (None, None)) if mode is not None else (None, None)


def _duration(spec: ClipSpec, model: VideoModel) -> Json:
    mode = model.mode(spec.mode)
    if spec.duration is None or mode is None:
        return None
    offered = mode.durations_of(spec.resolution)
    return durations.frames(offered, spec.duration) if isinstance(offered, Frames) else _whole(spec.duration)


def _whole(number: float | None) -> Json:
    """5.0 as 5: vendors check for integers."""
    return int(number) if number is not None and float(number).is_integer() else number


def _spelling(spellings: Mapping[object, object] | None, value: Json) -> Json:
    return value if spellings is None or isinstance(value, list) else spellings.get(value, value)
