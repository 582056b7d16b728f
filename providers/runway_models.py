"""Runway's catalogue rows, from its SDK 5.24 and its documentation. https://docs.dev.runwayml.com/guides/models"""

from datetime import date

from providers.model import CancelCost, Lifecycle, LifecycleState, Mode, Option, Span, VideoModel
from providers.runway_google import GOOGLE
from providers.runway_kling import KLING
from providers.runway_others import OTHERS
from providers.runway_parts import (
    CHECKED,
    COMMON,
    MODERATION,
    SIX,
    VIDEO_LIMIT,
    WIDE_TALL,
    Source,
    credits_per_second,
    from_input,
    sizes,
)
from providers.runway_seedance import SEEDANCE

_WHOLE_SECONDS = Span(low=2, high=10)
_WIDE = sizes("720p", WIDE_TALL, "1280:720 720:1280")
_SIX = {**_WIDE, **sizes("720p", SIX, "1584:672 1280:720 1104:832 960:960 832:1104 720:1280")}
_WIRE = {"prompt": "promptText", "duration": "duration", "size": "ratio", "seed": "seed", "first_frame": "promptImage"}
_TABLE = "third-party table of Runway credits"
_SHAPES = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")


def _retired(
    name: str, family: str, title: str, when: date, successor: str, rank: int, speed: str, notes: str = ""
) -> VideoModel:
    """A model that is no longer sold."""
    return VideoModel(
        id=f"runway/{name}",
        provider="runway",
        wire_name=name,
        family=family,
        title=title,
        checked=CHECKED,
        lifecycle=Lifecycle(state=LifecycleState.RETIRED, retires=when, successor=successor),
        wire={},
        prompt_limit=1000,
        prompt_utf16=True,
        prices=(),
        cancel_cost=CancelCost.NOTHING_UNLESS_STARTED,
        quality_rank=rank,
        speed_class=speed,
        best_for="nothing any more",
        typical_seconds=(60, 240),
        deadline_seconds=1200,
        notes=notes,
    )


# Both left the SDK on 2026-06-10; the end date is told by third parties, not by Runway.
_END_OF_GEN_3 = date(2026, 7, 30)
# Left the SDK after version 5.13.0 of this day; the exact day at the API is not known.
_END_OF_VEO_3 = date(2026, 7, 27)

# Act-Two (`act_two` at /v1/character_performance, 5 credits a second) is not offered: it must have a character's
# picture or video beside the performance to copy, takes no prompt, and a row cannot ask for two inputs at once.
_NATIVE: tuple[VideoModel, ...] = (
    _retired(
        "gen3a_turbo",
        "gen3a-turbo",
        "Runway Gen-3 Alpha Turbo",
        _END_OF_GEN_3,
        "runway/gen4_turbo",
        48,
        "fast",
        "Its ratios 1280:768 and 768:1280 are gone with it.",
    ),
    _retired("gen4_aleph", "gen4-aleph", "Runway Gen-4 Aleph", _END_OF_GEN_3, "runway/aleph2", 38, "medium"),
    _retired("veo3", "veo-3", "Google Veo 3 at Runway", _END_OF_VEO_3, "runway/veo3.1", 7, "slow"),
    VideoModel(
        **COMMON,
        id="runway/aleph2",
        wire_name="aleph2",
        family="aleph-2",
        title="Runway Aleph 2",
        # The clip lasts as long as its source; where that is not known, 30 s are held. Its size is not told.
        video=Mode(
            durations=Span(low=2, high=30), sizes=from_input("720p"), ratio_from_image=True, default_duration=30
        ),
        wire={"prompt": "promptText", "seed": "seed", "source_video": "videoUri"},
        # `keyframes`, a list of guiding pictures, cannot be given as an option.
        options={**MODERATION, "targetAspectRatio": Option(kind=str, choices=_SHAPES)},
        # From third parties; the SDK gives no number.
        prompt_limit=1000,
        source_seconds=30,
        source_limit=VIDEO_LIMIT,
        prices=(credits_per_second(Source(date(2026, 9, 15), _TABLE), "28", least="56"),),
        quality_rank=9,
        speed_class="medium",
        best_for="changing what is seen in a video of up to 30 s and nothing else",
        typical_seconds=(90, 300),
        deadline_seconds=1500,
        notes="Lasts as long as its source and has its shape; `targetAspectRatio` paints what another shape lacks. No "
        "edit costs less than 2 s. Whether the source's sound stays is not documented.",
    ),
    VideoModel(
        **COMMON,
        id="runway/gen4.5",
        wire_name="gen4.5",
        family="gen4.5",
        title="Runway Gen-4.5",
        text=Mode(durations=_WHOLE_SECONDS, sizes=_WIDE, default_duration=5),
        image=Mode(durations=_WHOLE_SECONDS, sizes=_SIX, default_duration=5),
        wire=_WIRE,
        options=MODERATION,
        prompt_limit=1000,
        prices=(credits_per_second(Source(date(2026, 9, 9), _TABLE), "12"),),
        quality_rank=2,
        speed_class="medium",
        best_for="text or image to any whole length from 2 to 10 seconds",
        typical_seconds=(75, 180),
        deadline_seconds=900,
        notes="Non-MP4 output formats are not offered: they carry a surcharge per second.",
    ),
    VideoModel(
        **COMMON,
        id="runway/gen4_turbo",
        wire_name="gen4_turbo",
        family="gen4-turbo",
        title="Runway Gen-4 Turbo",
        # The range is from third-party docs; the SDK's type is a bare int.
        image=Mode(durations=_WHOLE_SECONDS, sizes=_SIX, default_duration=5),
        wire=_WIRE,
        options=MODERATION,
        prompt_limit=1000,
        prices=(credits_per_second(Source(date(2026, 9, 6), _TABLE), "5"),),
        quality_rank=44,
        speed_class="fast",
        best_for="a quick, cheap move of one image",
        typical_seconds=(40, 90),
        deadline_seconds=900,
    ),
)

MODELS: tuple[VideoModel, ...] = tuple(
    sorted((*_NATIVE, *GOOGLE, *KLING, *SEEDANCE, *OTHERS), key=lambda model: model.id)
)
"""Credits per second are from third parties or the vendor's skills repository: re-check before billing tenants."""
