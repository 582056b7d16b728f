"""What an order at the emulated Runway makes and costs: length, size, sound and credits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.outcome import Json
from emulators.jobs import Clip
from emulators.vendors.runway_assets import UNSEEN_SECONDS, Media
from emulators.vendors.runway_parts import LINES, SURCHARGES, Operation, RunwayModel

FILES = ("promptImage", "promptVideo", "videoUri", "references", "referenceVideos", "referenceAudio", "keyframes")
"""Members that name files: they are not kept with the job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A valid body with what is seen of its inputs."""

    model: RunwayModel
    operation: Operation
    body: Mapping[str, Json]
    source: Media | None = None
    """The video it works from."""
    frame: Media | None = None
    """The picture it begins with."""

    @property
    def mode(self) -> str:
        """What the source video is for."""
        return str(self.body.get("mode", self.operation.modes[0] if self.operation.modes else ""))

    @property
    def source_seconds(self) -> float:
        """The length of the source video; 0 without one."""
        return 0.0 if self.source is None else self.source.seconds or UNSEEN_SECONDS

    @property
    def seconds(self) -> float:
        """The length of the clip. That a continued video is delivered without its beginning is a guess."""
        if self.operation.keeps_length or self.mode == "edit":
            return self.source_seconds
        asked = self.body.get("duration", self.model.default_duration)
        return float(self.model.default_duration if asked == "auto" else asked)

    @property
    def tier(self) -> str:
        """What the credits go by. References keep xAI's model from its largest size."""
        told = self._lines() or next(filter(None, self.operation.ratios.values()), "") or "720p"
        told = told.lower()
        return "720p" if told == "1080p" and self.body.get("references") and self._names_shapes() else told

    def _lines(self) -> str:
        ratio = self.body.get("ratio")
        first = self.operation.resolutions[0] if self.operation.resolutions else ""
        return str(self.operation.ratios.get(str(ratio)) or self.body.get("resolution") or first)

    def _names_shapes(self) -> bool:
        return "3:2" in self.operation.ratios

    @property
    def size(self) -> tuple[int, int]:
        """Pixels: those of `ratio`, else the shape that is named, shown or usual at the tier's lines."""
        shown = self._shown()
        ratio = str(self.body.get("ratio", "" if shown else next(iter(self.operation.ratios), "")))
        named = ratio.split(":") if ratio in self.operation.ratios and ":" in ratio else ()
        width, height = map(int, named) if named else shown or (16, 9)
        return (width, height) if named and width >= 100 else _sized(width / height, LINES[self.tier])

    def _shown(self) -> tuple[int, int] | None:
        """The size of the first input that can be seen."""
        inputs = (each.size for each in (self.frame, self.source) if each is not None and each.size)
        return next(inputs, None)

    @property
    def sounds(self) -> bool:
        """Whether the clip has sound. Kling O3 keeps that of the video it changes, unless told otherwise."""
        settings = self.body.get("providerSettings") or {}
        if self.source is not None and "providerSettings" in self.operation.optional:
            return self.source.sounds and bool(settings.get("keepOriginalSound", True))
        return bool(self.body.get("audio", self.model.sounds))

    @property
    def clip(self) -> Clip:
        """The file that is made."""
        width, height = self.size
        return Clip(seconds=self.seconds, width=width, height=height, fps=self.model.fps, audio=self.sounds)

    @property
    def credits(self) -> int:
        """What it costs in the end; parts of a credit are rounded up, which is a guess."""
        return self._credits(self.seconds)

    @property
    def estimate(self) -> int:
        """What it may cost at most: a length left to the model is first charged as the longest."""
        automatic = self.body.get("duration") == "auto"
        return self._credits(self.model.longest) if automatic else self.credits

    def _credits(self, seconds: float) -> int:
        model, tier = self.model, self.tier
        rate = model.rates[tier]
        if self.source is not None:
            rate = model.edit_rates.get(tier, rate)
        elif not self.sounds:
            rate = model.silent.get(tier, rate)
        rate += SURCHARGES[str(self.body.get("outputFormat", "mp4"))]
        cost = rate * seconds + model.source_rates.get(tier, 0) * self.source_seconds
        return max(model.least, math.ceil(round(cost + model.per_picture * self._pictures(), 6)))

    def _pictures(self) -> int:
        images, references = self.body.get("promptImage"), self.body.get("references")
        frames = len(images) if isinstance(images, list) else int(images is not None)
        return frames + (len(references) if isinstance(references, list) else 0)


def _sized(ratio: float, lines: int) -> tuple[int, int]:
    """Even pixels of this shape whose short side has so many lines."""
    if ratio >= 1:
        return round(lines * ratio / 2) * 2, lines
    return lines, round(lines / ratio / 2) * 2
