"""Sora's rows: alive behind whoever still speaks OpenAI's Videos API, gone at OpenAI itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.spec import Quality
from providers.model import (
    CancelCost,
    Choices,
    Lifecycle,
    LifecycleState,
    MediaForm,
    Mode,
    Option,
    Price,
    Unit,
    VideoModel,
)

_CHECKED = date(2026, 11, 21)
_LAST_LIST = date(2026, 9, 16)
"""The day of the newest copy of OpenAI's price list; what an upstream charges is between it and the operator."""

_SECONDS = Choices((4, 8, 12, 16, 20))
"""The API's own type ends at 12, OpenAI's guide at 20. An upstream that does not know a length refuses it for free."""
_SPOKEN: Mapping[object, object] = {4: "4", 8: "8", 12: "12", 16: "16", 20: "20"}
"""`seconds` is a string; a number is refused."""

_HD = {("16:9", "720p"): (1280, 720), ("9:16", "720p"): (720, 1280)}
_PRO = {
    **_HD,
    ("7:4", "1024p"): (1792, 1024),
    ("4:7", "1024p"): (1024, 1792),
    # From the guide; the API's own type ends at 1792x1024.
    ("16:9", "1080p"): (1920, 1080),
    ("9:16", "1080p"): (1080, 1920),
}


def _per_second(usd: str, resolution: str) -> Price:
    return Price(
        usd=Decimal(usd),
        unit=Unit.SECOND,
        since=_LAST_LIST,
        checked=_CHECKED,
        source="assumed: OpenAI's last list price, told by its model page and a copy of its pricing page",
        when={"resolution": resolution},
    )


_SORA_2 = VideoModel(
    id="openai-compatible/sora-2",
    provider="openai-compatible",
    wire_name="sora-2",
    family="sora-2",
    title="Sora 2",
    checked=_CHECKED,
    text=Mode(durations=_SECONDS, sizes=_HD),
    image=Mode(durations=_SECONDS, sizes=_HD),
    has_audio=True,
    wire={"prompt": "prompt", "duration": "seconds", "size": "size", "first_frame": "input_reference"},
    spellings={"duration": _SPOKEN},
    options={
        # In OpenAI's guide only: ids of characters made before, at most two, here with a comma between them.
        "characters": Option(kind=str),
    },
    prompt_limit=32_000,
    media_forms=(MediaForm.INLINE,),
    exact_frames=True,
    prices=(_per_second("0.10", "720p"),),
    # Nothing stops a job: what was begun is made and charged.
    cancel_cost=CancelCost.BY_USAGE,
    quality_rank=20,
    speed_class="medium",
    best_for="text or one image to a shot with its own sound",
    # 80 s for 4 s of video, and queues beyond ten minutes, are told by third parties.
    typical_seconds=(90, 300),
    deadline_seconds=1800,
    notes="Sound is always there. A first frame is cut to the clip's size; images with human faces are refused. "
    "Cannot be cancelled.",
)
_SORA_2_PRO = replace(
    _SORA_2,
    id="openai-compatible/sora-2-pro",
    wire_name="sora-2-pro",
    family="sora-2-pro",
    title="Sora 2 Pro",
    text=Mode(durations=_SECONDS, sizes=_PRO),
    image=Mode(durations=_SECONDS, sizes=_PRO),
    qualities={Quality.DRAFT: "720p", Quality.STANDARD: "720p", Quality.HIGH: "1080p", Quality.PREMIUM: "1080p"},
    prices=(_per_second("0.30", "720p"), _per_second("0.50", "1024p"), _per_second("0.70", "1080p")),
    quality_rank=10,
    speed_class="slow",
    best_for="the finer Sora, up to 1080p, with its own sound",
    typical_seconds=(180, 600),
    deadline_seconds=2700,
    default_fallbacks=("openai-compatible/sora-2",),
)


def rows_of(provider: str) -> tuple[VideoModel, ...]:
    """The rows of one upstream, under its own name."""
    return tuple(
        replace(
            row,
            id=f"{provider}/{row.wire_name}",
            provider=provider,
            default_fallbacks=tuple(f"{provider}/{name.partition('/')[2]}" for name in row.default_fallbacks),
        )
        for row in (_SORA_2, _SORA_2_PRO)
    )


def _retired(row: VideoModel) -> VideoModel:
    return replace(
        row,
        id=f"openai/{row.wire_name}",
        provider="openai",
        title=f"{row.title} at OpenAI",
        lifecycle=Lifecycle(
            state=LifecycleState.RETIRED,
            # OpenAI names no replacement: this is what another vendor sells at the price of Sora 2.
            retires=date(2026, 9, 24),
            successor="google/gemini-omni-1.1-flash",
        ),
        text=None,
        image=None,
        wire={},
        spellings={},
        options={},
        qualities={},
        prices=(),
        best_for="nothing any more",
        default_fallbacks=(),
        notes="OpenAI shut its Videos API down; other gateways still speak it: openai-compatible/… with your base URL.",
    )


MODELS = rows_of("openai-compatible")
RETIRED = tuple(map(_retired, MODELS))
