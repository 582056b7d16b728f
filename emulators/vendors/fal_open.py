"""The open models that the emulated fal runs itself. https://fal.ai/models"""

from collections.abc import Mapping

from emulators.schema import Field
from emulators.vendors.fal_parts import FIRST_FRAME, NEGATIVE, PROMPT, SEED, Endpoint, Values, fixed, switch, whole

COGVIDEO = {
    **PROMPT,
    **NEGATIVE,
    **SEED,
    "num_inference_steps": whole(50, 1, 50),
    "guidance_scale": Field(kind="number", default=7.0, low=0, high=20),
    "use_rife": switch(default=True),
    "export_fps": whole(16, 4, 32),
}
SVD = {
    **FIRST_FRAME,
    **SEED,
    "motion_bucket_id": whole(127, 1, 255),
    "cond_aug": Field(kind="number", default=0.02, low=0, high=10),
}


def _cogvideo_seconds(values: Values) -> float:
    """49 frames, doubled by interpolation, at the rate asked for; how many it really doubles them to is a guess."""
    return float((98 if values["use_rife"] else 49) / values["export_fps"])


def _svd_seconds(values: Values) -> float:
    return 25.0 / int(values["fps"])


def _open(name: str, fields: Mapping[str, Field], size: tuple[int, int], micros: int, run_seconds: float) -> Endpoint:
    is_cogvideo = "prompt" in fields
    return Endpoint(
        id=f"fal-ai/{name}",
        fields=fields,
        seconds=_cogvideo_seconds if is_cogvideo else _svd_seconds,
        fps=lambda values: values["export_fps" if is_cogvideo else "fps"],
        size=size,
        price=fixed(micros),
        has_seed=True,
        bars=True,
        run_seconds=run_seconds,
    )


OPEN_ENDPOINTS = (
    _open("cogvideox-5b", COGVIDEO, (720, 480), 200_000, 60),
    _open("cogvideox-5b/image-to-video", {**COGVIDEO, **FIRST_FRAME}, (720, 480), 200_000, 60),
    _open("stable-video", {**SVD, "fps": whole(25, 10, 100)}, (1024, 576), 75_000, 30),
    # No price is published for this one.
    _open("fast-svd-lcm", {**SVD, "fps": whole(10, 1, 25), "steps": whole(4, 1, 20)}, (1024, 576), 75_000, 10),
)
