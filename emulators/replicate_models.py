"""What the emulated Replicate runs: each model's true inputs, its output, its price and its run time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.outcome import Json
from emulators.images import ImageHead
from emulators.jobs import Clip, Tariff
from emulators.schema import Field

Draw = Callable[[Mapping[str, Json], ImageHead | None], Clip]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicateModel:
    """One model. `price_micros` is per clip second, per clip, or per second on a machine."""

    name: str
    version: str
    """64 hex digits; official models hide theirs."""
    is_official: bool
    fields: Mapping[str, Field]
    draw: Draw
    """Inputs and first frame (where it can be seen) to the facts of the clip."""
    image: str
    """The input that holds the first frame."""
    price_micros: int
    per_second: bool = False
    tariff: Tariff = Tariff.CLIP
    run_seconds: float
    prints_logs: bool = False
    is_list: bool = False
    """Whether the output is a list of addresses instead of one."""

    def price(self, clip: Clip) -> int:
        """Millionths of a dollar, for `tariff`."""
        return round(self.price_micros * clip.seconds) if self.per_second else self.price_micros


def fitted(head: ImageHead, area: int) -> tuple[int, int]:
    """The image's shape at about `area` pixels, in even numbers."""
    ratio = min(max(head.width / max(head.height, 1), 0.25), 4.0)
    width = (area * ratio) ** 0.5
    return max(int(width) // 2 * 2, 2), max(int(width / ratio) // 2 * 2, 2)


def draw_video_01(values: Mapping[str, Json], head: ImageHead | None) -> Clip:
    """Six seconds of 720p at 25 fps; a first frame decides the shape."""
    width, height = (1280, 720) if head is None else fitted(head, 1280 * 720)
    return Clip(seconds=6.0, width=width, height=height, fps=25.0)


KLING_SIZES = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080)}


def draw_kling(values: Mapping[str, Json], head: ImageHead | None) -> Clip:
    """1080p at 24 fps; a first frame decides the shape."""
    width, height = KLING_SIZES[values["aspect_ratio"]] if head is None else fitted(head, 1920 * 1080)
    return Clip(seconds=float(values["duration"]), width=width, height=height, fps=24.0)


def draw_svd(values: Mapping[str, Json], head: ImageHead | None) -> Clip:
    """14 or 25 frames at `frames_per_second` + 1: the source writes one more than it was asked."""
    frames = 25 if values["video_length"].startswith("25") else 14
    fps = float(values["frames_per_second"] + 1)
    width, height = svd_size(values["sizing_strategy"], head)
    return Clip(seconds=frames / fps, width=width, height=height, fps=fps)


def svd_size(strategy: str, head: ImageHead | None) -> tuple[int, int]:
    """`maintain_aspect_ratio` caps at 1024x576 and floors to multiples of 64."""
    if head is None or strategy == "crop_to_16_9":
        return 1024, 576
    scale = 1.0 if strategy == "use_image_dimensions" else min(1024 / head.width, 576 / head.height)
    width, height = (min(max(int(side * scale) // 64 * 64, 64), 2048) for side in (head.width, head.height))
    return width, height


def _uri(**more: bool) -> Field:
    return Field(kind="string", is_uri=True, required=more.get("required", False), nullable=more.get("nullable", False))


VIDEO_01 = ReplicateModel(
    name="minimax/video-01",
    version="5aa835260ff7f40f4069c41185f72036accf99e29957bb4a3b3a911f3b6c1912",
    is_official=True,
    fields={
        "prompt": Field(kind="string", required=True, description="Text prompt for generation"),
        "prompt_optimizer": Field(kind="boolean", default=True, description="Use prompt optimizer"),
        "first_frame_image": _uri(),
        "subject_reference": _uri(),
    },
    draw=draw_video_01,
    image="first_frame_image",
    price_micros=500_000,
    run_seconds=60,
)

KLING = ReplicateModel(
    name="kwaivgi/kling-v2.5-turbo-pro",
    version="939cd1851c5b112f284681b57ee9b0f36d0f913ba97de5845a7eef92d52837df",
    is_official=True,
    fields={
        "prompt": Field(kind="string", required=True, description="Text prompt for video generation"),
        "negative_prompt": Field(kind="string", default="", description="Things you do not want to see"),
        "start_image": _uri(nullable=True),
        "end_image": _uri(nullable=True),
        "aspect_ratio": Field(kind="string", default="16:9", choices=("16:9", "9:16", "1:1")),
        "duration": Field(kind="integer", default=5, choices=(5, 10)),
        "image": _uri(nullable=True),
        "guidance_scale": Field(kind="number", description="Accepted, unused"),
    },
    draw=draw_kling,
    image="start_image",
    price_micros=70_000,
    per_second=True,
    run_seconds=120,
)

SVD = ReplicateModel(
    name="stability-ai/stable-video-diffusion",
    version="3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438",
    is_official=False,
    fields={
        "input_image": _uri(required=True),
        "video_length": Field(
            kind="string",
            default="14_frames_with_svd",
            choices=("14_frames_with_svd", "25_frames_with_svd_xt"),
        ),
        "sizing_strategy": Field(
            kind="string",
            default="maintain_aspect_ratio",
            choices=("maintain_aspect_ratio", "crop_to_16_9", "use_image_dimensions"),
        ),
        "frames_per_second": Field(kind="integer", default=6, low=5, high=30),
        "motion_bucket_id": Field(kind="integer", default=127, low=1, high=255),
        "cond_aug": Field(kind="number", default=0.02),
        "decoding_t": Field(kind="integer", default=14),
        "seed": Field(kind="integer"),
    },
    draw=draw_svd,
    image="input_image",
    price_micros=1_400,
    tariff=Tariff.COMPUTE_SECOND,
    run_seconds=45,
    prints_logs=True,
)

REPLICATE_MODELS: Mapping[str, ReplicateModel] = {model.name: model for model in (VIDEO_01, KLING, SVD)}
"""The versions of the two official models are invented; their real ones are hidden."""
