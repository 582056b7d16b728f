"""What the tables of emulated fal endpoints are made of: inputs, clips and prices. https://fal.ai/models

Inputs are those of fal's typed endpoint map and of the schemas on its pages. Where the map prints an enum of numbers as
strings, the schema decides: integers for Pika and LTX, strings for Kling, Hailuo and Wan, `8s` for Veo.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from core.outcome import Json
from emulators.images import ImageHead
from emulators.jobs import Clip
from emulators.schema import Field, Invalid

Values = Mapping[str, Json]
"""The inputs that a model runs with: known names only, defaults filled in."""
LINES: Mapping[str, int] = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "1440p": 1440, "2160p": 2160}


def _fits(values: Values) -> Iterator[Invalid]:
    return iter(())


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One address that can be bought from."""

    id: str
    """`owner/app/path`, as it is posted to."""
    fields: Mapping[str, Field]
    seconds: Callable[[Values], float]
    price: Callable[[Values], int]
    """Inputs to millionths of a dollar."""
    lines: str = ""
    """The resolution, where no input tells it."""
    fps: Callable[[Values], float] = lambda values: 24
    audio: Callable[[Values], bool] = lambda values: False
    size: tuple[int, int] | None = None
    """The clip's size, where nothing changes it."""
    least_side: int = 0
    most_side: int = 0
    """Bounds of an input image's sides, where they are told."""
    complain: Callable[[Values], Iterator[Invalid]] = _fits
    """What no schema says of the inputs."""
    has_seed: bool = False
    """Whether the output repeats the seed."""
    bars: bool = False
    """Whether its logs show progress: models that fal runs itself do, partners' do not."""
    run_seconds: float = 60.0

    @property
    def app(self) -> str:
        """The first two parts, under which its requests are asked for."""
        return "/".join(self.id.split("/")[:2])

    @property
    def files(self) -> list[str]:
        """The inputs that are addresses of images."""
        return [name for name in self.fields if name.endswith(("image_url", "frame_url", "image_urls"))]

    def clip(self, values: Values, head: ImageHead | None) -> Clip:
        """The file that these inputs give; `head` is the first frame, where it can be seen."""
        width, height = self.size or _shape(
            LINES.get(str(values.get("resolution") or self.lines), 2160), _ratio(values, head)
        )
        return Clip(
            seconds=self.seconds(values), width=width, height=height, fps=self.fps(values), audio=self.audio(values)
        )


def _ratio(values: Values, head: ImageHead | None) -> float:
    asked = values.get("aspect_ratio")
    if isinstance(asked, str) and ":" in asked:
        across, down = asked.split(":")
        return int(across) / int(down)
    return min(max(head.width / max(head.height, 1), 0.4), 2.5) if head is not None else 16 / 9


def _shape(lines: int, ratio: float) -> tuple[int, int]:
    """Pixels of which the short edge has so many lines; nobody publishes them."""
    if ratio >= 1:
        return round(lines * ratio / 2) * 2, lines
    return lines, round(lines / ratio / 2) * 2


def text(*, required: bool = False, longest: int | None = None) -> Field:
    """A text; a required one is not empty."""
    return Field(kind="string", required=required, shortest=1 if required else None, longest=longest)


def choice(default: Json, *others: Json) -> Field:
    """An enumeration of texts or of whole numbers."""
    return Field(kind="string" if isinstance(default, str) else "integer", default=default, choices=(default, *others))


def address() -> Field:
    """The address of a file, or a `data:` URI."""
    return Field(kind="string", required=True)


def whole(default: int | None = None, low: int | None = None, high: int | None = None) -> Field:
    """A whole number."""
    return Field(kind="integer", default=default, low=low, high=high, nullable=default is None)


def switch(*, default: bool) -> Field:
    """A boolean."""
    return Field(kind="boolean", default=default)


PROMPT = {"prompt": text(required=True)}
SEED = {"seed": whole()}
NEGATIVE = {"negative_prompt": text()}
OPTIMIZER = {"prompt_optimizer": switch(default=True)}
CFG_SCALE = {"cfg_scale": Field(kind="number", default=0.5, low=0, high=1)}
FIRST_FRAME = {"image_url": address()}


def typed(values: Values) -> float:
    """The input `duration`: 5, "5" or "8s"."""
    return float(str(values["duration"]).removesuffix("s"))


def per_second(micros: Mapping[str, int]) -> Callable[[Values], int]:
    """So much for each second, by resolution."""
    return lambda values: round(micros[values["resolution"]] * typed(values))


def fixed(micros: int) -> Callable[[Values], int]:
    """So much for each clip."""
    return lambda values: micros
