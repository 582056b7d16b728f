"""The four built-in styles: preferences for any model, honoured where it can and warned about where it cannot."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.spec import Motion


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """One row of preferences. `words` are added to the prompt where they fit within the model's limit."""

    name: str
    words: str
    duration: float = 5.0
    aspect_ratio: str = "9:16"
    fps: float
    motion: Motion


STYLES: Mapping[str, Style] = {
    style.name: style
    for style in (
        Style(
            name="luxury",
            words="soft lighting, elegant camera movement, premium aesthetics",
            fps=24,
            motion=Motion.LOW,
        ),
        Style(
            name="energetic",
            words="dynamic transitions, vibrant colors, fast-paced",
            fps=30,
            motion=Motion.HIGH,
        ),
        Style(
            name="minimal",
            words="clean composition, simple movements, muted palette",
            fps=24,
            motion=Motion.LOW,
        ),
        Style(
            name="bold",
            words="strong contrasts, dramatic angles, impactful visuals",
            fps=24,
            motion=Motion.MEDIUM,
        ),
    )
}
