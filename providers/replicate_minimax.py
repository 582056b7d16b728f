"""MiniMax at Replicate: Video-01 and Hailuo, official models of `minimax`. https://replicate.com/minimax"""

from datetime import date

from core.spec import Quality
from providers.model import Choices, Mode, Option, Price, VideoModel
from providers.replicate_parts import COMMON, CONTRACT_LIMIT, Source, assumed, per_clip, shapes

_THIRD_PARTIES = Source(date(2026, 3, 6), "replicate.com model page, told by three third parties")
# No page of Replicate's was read for these.
_LIST = Source(date(2026, 11, 21), "told by third parties; another home of the model asks the same")
_SIX = Mode(durations=Choices((6,)), sizes={("16:9", "720p"): (1280, 720)})
_SIX_FROM_IMAGE = Mode(durations=Choices((6,)), sizes={("16:9", "720p"): (1280, 720)}, ratio_from_image=True)
_768 = {("16:9", "768p"): (1366, 768)}
_1080 = shapes("1080p", "16:9")
# "10 seconds is only available for 768p resolution." The resolutions themselves are read off descriptions too: no
# list of values was kept.
_AT = {"1080p": Choices((6,))}
_TIERS = {Quality.DRAFT: "768p", Quality.STANDARD: "768p", Quality.HIGH: "1080p", Quality.PREMIUM: "1080p"}
_OPTIMIZER = {"prompt_optimizer": Option(kind=bool)}
_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "resolution": "resolution",
    "first_frame": "first_frame_image",
}


def _hailuo(sizes: dict[tuple[str, str], tuple[int, int]], *, from_image: bool) -> Mode:
    return Mode(durations=Choices((6, 10)), sizes=sizes, durations_at=_AT, ratio_from_image=from_image)


def _hailuo_prices(six: str, ten: str, full: str) -> tuple[Price, ...]:
    return (
        per_clip(_LIST, six, resolution="768p", duration=6),
        per_clip(_LIST, ten, resolution="768p", duration=10),
        per_clip(_LIST, full, resolution="1080p"),
    )


MINIMAX: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="replicate/hailuo-02",
        wire_name="minimax/hailuo-02",
        family="hailuo-02",
        title="MiniMax Hailuo 02",
        text=_hailuo({**_1080, **_768}, from_image=False),
        image=_hailuo({**_1080, **_768}, from_image=True),
        # Told of Hailuo 2.3.
        fps=24,
        wire={**_WORDS, "last_frame": "last_frame_image"},
        qualities=_TIERS,
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=_hailuo_prices("0.28", "0.56", "0.49"),
        quality_rank=26,
        speed_class="medium",
        best_for="real-world physics, from a first to a last frame",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Takes no aspect ratio: 16:9 from text, else the image's shape. Its 512p is not offered: which lengths "
        "and frames go with it is not said. Last seen online 2026-04.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/hailuo-2.3",
        wire_name="minimax/hailuo-2.3",
        family="hailuo-2.3",
        title="MiniMax Hailuo 2.3",
        text=_hailuo({**_768, **_1080}, from_image=False),
        image=_hailuo({**_768, **_1080}, from_image=True),
        fps=24,
        wire=_WORDS,
        qualities=_TIERS,
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=_hailuo_prices("0.28", "0.56", "0.49"),
        quality_rank=20,
        speed_class="medium",
        best_for="people in motion and strong expressions",
        typical_seconds=(90, 240),
        deadline_seconds=900,
        notes="Takes no aspect ratio, seed, negative prompt or last frame: 16:9 from text, else the image's shape. "
        "10 s only at 768p.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/hailuo-2.3-fast",
        wire_name="minimax/hailuo-2.3-fast",
        family="hailuo-2.3-fast",
        title="MiniMax Hailuo 2.3 Fast",
        image=_hailuo({**_768, **_1080}, from_image=True),
        fps=24,
        wire=_WORDS,
        qualities=_TIERS,
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=_hailuo_prices("0.19", "0.32", "0.33"),
        quality_rank=24,
        speed_class="fast",
        best_for="animating an image quickly",
        typical_seconds=(50, 120),
        deadline_seconds=600,
        notes="Image only; the shape is the image's. 10 s only at 768p.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/minimax-video-01",
        wire_name="minimax/video-01",
        family="video-01",
        title="MiniMax Video-01",
        # 1280x720 at 25 fps is from memory, not from the schema.
        text=_SIX,
        image=_SIX_FROM_IMAGE,
        fps=25,
        wire={"prompt": "prompt", "first_frame": "first_frame_image"},
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(_THIRD_PARTIES, "0.50"),),
        quality_rank=50,
        speed_class="medium",
        best_for="one six-second shot from text or an image",
        typical_seconds=(60, 90),
        deadline_seconds=900,
        notes="Always 6 s. Takes no duration, ratio, fps, seed or negative prompt; its subject reference (S2V-01) is "
        "not offered because its price is not published. Last seen online 2026-03-06.",
    ),
    VideoModel(
        **COMMON,
        id="replicate/video-01-live",
        wire_name="minimax/video-01-live",
        family="video-01-live",
        title="MiniMax Video-01 Live",
        # Its size and frame rate are taken to be Video-01's.
        image=_SIX_FROM_IMAGE,
        fps=25,
        wire={"prompt": "prompt", "first_frame": "first_frame_image"},
        options=_OPTIMIZER,
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(assumed("the upper end of 0.35 to 0.50, told by third parties"), "0.50"),),
        quality_rank=51,
        speed_class="medium",
        best_for="bringing a drawing or a Live2D figure to life",
        typical_seconds=(60, 90),
        deadline_seconds=900,
        notes="Image only, always 6 s. Last seen online 2026-04.",
    ),
)
