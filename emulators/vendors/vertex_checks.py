"""What the emulated Vertex makes of a `predictLongRunning` body: an order, or the text of its INVALID_ARGUMENT."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.outcome import Json
from emulators.images import read_head
from emulators.vendors.vertex_models import VeoModel

DURATIONS = (4, 6, 8)
MAX_SEED = 2**32 - 1
MAX_PROMPT = 8000
"""Characters; the limit of 1,024 tokens is that of the API by key."""
PERSONS = ("allow_all", "allow_adult", "dont_allow")


class Invalid(ValueError):
    """A body the vendor does not take; the text is its message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A body that the vendor takes. Unknown parameters are dropped: the wire has them as free-form JSON (a guess)."""

    prompt: str
    seconds: int
    aspect_ratio: str
    resolution: str
    count: int
    audio: bool
    seed: int
    storage_uri: str


def read(model: VeoModel, body: Mapping[str, Json]) -> Order:
    """The order in a body. Raises Invalid."""
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
        raise Invalid("Exactly one instance is expected.")
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise Invalid("parameters must be an object.")
    references = _instance(model, instances[0])
    order = _parameters(model, str(instances[0].get("prompt", "")), parameters)
    # The rule of the API by key, taken to hold here too.
    if order.seconds != 8 and (order.resolution != "720p" or references):
        raise Invalid("durationSeconds must be 8 for this resolution or with reference images.")
    return order


def _instance(model: VeoModel, instance: Mapping[str, Json]) -> int:
    """Checks prompt and images; how many references there are."""
    prompt, image = instance.get("prompt", ""), instance.get("image")
    if not isinstance(prompt, str) or (not prompt and image is None) or len(prompt) > MAX_PROMPT:
        raise Invalid("A text prompt is required.")
    for name in ("image", "lastFrame"):
        if instance.get(name) is not None:
            _image(name, instance[name])
    if instance.get("lastFrame") is not None and image is None:
        raise Invalid("lastFrame needs image.")
    references = instance.get("referenceImages") or []
    if not isinstance(references, list) or len(references) > model.references:
        raise Invalid(f"At most {model.references} reference images are supported by {model.name}.")
    for each in references:
        kind = str(each.get("referenceType", "")).lower() if isinstance(each, dict) else ""
        if kind not in ("asset", "style"):
            raise Invalid("referenceType must be asset or style.")
        _image("referenceImages.image", each.get("image"))
    if references and image is not None:
        raise Invalid("image and referenceImages cannot be combined.")
    return len(references)


def _image(name: str, value: Json) -> None:
    """Base64 with a type that fits, or a `gs://` address, which is not fetched."""
    members = value if isinstance(value, dict) else {}
    data, uri, kind = members.get("bytesBase64Encoded"), members.get("gcsUri"), members.get("mimeType")
    if isinstance(uri, str) and uri.startswith("gs://") and data is None:
        return
    try:
        head = read_head(base64.b64decode(data, validate=True)) if isinstance(data, str) else None
    except (binascii.Error, ValueError):
        head = None
    if head is None or head.mime_type != kind or kind not in ("image/jpeg", "image/png"):
        raise Invalid(f"Unable to process {name}: a JPEG or PNG with its mimeType is expected.")


def _parameters(model: VeoModel, prompt: str, given: Mapping[str, Json]) -> Order:
    storage = given.get("storageUri", "")
    if not isinstance(storage, str) or (storage and not storage.startswith("gs://")):
        raise Invalid("storageUri must be a Cloud Storage address.")
    _choice(given, "personGeneration", PERSONS, "allow_adult")
    return Order(
        prompt=prompt,
        seconds=_whole(given, "durationSeconds", 8, DURATIONS),
        aspect_ratio=_choice(given, "aspectRatio", ("16:9", "9:16"), "16:9"),
        resolution=_choice(given, "resolution", tuple(model.micros_per_second), "720p"),
        count=_whole(given, "sampleCount", 1, (1, 2, 3, 4)),
        audio=_boolean(given, "generateAudio"),
        seed=_seed(given.get("seed")),
        storage_uri=storage,
    )


def _choice(given: Mapping[str, Json], name: str, choices: tuple[str, ...], otherwise: str) -> str:
    value: Any = given.get(name, otherwise)
    if value not in choices:
        raise Invalid(f"Unsupported {name}: one of {', '.join(choices)} is expected.")
    return str(value)


def _whole(given: Mapping[str, Json], name: str, otherwise: int, choices: tuple[int, ...]) -> int:
    value: Any = given.get(name, otherwise)
    if isinstance(value, bool) or value not in choices:
        raise Invalid(f"Unsupported {name}: one of {', '.join(map(str, choices))} is expected.")
    return int(value)


def _boolean(given: Mapping[str, Json], name: str) -> bool:
    value = given.get(name, True)
    if not isinstance(value, bool):
        raise Invalid(f"{name} must be a boolean.")
    return value


def _seed(value: Json) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SEED:
        raise Invalid(f"seed must be from 0 to {MAX_SEED}.")
    return value
