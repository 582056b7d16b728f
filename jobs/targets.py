"""What the room `prompts` must know of a catalogue row: the bridge between two rooms that never meet."""

from core.spec import ModeName, Quality
from prompts.words import Target
from providers.durations import every
from providers.model import Mode, VideoModel


def target(model: VideoModel, mode: ModeName) -> Target:
    """The row as a prompt's target when it works in `mode`; in its first mode where it lacks that one.

    A row that cannot be bought any more has no mode at all: it offers no lengths and no ratios.
    """
    offered = model.mode(mode) or next(iter(model.modes.values()), None)
    return Target(
        model=model.id,
        family=model.family,
        vendor=model.provider,
        prompt_limit=model.prompt_limit,
        prompt_utf16=model.prompt_utf16,
        durations=every(offered.durations) if offered else (),
        durations_at=_at_qualities(model, offered) if offered else {},
        aspect_ratios=offered.aspect_ratios if offered else (),
        negative_prompt="negative_prompt" in model.wire,
        motion=bool(model.motions),
        audio="audio" in model.wire,
        has_audio=model.has_audio,
        qualities=tuple(
            quality for quality, resolution in model.qualities.items() if offered and resolution in offered.resolutions
        ),
        needs_image=model.text is None,
        takes_image=model.image is not None or model.reference is not None,
    )


def _at_qualities(model: VideoModel, mode: Mode) -> dict[Quality, tuple[float, ...]]:
    return {
        quality: every(mode.durations_at[resolution])
        for quality, resolution in model.qualities.items()
        if resolution in mode.durations_at
    }
