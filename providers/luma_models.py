"""Luma Agents' catalogue rows: Ray 3.2 making, editing and reframing. https://docs.agents.lumalabs.ai/guides/model/"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from core.spec import Quality
from providers.model import CancelCost, Choices, MediaForm, Mode, Option, Price, Span, Unit, VideoModel

RATIOS: Mapping[str, float] = {
    "16:9": 16 / 9,
    "9:16": 9 / 16,
    "4:3": 4 / 3,
    "1:1": 1,
    "3:4": 3 / 4,
    "21:9": 21 / 9,
    "9:21": 9 / 21,
}
_SIX = tuple(RATIOS)[:-1]
_AREAS: Mapping[str, tuple[int, int]] = {
    "360p": (640, 360),
    "540p": (960, 540),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4k": (3840, 2160),
}


def sizes(ratios: Iterable[str], resolutions: Iterable[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """Every ratio at every resolution, in pixels.

    The vendor publishes no pixel sizes. 16:9 follows from the legacy API's price per pixel; the other ratios are taken
    to have the same area, in multiples of 16.
    """
    resolutions = tuple(resolutions)
    return {(ratio, resolution): _size(ratio, *_AREAS[resolution]) for resolution in resolutions for ratio in ratios}


def _size(ratio: str, width: int, height: int) -> tuple[int, int]:
    if ratio in ("16:9", "9:16"):
        return (width, height) if ratio == "16:9" else (height, width)
    wide = (width * height * RATIOS[ratio]) ** 0.5
    return _sixteenths(wide), _sixteenths(wide / RATIOS[ratio])


def _sixteenths(pixels: float) -> int:
    return 16 * round(pixels / 16)


_CHECKED = date(2026, 11, 21)
_SEEN = date(2026, 7, 10)
_GUIDE = "docs.agents.lumalabs.ai/guides/pricing, told by a third party"
_SHOPS = "price pages of Comfy and Runware"
_SHOPS_SEEN = date(2026, 8, 21)


def _clip(usd: str, resolution: str, seconds: int, *, hdr: bool = False) -> Price:
    """A flat price of one generation; 360p is told by resellers only."""
    draft = resolution == "360p"
    when: dict[str, object] = {"resolution": resolution, "duration": seconds}
    return Price(
        usd=Decimal(usd),
        unit=Unit.VIDEO,
        since=_SHOPS_SEEN if draft else _SEEN,
        checked=_CHECKED,
        source=_SHOPS if draft else _GUIDE,
        when=when | ({"hdr": True} if hdr else {}),
    )


def _per_second(usd: str, resolution: str) -> Price:
    return Price(
        usd=Decimal(usd),
        unit=Unit.SECOND,
        since=_SEEN,
        checked=_CHECKED,
        source=_GUIDE,
        when={"resolution": resolution},
    )


def _edit_prices() -> Iterator[Price]:
    """The price of each 5 s begun, as a flat price of every length.

    5 s are told by the vendor's guide, 10 s at twice that by resellers; that 7 s cost what 10 s do is a guess, on the
    safe side of the other one, so much for each second.
    """
    for resolution, block in (("540p", "0.72"), ("720p", "1.08"), ("1080p", "2.16")):
        for seconds in range(1, _LONGEST_EDIT + 1):
            blocks = -(-seconds // 5)
            yield Price(
                usd=Decimal(block) * blocks,
                unit=Unit.VIDEO,
                since=_SEEN,
                checked=_CHECKED,
                source=_GUIDE if seconds == 5 else f"assumed: so much for each 5 s begun; {_GUIDE}",
                when={"resolution": resolution, "duration": seconds},
            )


def _generation_prices() -> Iterator[Price]:
    for resolution, five, ten in (
        ("360p", "0.06", "0.18"),
        ("540p", "0.15", "0.45"),
        ("720p", "0.30", "0.90"),
        ("1080p", "1.20", "3.60"),
    ):
        yield _clip(five, resolution, 5)
        yield _clip(ten, resolution, 10)
    yield _clip("0.60", "720p", 5, hdr=True)
    yield _clip("2.40", "1080p", 5, hdr=True)


_SPOKEN: Mapping[str, Mapping[object, object]] = {"duration": {5: "5s", 10: "10s"}}
_TIERS = {Quality.STANDARD: "720p", Quality.HIGH: "1080p", Quality.PREMIUM: "1080p"}
_FULL = ("720p", "1080p", "540p")
"""360p editing and reframing exist, but nobody states their prices."""
_PROMPT = 6000
_LONGEST_EDIT = 18
_IMAGE = 50_000_000 * 4 // 3
"""50 MB of image bytes as base64."""
_VIDEO = 200_000_000
_FORMS = (MediaForm.URI, MediaForm.INLINE, MediaForm.UPLOAD)
_PRIOR = Option(kind=dict, fields={"generation_id": Option(kind=str, own_job=True)})
_SHARE = Option(kind=float, low=0, high=1)
_SWITCH = Option(kind=bool)
_BANDS = ("adhere", "flex", "reimagine")
_CONTROLS = Option(
    kind=dict,
    fields={
        "pose": Option(
            kind=dict, fields={"enabled": _SWITCH, "strength": Option(kind=str, choices=("precise", "coarse"))}
        ),
        "depth": Option(kind=dict, fields={"enabled": _SWITCH, "blur": _SHARE}),
        "normals": Option(kind=dict, fields={"enabled": _SWITCH, "augmentation": _SHARE}),
        "trajectory": Option(kind=dict, fields={"enabled": _SWITCH, "sparsity": _SHARE}),
        "face": Option(kind=dict, fields={"enabled": _SWITCH}),
    },
)
_CORNER, _SIDE = Option(kind=float, low=-2, high=2), Option(kind=float, low=0, high=2)

MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        id="luma/ray-3.2",
        provider="luma",
        wire_name="ray-3.2",
        family="ray-3.2",
        title="Luma Ray 3.2",
        checked=_CHECKED,
        text=Mode(durations=Choices((5, 10)), sizes=sizes(_SIX, ("720p", "1080p", "540p", "360p"))),
        # That the clip takes its anchors' shape is told by Luma's own page at Replicate; Luma's guide shows
        # `aspect_ratio` beside `start_frame` without a word on which one wins.
        image=Mode(
            durations=Choices((5, 10)),
            sizes=sizes(("16:9",), ("720p", "1080p", "540p", "360p")),
            ratio_from_image=True,
        ),
        fps=24,
        wire={
            "prompt": "prompt",
            "aspect_ratio": "aspect_ratio",
            "duration": "video.duration",
            "resolution": "video.resolution",
            "first_frame": "video.start_frame",
            "last_frame": "video.end_frame",
        },
        spellings=_SPOKEN,
        constants={"type": "video"},
        qualities={Quality.DRAFT: "360p", **_TIERS},
        # Refused by the vendor, without a charge: loop with 10 s, hdr or a last frame; hdr with 10 s, 360p or 540p;
        # a prior generation with 10 s, hdr or another frame. `exr_export` is left out: it is a second file, charged
        # extra, and one clip is kept.
        options={"loop": _SWITCH, "hdr": _SWITCH, "start_frame": _PRIOR, "end_frame": _PRIOR},
        prompt_limit=_PROMPT,
        media_forms=_FORMS,
        inline_limit=_IMAGE,
        prices=tuple(_generation_prices()),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=8,
        speed_class="medium",
        best_for="cinematic shots from text or frames, in six shapes, cheap to draft at 360p",
        # "A typical 5 s clip at 720p takes under two minutes": the vendor's guide of 2026-06-11.
        typical_seconds=(90, 240),
        deadline_seconds=1200,
        notes="Silent. `start_frame` or `end_frame` with a `generation_id` of this account extends that clip by 5 s, "
        "forwards or backwards. A clip cannot be cancelled at the vendor. HDR needs access and 5 s at 720p or 1080p.",
    ),
    VideoModel(
        id="luma/ray-3.2-edit",
        provider="luma",
        wire_name="ray-3.2",
        family="ray-3.2-edit",
        title="Luma Ray 3.2 Edit",
        checked=_CHECKED,
        video=Mode(
            durations=Span(low=1, high=_LONGEST_EDIT),
            sizes=sizes(("16:9",), _FULL),
            ratio_from_image=True,
            # The source decides. Where its length is not known, the longest one is held.
            default_duration=_LONGEST_EDIT,
        ),
        fps=24,
        wire={"prompt": "prompt", "resolution": "video.resolution", "source_video": "source"},
        constants={"type": "video_edit"},
        qualities=_TIERS,
        options={
            "edit": Option(
                kind=dict,
                fields={
                    "auto_controls": _SWITCH,
                    "strength": Option(
                        kind=str, choices=tuple(f"{band}_{level}" for band in _BANDS for level in (1, 2, 3))
                    ),
                    "controls": _CONTROLS,
                },
            )
        },
        prompt_limit=_PROMPT,
        media_forms=_FORMS,
        source_seconds=_LONGEST_EDIT,
        source_limit=_VIDEO,
        prices=tuple(_edit_prices()),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=8,
        speed_class="slow",
        best_for="a new look for an existing clip that keeps its motion",
        typical_seconds=(120, 360),
        deadline_seconds=1800,
        notes="Lasts as long as its source and has its shape. Without an `edit` option the controls are automatic. "
        "HDR and guide frames are not offered: their prices are not published.",
    ),
    VideoModel(
        id="luma/ray-3.2-reframe",
        provider="luma",
        wire_name="ray-3.2",
        family="ray-3.2-reframe",
        title="Luma Ray 3.2 Reframe",
        checked=_CHECKED,
        video=Mode(
            durations=Span(low=1, high=30),
            # 1080p is not to be had upright ("coming soon" in the vendor's guide), and elsewhere still rolling out.
            sizes=sizes(_SIX, ("720p",)) | sizes(("16:9", "4:3", "1:1", "21:9"), ("1080p",)) | sizes(_SIX, ("540p",)),
            default_duration=30,
        ),
        fps=24,
        wire={
            "prompt": "prompt",
            "aspect_ratio": "aspect_ratio",
            "resolution": "video.resolution",
            "source_video": "source",
        },
        constants={"type": "video_reframe"},
        qualities=_TIERS,
        options={
            "source_position": Option(
                kind=dict, fields={"x_norm": _CORNER, "y_norm": _CORNER, "w_norm": _SIDE, "h_norm": _SIDE}
            )
        },
        prompt_limit=_PROMPT,
        media_forms=_FORMS,
        source_seconds=30,
        source_limit=_VIDEO,
        prices=(_per_second("0.06", "540p"), _per_second("0.12", "720p"), _per_second("0.36", "1080p")),
        cancel_cost=CancelCost.BY_USAGE,
        quality_rank=8,
        speed_class="slow",
        best_for="the same clip in another shape, its new margins painted",
        typical_seconds=(120, 360),
        deadline_seconds=1800,
        notes="Lasts as long as its source. The aspect ratio must differ from the source's.",
    ),
)
