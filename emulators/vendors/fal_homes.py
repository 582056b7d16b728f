"""Other makers' endpoints at the emulated fal: MiniMax, Kling, Veo, Wan and LTX. https://fal.ai/models"""

from collections.abc import Callable, Iterator, Mapping

from emulators.schema import Field, Invalid, Rule
from emulators.vendors.fal_parts import (
    CFG_SCALE,
    FIRST_FRAME,
    NEGATIVE,
    OPTIMIZER,
    PROMPT,
    SEED,
    Endpoint,
    Values,
    address,
    choice,
    fixed,
    per_second,
    switch,
    text,
    typed,
)

HAILUO = "fal-ai/minimax/hailuo-2.3"
KLING = "fal-ai/kling-video"
KLING_FIELDS = {**PROMPT, "duration": choice("5", "10"), **NEGATIVE, **CFG_SCALE}
VEO_SILENT, VEO_LOUD = {"720p": 200_000, "1080p": 200_000, "4k": 400_000}, {"720p": 400_000, "1080p": 400_000}
VEO_LOUD_4K = 600_000
VEO = {
    **PROMPT,
    "duration": choice("8s", "6s", "4s"),
    **NEGATIVE,
    "resolution": choice("720p", "1080p", "4k"),
    "generate_audio": switch(default=True),
    **SEED,
    "auto_fix": switch(default=True),
}
VEO_AUTO = {"aspect_ratio": choice("auto", "16:9", "9:16")}
WAN_FIELDS = {
    "prompt": text(required=True, longest=800),
    "resolution": choice("1080p", "720p", "480p"),
    "duration": choice("5", "10"),
    "negative_prompt": text(longest=500),
    "enable_prompt_expansion": switch(default=True),
    **SEED,
    "enable_safety_checker": switch(default=True),
}
WAN_MICROS = {"480p": 50_000, "720p": 100_000, "1080p": 150_000}
LTX_MICROS = {"1080p": 60_000, "1440p": 120_000, "2160p": 240_000}
LTX_FAST_MICROS = {"1080p": 40_000, "1440p": 80_000, "2160p": 160_000}


def _minimax(id_: str, fields: Mapping[str, Field], lines: str, price: Callable[[Values], int]) -> Endpoint:
    return Endpoint(
        id=id_,
        fields={**PROMPT, **OPTIMIZER, **fields},
        seconds=typed if "duration" in fields else lambda values: 6.0,
        lines=lines,
        price=price,
        fps=lambda values: 25 if "video-01" in id_ else 24,
        run_seconds=90,
    )


def _hailuo_price(values: Values) -> int:
    return 560_000 if values["duration"] == "10" else 280_000


def _kling(name: str, fields: Mapping[str, Field], lines: str, micros: int) -> Endpoint:
    return Endpoint(
        id=f"{KLING}/{name}",
        fields={**KLING_FIELDS, **fields},
        seconds=typed,
        lines=lines,
        price=lambda values: round(micros * typed(values)),
        run_seconds=120,
    )


def _veo_price(values: Values) -> int:
    table = {**VEO_LOUD, "4k": VEO_LOUD_4K} if values["generate_audio"] else VEO_SILENT
    return round(table[values["resolution"]] * typed(values))


def _veo(name: str, fields: Mapping[str, Field]) -> Endpoint:
    return Endpoint(
        id=f"fal-ai/veo3.1{name}",
        fields={**VEO, **fields},
        seconds=typed,
        price=_veo_price,
        audio=lambda values: bool(values["generate_audio"]),
        run_seconds=90,
    )


def _wan(name: str, fields: Mapping[str, Field]) -> Endpoint:
    return Endpoint(
        id=f"fal-ai/wan-25-preview/{name}",
        fields={**WAN_FIELDS, **fields},
        seconds=typed,
        price=per_second(WAN_MICROS),
        audio=lambda values: True,
        # "Min width 360px, min height 360px, max width 2000px, max height 2000px", says the description.
        least_side=360,
        most_side=2000,
        has_seed=True,
        run_seconds=90,
    )


def _ltx_complaints(values: Values) -> Iterator[Invalid]:
    if values["duration"] > 10 and (values["fps"] != 25 or values["resolution"] != "1080p"):
        said = "Durations longer than 10 seconds are only supported with 25 FPS and 1080p resolution"
        yield Invalid(rule=Rule.CHOICE, name="duration", text=said)


def _ltx(name: str, fields: Mapping[str, Field]) -> Endpoint:
    is_fast = name.endswith("/fast")
    return Endpoint(
        id=f"fal-ai/ltx-2/{name}",
        fields={
            **PROMPT,
            "duration": choice(6, 8, 10, *((12, 14, 16, 18, 20) if is_fast else ())),
            "resolution": choice("1080p", "1440p", "2160p"),
            "aspect_ratio": choice("16:9"),
            "fps": choice(25, 50),
            "generate_audio": switch(default=True),
            **fields,
        },
        seconds=typed,
        price=per_second(LTX_FAST_MICROS if is_fast else LTX_MICROS),
        fps=lambda values: values["fps"],
        audio=lambda values: bool(values["generate_audio"]),
        complain=_ltx_complaints,
        run_seconds=30 if is_fast else 60,
    )


OTHERS = (
    _minimax("fal-ai/minimax/video-01", {}, "720p", fixed(500_000)),
    _minimax("fal-ai/minimax/video-01/image-to-video", FIRST_FRAME, "720p", fixed(500_000)),
    _minimax(f"{HAILUO}/standard/text-to-video", {"duration": choice("6", "10")}, "768p", _hailuo_price),
    _minimax(
        f"{HAILUO}/standard/image-to-video", {"duration": choice("6", "10"), **FIRST_FRAME}, "768p", _hailuo_price
    ),
    _minimax(f"{HAILUO}/pro/text-to-video", {}, "1080p", fixed(490_000)),
    _minimax(f"{HAILUO}/pro/image-to-video", FIRST_FRAME, "1080p", fixed(490_000)),
    _kling("v2.5-turbo/pro/text-to-video", {"aspect_ratio": choice("16:9", "9:16", "1:1")}, "1080p", 70_000),
    _kling(
        "v2.5-turbo/pro/image-to-video",
        {**FIRST_FRAME, "tail_image_url": Field(kind="string", nullable=True)},
        "1080p",
        70_000,
    ),
    _kling("v2.1/standard/image-to-video", FIRST_FRAME, "720p", 56_000),
    _veo("", {"aspect_ratio": choice("16:9", "9:16")}),
    _veo("/image-to-video", {**VEO_AUTO, **FIRST_FRAME}),
    _veo("/first-last-frame-to-video", {**VEO_AUTO, "first_frame_url": address(), "last_frame_url": address()}),
    _wan("text-to-video", {"aspect_ratio": choice("16:9", "9:16", "1:1")}),
    _wan("image-to-video", FIRST_FRAME),
    _ltx("text-to-video", {}),
    _ltx("image-to-video", FIRST_FRAME),
    _ltx("text-to-video/fast", {}),
    _ltx("image-to-video/fast", FIRST_FRAME),
)
