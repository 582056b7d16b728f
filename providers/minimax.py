"""MiniMax's own API: Hailuo 2.3, 02 and the 01 series. https://platform.minimax.io/docs/api-reference/video-generation-intro

Where a fact is from: [docs] the vendor's reference, as copies of 2025-11 to 2026-08 show it; [MCP] and [CLI] the
vendor's own clients MiniMax-AI/MiniMax-MCP and MiniMax-AI/cli; [3P] third parties; [guess] nobody says.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar, TypedDict, TypeGuard

from core.errors import Billed, Failure, FailureReason, PolicyStage
from core.outcome import (
    Accepted,
    Ambiguous,
    Auth,
    Failed,
    Finished,
    Json,
    Outcome,
    Pending,
    Ready,
    Refused,
    Reply,
    Request,
    Stage,
    Submitted,
    Ticket,
)
from core.spec import ClipSpec, Quality
from providers import wire
from providers.base import MESSAGES, BaseVideoProvider, is_task_id, readable, retry_after
from providers.model import CancelCost, Choices, MediaForm, Mode, Option, Price, Unit, VideoModel

_READ = date(2026, 8, 18)
_TEXT_SIZES = {("16:9", "768p"): (1366, 768), ("16:9", "1080p"): (1920, 1080)}
"""Text takes no ratio and makes 16:9. 1920x1080 stands in [docs]; 1366x768 is told by [3P]."""
_SIZES_02 = {**_TEXT_SIZES, ("16:9", "512p"): (912, 512)}
"""512P is for images only [docs]; its pixels are a [guess]."""
_SPOKEN: Mapping[str, Mapping[object, object]] = {
    "resolution": {"512p": "512P", "768p": "768P", "1080p": "1080P"},
}
_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "resolution": "resolution",
    "first_frame": "first_frame_image",
}
_SWITCH = Option(kind=bool)
_01_SIZES = {("16:9", "720p"): (1280, 720)}
"""720P, always 6 s [docs]; the pixels are told by [3P], and that a subject's clip is 16:9 is a [guess]."""
_FROM_IMAGE = "Image only, always 6 s at 720p; the shape is the image's."


class _Common(TypedDict):
    """The members that every row has alike."""

    provider: str
    checked: date
    fps: float
    spellings: Mapping[str, Mapping[object, object]]
    qualities: Mapping[Quality, str]
    options: Mapping[str, Option]
    prompt_limit: int
    media_forms: tuple[MediaForm, ...]
    inline_limit: int
    cancel_cost: CancelCost


_COMMON: _Common = {
    "provider": "minimax",
    "checked": date(2026, 11, 21),
    "fps": 24,  # [3P]
    "spellings": _SPOKEN,
    "qualities": {Quality.DRAFT: "768p", Quality.STANDARD: "768p", Quality.HIGH: "1080p", Quality.PREMIUM: "1080p"},
    "options": {"prompt_optimizer": _SWITCH, "fast_pretreatment": _SWITCH, "aigc_watermark": _SWITCH},
    "prompt_limit": 2000,  # [docs]
    # Address or data URI, JPEG, PNG or WebP, less than 20 MB [docs]. A short side of 300 pixels or less, or a shape
    # beyond 2:5 to 5:2, is refused by the vendor without a charge. Its files API takes no image for these models.
    "media_forms": (MediaForm.URI, MediaForm.INLINE),
    "inline_limit": 20_000_000 * 4 // 3,
    "cancel_cost": CancelCost.BY_USAGE,
}


def _mode(sizes: Mapping[tuple[str, str], tuple[int, int]] = _TEXT_SIZES, *, from_image: bool = False) -> Mode:
    """6 or 10 s, but at 1080P only 6 [docs]."""
    return Mode(
        durations=Choices((6, 10)), sizes=sizes, durations_at={"1080p": Choices((6,))}, ratio_from_image=from_image
    )


def _clip(usd: str, resolution: str, seconds: int) -> Price:
    """The price of a whole clip."""
    return Price(
        usd=Decimal(usd),
        unit=Unit.VIDEO,
        since=_READ,
        checked=_READ,
        source="platform.minimax.io/docs/guides/pricing-paygo, read by two third parties",
        when={"resolution": resolution, "duration": seconds},
    )


def _01_mode(*, from_image: bool = False) -> Mode:
    return Mode(durations=Choices((6,)), sizes=_01_SIZES, ratio_from_image=from_image)


