"""Where the operations of one Runway model differ in their fields; everything else is its row's own data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.outcome import Json
from core.spec import ClipSpec, ModeName
from providers.model import VideoModel

OPERATIONS: Mapping[ModeName, str] = {
    ModeName.TEXT: "text_to_video",
    # Reference images alone go with text: only there is `references` a field of every model that takes them.
    ModeName.REFERENCE: "text_to_video",
    ModeName.IMAGE: "image_to_video",
    ModeName.VIDEO: "video_to_video",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One operation of one model: fields of its row that this operation has not, and fields that it always wants."""

    unsaid: frozenset[str] = frozenset()
    also: Mapping[str, Json] = field(default_factory=dict)


_FOLLOWS_ITS_SOURCE = Route(unsaid=frozenset({"duration", "audio"}))
_ROUTES: Mapping[tuple[str, ModeName], Route] = {
    ("gemini_omni_flash", ModeName.VIDEO): _FOLLOWS_ITS_SOURCE,
    ("gemini_omni_flash_1.1", ModeName.VIDEO): Route(also={"mode": "reference"}),
    ("happyhorse_1_0", ModeName.TEXT): Route(unsaid=frozenset({"resolution"})),
    ("klingO3_standard", ModeName.VIDEO): _FOLLOWS_ITS_SOURCE,
    ("klingO3_pro", ModeName.VIDEO): _FOLLOWS_ITS_SOURCE,
    ("klingO3_4k", ModeName.VIDEO): _FOLLOWS_ITS_SOURCE,
    ("kling_4", ModeName.VIDEO): _FOLLOWS_ITS_SOURCE,
}

_BY_VIDEO_MODE: Mapping[Json, Route] = {
    # Told of Seedance 2.5; that Gemini Omni 1.1, which has the same three words, wants the same is a guess.
    "extend": Route(unsaid=frozenset({"ratio"})),
    "edit": Route(unsaid=frozenset({"ratio"}), also={"duration": "auto"}),
}
"""The option `mode`, with a source video: one continued or changed keeps its shape, one changed its length too."""


def fields(spec: ClipSpec, model: VideoModel, said: Mapping[str, Json]) -> dict[str, Json]:
    """What the row says of this clip, as its operation takes it."""
    route = _ROUTES.get((model.wire_name, spec.mode), Route())
    body = {**route.also, **_known(said, route)}
    if spec.mode is ModeName.VIDEO:
        kept = _BY_VIDEO_MODE.get(spec.vendor_options.get("mode"), Route())
        body = {**_known(body, kept), **kept.also}
    return body


def _known(said: Mapping[str, Json], route: Route) -> dict[str, Json]:
    return {name: value for name, value in said.items() if name not in route.unsaid}
