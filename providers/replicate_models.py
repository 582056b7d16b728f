"""Replicate's catalogue rows, with the models' true input names. https://replicate.com/explore"""

from collections.abc import Mapping

from core.outcome import Json
from core.spec import ModeName
from providers.model import VideoModel
from providers.replicate_bytedance import BYTEDANCE
from providers.replicate_community import COMMUNITY
from providers.replicate_google import GOOGLE
from providers.replicate_kling import KLING
from providers.replicate_kling_newer import KLING_NEWER
from providers.replicate_lightricks import LIGHTRICKS
from providers.replicate_minimax import MINIMAX
from providers.replicate_others import LUMA_AND_XAI, OPENAI
from providers.replicate_pixverse import PIXVERSE
from providers.replicate_runway import RUNWAY
from providers.replicate_wan import WAN

_ROWS = (
    *(*BYTEDANCE, *COMMUNITY, *GOOGLE, *KLING, *KLING_NEWER, *LIGHTRICKS),
    *(*LUMA_AND_XAI, *MINIMAX, *OPENAI, *PIXVERSE, *RUNWAY, *WAN),
)

MODELS: tuple[VideoModel, ...] = tuple(sorted(_ROWS, key=lambda row: row.id))
"""Every row, by id."""

MODE_INPUTS: Mapping[tuple[str, ModeName], Mapping[str, Json]] = {
    # "task: text_to_video" is the default, with which an image would be passed over.
    ("replicate/ltx-2.3-pro", ModeName.IMAGE): {"task": "image_to_video"},
    # Where the default is 16:9 whatever the image is. "First/last-frame modes require 'adaptive'" in 2.5.
    ("replicate/seedance-2.0", ModeName.IMAGE): {"aspect_ratio": "adaptive"},
    ("replicate/seedance-2.5", ModeName.IMAGE): {"aspect_ratio": "adaptive"},
    ("replicate/wan-3", ModeName.IMAGE): {"aspect_ratio": "adaptive"},
}
"""(Row, what it works from) -> inputs that are sent then and only then."""

NOT_OFFERED: Mapping[str, Mapping[str, tuple[Json, ...]]] = {
    "replicate/cogvideox-5b": {"num_outputs": ()},
    "replicate/grok-imagine-video": {"aspect_ratio": ("auto",)},
    "replicate/hailuo-02": {"resolution": ("512p",)},
    "replicate/kling-v1.6-pro": {"aspect_ratio": ()},
    "replicate/kling-v2.1": {"end_image": ()},
    "replicate/kling-v2.5-turbo-pro": {"image": (), "guidance_scale": ()},
    "replicate/kling-v3-omni-video": {"generate_audio": (), "multi_prompt": ()},
    "replicate/ltx-2.3-fast": {"fps": (48, 50)},
    "replicate/ltx-2.3-pro": {
        # The ends of the lengths that can be added by its task `extend`.
        "duration": (1, 20),
        **dict.fromkeys(("audio", "video", "retake_start_time", "retake_duration", "retake_mode", "extend_mode"), ()),
    },
    "replicate/minimax-video-01": {"subject_reference": ()},
    "replicate/pixverse-v5": {"last_frame_image": ()},
    "replicate/pixverse-v6": {"generate_multi_clip_switch": ()},
    "replicate/ray": dict.fromkeys(("start_video_id", "end_video_id", "start_image_url", "end_image_url"), ()),
    "replicate/seedance-1-lite": {"fps": ()},
    "replicate/seedance-1-pro": {"fps": ()},
    "replicate/seedance-1.5-pro": {"fps": ()},
    "replicate/seedance-2.0": {"duration": (-1,), "reference_videos": (), "reference_audios": ()},
    "replicate/seedance-2.5": {
        "duration": (-1,),
        "reference_videos": (),
        "reference_audios": (),
        "output_format": (),
    },
    "replicate/wan-2.2-i2v-fast": dict.fromkeys(
        (
            *("disable_safety_checker", "lora_scale_transformer", "lora_scale_transformer_2"),
            *("lora_weights_transformer", "lora_weights_transformer_2"),
        ),
        (),
    ),
    "replicate/wan-2.5-i2v": {"audio": ()},
    "replicate/wan-2.5-i2v-fast": {"audio": ()},
    "replicate/wan-2.5-t2v": {"audio": ()},
    "replicate/wan-2.5-t2v-fast": {"audio": ()},
    "replicate/wan-2.7-i2v": {"audio": (), "first_clip": ()},
    "replicate/wan-2.7-t2v": {"audio": ()},
    # Its prompt expansion is told of, but not by its name.
    "replicate/wan-3": {"enable_prompt_expansion": ()},
    "replicate/zeroscope-v2-xl": {"batch_size": ()},
}
"""Row -> the inputs that its model has and the row knowingly leaves alone: these values of it, or () for all of it."""