def _01(
    wire_name: str,
    rank: int,
    best_for: str,
    *,
    text: Mode | None = None,
    image: Mode | None = None,
    family: str = "",
) -> VideoModel:
    """A row of the 01 series: from text, from an image, or (neither) with a subject from a picture."""
    subject = text is None and image is None
    named = {"reference_images": "subject_reference"} if subject else {"first_frame": "first_frame_image"}
    return VideoModel(
        provider=_COMMON["provider"],
        id=f"minimax/{wire_name.lower()}",
        wire_name=wire_name,
        family=family or wire_name.lower(),
        title=f"MiniMax {wire_name.replace('-Director', ' Director').replace('-live', ' Live')}",
        checked=_COMMON["checked"],
        text=text,
        image=image,
        reference=_01_mode() if subject else None,
        references=1 if subject else 0,
        fps=25,
        # Neither length nor resolution is sent: there is one of each.
        wire={"prompt": "prompt"} if text else {"prompt": "prompt", **named},
        options={"prompt_optimizer": _SWITCH, "aigc_watermark": _SWITCH},
        prompt_limit=_COMMON["prompt_limit"],
        media_forms=_COMMON["media_forms"],
        inline_limit=_COMMON["inline_limit"],
        prices=(_assumed("0.65" if subject else "0.43"),),
        cancel_cost=_COMMON["cancel_cost"],
        quality_rank=rank,
        speed_class="medium",
        best_for=best_for,
        typical_seconds=(120, 240),  # [3P]
        deadline_seconds=900,
        notes=_FROM_IMAGE if image else "Always 6 s at 720p, 16:9.",
    )


def _assumed(usd: str) -> Price:
    """The price of a whole clip of the 01 series, which no page of 2026 states."""
    return Price(
        usd=Decimal(usd),
        unit=Unit.VIDEO,
        since=_COMMON["checked"],
        checked=_COMMON["checked"],
        source="assumed: www.minimax.io/price, as a third party read it in 2025",
    )


_CAMERA = "camera moves that the prompt names in brackets"
# [docs] of 2025 list the 01 series; [3P] of 2026 do so still, and no day is named on which it ends.
MODELS: tuple[VideoModel, ...] = (
    VideoModel(
        **_COMMON,
        id="minimax/hailuo-02",
        wire_name="MiniMax-Hailuo-02",
        family="hailuo-02",
        title="MiniMax Hailuo 02",
        text=_mode(),
        # Refused by the vendor, without a charge: 512P with a last frame.
        image=_mode(_SIZES_02, from_image=True),
        wire={**_WORDS, "last_frame": "last_frame_image"},
        # The page calls the model "legacy"; no day is named on which it ends. [3P], 2026-08
        prices=(
            _clip("0.10", "512p", 6),
            _clip("0.15", "512p", 10),
            _clip("0.28", "768p", 6),
            _clip("0.56", "768p", 10),
            _clip("0.49", "1080p", 6),
        ),
        quality_rank=26,
        speed_class="medium",
        best_for="real-world physics, from a first to a last frame",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Takes no aspect ratio: 16:9 from text, else the first frame's shape. 10 s not at 1080p; 512p from an "
        "image only, and not with a last frame.",
    ),
    VideoModel(
        **_COMMON,
        id="minimax/hailuo-2.3",
        wire_name="MiniMax-Hailuo-2.3",
        family="hailuo-2.3",
        title="MiniMax Hailuo 2.3",
        text=_mode(),
        image=_mode(from_image=True),
        wire=_WORDS,
        prices=(_clip("0.28", "768p", 6), _clip("0.56", "768p", 10), _clip("0.49", "1080p", 6)),
        quality_rank=20,
        speed_class="medium",
        best_for="people in motion and strong expressions",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Takes no aspect ratio, seed, negative prompt or last frame: 16:9 from text, else the image's shape. "
        "10 s only at 768p.",
    ),
    VideoModel(
        **_COMMON,
        id="minimax/hailuo-2.3-fast",
        wire_name="MiniMax-Hailuo-2.3-Fast",
        family="hailuo-2.3-fast",
        title="MiniMax Hailuo 2.3 Fast",
        image=_mode(from_image=True),
        wire=_WORDS,
        prices=(_clip("0.19", "768p", 6), _clip("0.32", "768p", 10), _clip("0.33", "1080p", 6)),
        quality_rank=24,
        speed_class="fast",
        best_for="animating an image quickly",
        typical_seconds=(50, 120),
        deadline_seconds=600,
        notes="Image only; the shape is the image's. 10 s only at 768p.",
    ),
    _01("I2V-01", 50, "one six-second shot from an image", image=_01_mode(from_image=True), family="video-01"),
    _01("I2V-01-Director", 49, _CAMERA, image=_01_mode(from_image=True), family="video-01-director"),
    _01("I2V-01-live", 51, "bringing a drawing to life", image=_01_mode(from_image=True), family="video-01-live"),
    _01("S2V-01", 52, "one person's face, from one picture of it"),
    _01("T2V-01", 50, "one six-second shot from text", text=_01_mode(), family="video-01"),
    _01("T2V-01-Director", 49, _CAMERA, text=_01_mode(), family="video-01-director"),
)

