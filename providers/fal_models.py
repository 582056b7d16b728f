"""fal's rows, and the endpoint that each of their modes is sold at. https://fal.ai/models"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.outcome import Json
from core.spec import ClipSpec
from providers.fal_homes import HOMES
from providers.fal_open import OPEN
from providers.fal_pika import PIKA
from providers.model import VideoModel

MODELS: tuple[VideoModel, ...] = tuple(sorted((*PIKA, *OPEN, *HOMES), key=lambda model: model.id))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one mode of a row is sold: what follows the row's `wire_name`, and the inputs that differ there."""

    path: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    """The row's name of an input -> this endpoint's; "" where it has none."""

    def inputs(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """These inputs under this endpoint's names."""
        named = ((self.names.get(name, name), value) for name, value in values.items())
        return {name: value for name, value in named if name}


def endpoint(spec: ClipSpec, model: VideoModel) -> Endpoint:
    """The endpoint for this clip; a row that is not in the table has its whole endpoint as its `wire_name`."""
    places = _ENDPOINTS.get(model.id, {})
    mode = f"{spec.mode} to last" if spec.last_frame else str(spec.mode)
    keys = (f"{spec.mode} {spec.resolution}", mode, str(spec.mode))
    return next((places[key] for key in keys if key in places), Endpoint())


_BY_MODE = {"text": Endpoint("/text-to-video"), "image": Endpoint("/image-to-video")}
_FROM_IMAGE = {"image": Endpoint("/image-to-video")}
_ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "fal/cogvideox-5b": _FROM_IMAGE,
    "fal/hailuo-2.3": {
        "text 768p": Endpoint("/standard/text-to-video"),
        "image 768p": Endpoint("/standard/image-to-video"),
        "text 1080p": Endpoint("/pro/text-to-video", {"duration": ""}),
        "image 1080p": Endpoint("/pro/image-to-video", {"duration": ""}),
    },
    "fal/kling-v2.1": _FROM_IMAGE,
    "fal/kling-v2.5-turbo-pro": _BY_MODE,
    "fal/ltx-2": _BY_MODE,
    "fal/ltx-2-fast": {"text": Endpoint("/text-to-video/fast"), "image": Endpoint("/image-to-video/fast")},
    "fal/minimax-video-01": _FROM_IMAGE,
    "fal/pika-v2-turbo": _BY_MODE,
    "fal/pika-v2.1": _BY_MODE,
    "fal/pika-v2.2": _BY_MODE,
    "fal/pika-v2.2-frames": {"image": Endpoint("/pikaframes")},
    "fal/pika-v2.2-scenes": {"reference": Endpoint("/pikascenes")},
    "fal/veo-3.1": {
        "image": Endpoint("/image-to-video"),
        "image to last": Endpoint("/first-last-frame-to-video", {"image_url": "first_frame_url"}),
    },
    "fal/wan-2.5": _BY_MODE,
}
