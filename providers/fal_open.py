"""Open models that fal runs itself: CogVideoX and Stable Video Diffusion. https://fal.ai/models"""

from core.spec import Motion
from providers.fal_parts import COMMON, CONTRACT_LIMIT, PAGE, assumed, per_clip
from providers.model import Choices, Frames, Mode, Option, VideoModel

# 49 frames of 720x480 at 8 fps are what the model makes; fal doubles them to 16 fps. Its switch for that, `use_rife`,
# is not offered: without doubling, the clip would be played at twice its speed.
# Named sizes and pixels of one's own exist too (`video_size`), but are far from what the model was trained for.
_COGVIDEO_SIZES = {("3:2", "480p"): (720, 480)}
_COGVIDEO_LENGTH = Frames(counts=(49,), fps=8)
# "An image of 1024x576"; what other shapes give is not said.
_SVD_SIZES = {("16:9", "576p"): (1024, 576)}
_SVD_MOTIONS = {Motion.LOW: 64, Motion.MEDIUM: 127, Motion.HIGH: 200}
_SVD_WORDS = {"first_frame": "image_url", "duration": "fps", "seed": "seed", "motion": "motion_bucket_id"}
_COND_AUG = Option(kind=float, low=0, high=10)

OPEN: tuple[VideoModel, ...] = (
    VideoModel(
        **COMMON,
        id="fal/cogvideox-5b",
        wire_name="fal-ai/cogvideox-5b",
        family="cogvideox-5b",
        title="CogVideoX 5B",
        text=Mode(durations=_COGVIDEO_LENGTH, sizes=_COGVIDEO_SIZES),
        image=Mode(durations=_COGVIDEO_LENGTH, sizes=_COGVIDEO_SIZES, ratio_from_image=True),
        fps=16,
        wire={
            "prompt": "prompt",
            "negative_prompt": "negative_prompt",
            "seed": "seed",
            "first_frame": "image_url",
        },
        options={
            "num_inference_steps": Option(kind=int, low=1, high=50),
            "guidance_scale": Option(kind=float, low=0, high=20),
        },
        prompt_limit=CONTRACT_LIMIT,
        prices=(per_clip(PAGE, "0.20"),),
        quality_rank=70,
        speed_class="medium",
        best_for="an open model's six seconds from text or an image",
        typical_seconds=(60, 180),
        deadline_seconds=900,
        notes="Always 49 frames, doubled to 16 fps; 720x480 whatever the image's shape.",
    ),
    VideoModel(
        **COMMON,
        id="fal/fast-svd-lcm",
        wire_name="fal-ai/fast-svd-lcm",
        family="stable-video-diffusion-lcm",
        title="Stable Video Diffusion LCM",
        # "The higher the FPS, the faster the video will play. Total video length is 25 frames." 1 to 25 are taken.
        image=Mode(durations=Choices((1, 2.5, 5)), sizes=_SVD_SIZES, ratio_from_image=True, default_duration=2.5),
        wire=_SVD_WORDS,
        spellings={"duration": {1: 25, 2.5: 10, 5: 5}},
        motions=_SVD_MOTIONS,
        options={"cond_aug": _COND_AUG, "steps": Option(kind=int, low=1, high=20)},
        prompt_limit=0,
        prices=(per_clip(assumed("that of stable-video, as two third parties write; its page shows none"), "0.075"),),
        quality_rank=80,
        speed_class="fast",
        best_for="setting an image in motion within seconds",
        typical_seconds=(10, 40),
        deadline_seconds=600,
        notes="Takes no prompt. Always 25 frames: the length is how fast they are played.",
    ),
    VideoModel(
        **COMMON,
        id="fal/stable-video",
        wire_name="fal-ai/stable-video",
        family="stable-video-diffusion",
        title="Stable Video Diffusion",
        # The page gives no count of frames: 25 is the model's own, and of its sibling `fast-svd-lcm`. 10 to 100 fps.
        image=Mode(durations=Choices((1, 2.5)), sizes=_SVD_SIZES, ratio_from_image=True),
        wire=_SVD_WORDS,
        spellings={"duration": {1: 25, 2.5: 10}},
        motions=_SVD_MOTIONS,
        options={"cond_aug": _COND_AUG},
        prompt_limit=0,
        prices=(per_clip(PAGE, "0.075"),),
        quality_rank=75,
        speed_class="medium",
        best_for="a slight movement in one image, without a prompt",
        typical_seconds=(30, 90),
        deadline_seconds=600,
        notes="Takes no prompt. 25 frames: the length is how fast they are played, 1 s at 25 fps or 2.5 s at 10 fps.",
    ),
)