_LIMITED, _AUTH, _CREDIT = FailureReason.RATE_LIMITED, FailureReason.VENDOR_AUTH, FailureReason.VENDOR_CREDIT
_POLICY, _INPUT = FailureReason.CONTENT_POLICY, FailureReason.INVALID_INPUT
_REFUSALS: Mapping[int, FailureReason] = {
    # [docs] say "rate limit"; [CLI] shows 1002 and 1039 as a content filter, which nothing else bears out.
    1002: _LIMITED,
    1004: _AUTH,
    1008: _CREDIT,
    1026: _POLICY,
    1028: _CREDIT,  # [CLI], as is 1030
    1030: _CREDIT,
    1039: _LIMITED,
    1041: _LIMITED,
    1042: _INPUT,
    2013: _INPUT,
    2038: _AUTH,  # [MCP]: the account's owner has not been identified
    2045: _LIMITED,
    2049: _AUTH,
    2056: _CREDIT,
    2061: _CREDIT,  # [CLI]: the plan has no such model
}
"""`base_resp.status_code` of a submit that was not accepted. 1000, 1001, 1013, 1024 and 1033 ("unknown", "timeout",
"system error") do not say that it was not."""

_STAGES: Mapping[str, Stage] = {"Preparing": Stage.QUEUED, "Queueing": Stage.QUEUED, "Processing": Stage.RUNNING}
_FAIL = ("Fail", "Failed")
"""[docs] and [MCP] say the first, [CLI] looks for the second."""
_WITHHELD: Mapping[int, PolicyStage | None] = {1026: None, 1027: PolicyStage.OUTPUT}
"""Codes of a query that are about the clip: the input (text or image, it is not said which), or the output."""


class MiniMaxProvider(BaseVideoProvider):
    """MiniMax. Errors come as HTTP 200 with a code; a finished job names a file, whose address is asked for.

    No list (the one of `/v2` knows MiniMax-H3 only), no cancel, no idempotency key, no price in any answer. Webhooks
    are not asked for: MiniMax sends the address a `challenge` first and wants it echoed in the body within 3 s [docs],
    and our edge answers webhooks without a body.

    Keys of mainland China (`https://api.minimaxi.com`) and of the rest of the world are not good for each other's API.
    """

    name: ClassVar[str] = "minimax"
    title: ClassVar[str] = "MiniMax"
    base_url: ClassVar[str] = "https://api.minimax.io"
    base_url_variables: ClassVar[tuple[str, ...]] = ("MINIMAX_API_HOST",)  # [MCP]
    credential_variables: ClassVar[tuple[str, ...]] = ("MINIMAX_API_KEY",)
    models: ClassVar[tuple[VideoModel, ...]] = MODELS
    poll_floor: ClassVar[float] = 10.0  # the vendor's guide, told by [3P]; [CLI] asks every 5 s, [MCP] every 20 s
    # 5 submits a minute (20 for who has paid) are published; nothing about queries.
    requests_per_second: ClassVar[float] = 5.0

    def submit(self, spec: ClipSpec, model: VideoModel, callback: str | None) -> Request:
        """`POST /v1/video_generation`; one address for every mode, told apart by the images."""
        body = {"model": model.wire_name, **wire.body(spec, model)}
        if "subject_reference" in body:
            body["subject_reference"] = [{"type": "character", "image": body["subject_reference"]}]
        return Request(method="POST", path="/v1/video_generation", json=body, auth=Auth())

    def submitted(self, reply: Reply) -> Submitted:
        """`{"task_id", "base_resp": {"status_code", "status_msg"}}`; a code but 0 is an error, under HTTP 200 too."""
        code = _code(reply.document)
        if not 200 <= reply.status < 300 or not code:
            return super().submitted(reply)
        failure = self.refusal(reply)
        # An error that names a job all the same is documented nowhere: somebody has to look.
        if failure is None or (reply.document or {}).get("task_id"):
            return Ambiguous(detail=f"HTTP {reply.status} with code {code}")
        return Refused(failure=failure, retry_after=retry_after(reply))

    def ticket(self, document: Mapping[str, Json]) -> Accepted | None:
        """`task_id`, digits in a string."""
        identifier = _identifier(document.get("task_id"))
        return Accepted(ticket={"id": identifier}) if identifier else None

    def refusal(self, reply: Reply) -> Failure | None:
        """By the HTTP status, which [CLI] reads too; under 200, and where it says no more than "bad", by the code."""
        failure = super().refusal(reply)
        if not 200 <= reply.status < 300 and (failure is None or failure.reason is not _INPUT):
            return failure
        code = _code(reply.document)
        reason = _REFUSALS.get(code)
        if reason is None:
            return failure
        text = _text(reply.document) if reason is _INPUT else ""
        return Failure(
            reason=reason,
            message=f"{MESSAGES[reason]}: {text}" if text else MESSAGES[reason],
            billed=Billed.NO,
            # "The video description contains sensitive content" [docs]; what an image shows is told by the query.
            stage=PolicyStage.PROMPT if reason is _POLICY else None,
            vendor_code=str(code),
        )

    def poll(self, ticket: Ticket) -> Request:
        """`GET /v1/query/video_generation?task_id=`."""
        query = {"task_id": str(ticket["id"])}
        return Request(method="GET", path="/v1/query/video_generation", query=query, auth=Auth())

    def state(self, document: Mapping[str, Json]) -> Outcome | Finished:
        """`{"task_id", "status", "file_id", "video_width", "video_height", "base_resp"}`."""
        status, code = document.get("status"), _code(document)
        if status in _FAIL or (code in _WITHHELD and status != "Success"):
            return _failed(code)
        if code:
            # 1002, 1004 and others are about this question. What a dropped task gets is documented nowhere.
            return Pending(unknown=f"code {code}")
        if status == "Success":
            file_id = _identifier(document.get("file_id"))
            return Finished(more={"file_id": file_id}) if file_id else _empty()
        stage = _STAGES.get(status) if isinstance(status, str) else None
        return Pending(unknown=readable(status)[:64] or "no status") if stage is None else Pending(stage=stage)

    def result(self, ticket: Ticket) -> Request | None:
        """`GET /v1/files/retrieve?file_id=`, which signs the address anew each time."""
        if "file_id" not in ticket:
            return None
        query = {"file_id": str(ticket["file_id"])}
        return Request(method="GET", path="/v1/files/retrieve", query=query, auth=Auth())

    def delivered(self, reply: Reply) -> Outcome:
        """`{"file": {"download_url", …}, "base_resp"}`: good for an hour (9 in older [docs]), without a key."""
        document, code = reply.document, _code(reply.document)
        if not 200 <= reply.status < 300 or document is None:
            return Pending(unknown=f"HTTP {reply.status}", retry_after=retry_after(reply))
        if code in _WITHHELD:
            return _failed(code)
        if code:
            return Pending(unknown=f"code {code}", retry_after=retry_after(reply))
        file = document.get("file")
        url = file.get("download_url") if isinstance(file, dict) else None
        return Ready(outputs=(url,)) if _is_address(url) else _empty()


def _code(document: Mapping[str, Json] | None) -> int:
    """`base_resp.status_code`; 0 for success, and where there is none."""
    base = (document or {}).get("base_resp")
    code = base.get("status_code") if isinstance(base, dict) else 0
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _text(document: Mapping[str, Json] | None) -> str:
    base = (document or {}).get("base_resp")
    return readable(base.get("status_msg")) if isinstance(base, dict) else ""


def _identifier(value: Json) -> str:
    """An id: a string, but `file_id` is a number in some answers [docs]. Empty for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if is_task_id(text) else ""


def _is_address(value: Json) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    return value.startswith(("https://", "http://"))


def _failed(code: int) -> Failed:
    """Two third parties read on the vendor's price page: failures and what moderation withholds are not charged."""
    reason = _POLICY if code in _WITHHELD else FailureReason.VENDOR_FAILED
    failure = Failure(
        reason=reason,
        message=MESSAGES[reason],
        billed=Billed.NO,
        stage=_WITHHELD.get(code),
        vendor_code=str(code or ""),
    )
    return Failed(failure=failure)


def _empty() -> Failed:
    message = "the vendor finished without an output"
    return Failed(failure=Failure(reason=FailureReason.BAD_OUTPUT, message=message, billed=Billed.YES))
