"""The shapes of answers: what a language model may say, how that is checked, and the JSON schema it is given."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from core.outcome import Json
from core.spec import Motion, Quality

_KEPT = ("type", "enum", "const", "description", "items", "anyOf", "properties")
"""The parts of a schema that every service takes in strict mode; lengths and bounds are checked here instead."""

FieldName = Literal[
    "duration", "aspect_ratio", "style", "quality", "motion", "audio", "negative_prompt", "camera", "mood"
]
ChangedName = Literal[
    "prompt", "duration", "aspect_ratio", "style", "quality", "motion", "audio", "negative_prompt", "camera", "mood"
]
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
"""What steers a terminal or turns the text after it around."""


def _seen(text: str) -> str:
    return _UNSEEN.sub(" ", text)


Text = Annotated[str, AfterValidator(_seen)]
Prompt = Annotated[Text, Field(min_length=1, max_length=8000, pattern=r"\S")]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


class Answer(BaseModel):
    """An answer: exactly these members, exactly of these types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ReadingAnswer(Answer):
    """Where a field comes from."""

    field: FieldName
    words: Text = Field(max_length=500, description="copied from the text, letter by letter; empty if only concluded")
    confidence: float = Field(ge=0, le=1, description="from 0 to 1")


class DraftAnswer(Answer):
    """A text, read."""

    prompt: Prompt = Field(description="the picture in words, without what other fields carry")
    negative_prompt: Text = Field(max_length=2000, description="things that shall not be seen: `people, text`")
    duration_seconds: Seconds | None
    aspect_ratio: str | None = Field(pattern=r"^[1-9][0-9]{0,2}:[1-9][0-9]{0,2}$", description="such as 16:9")
    style: str | None = Field(max_length=128)
    quality: Quality | None
    motion: Motion | None
    audio: bool | None
    camera: tuple[Annotated[Text, Field(min_length=1, max_length=100)], ...] = Field(max_length=10)
    mood: Text = Field(max_length=100)
    readings: tuple[ReadingAnswer, ...] = Field(max_length=40)

    @field_validator("style")
    @classmethod
    def known(cls, style: str | None, info: ValidationInfo) -> str | None:
        """One of the styles in the context."""
        styles: Collection[str] = (info.context or {}).get("styles", ())
        if style is not None and style not in styles:
            raise ValueError(f"must be null or one of {', '.join(sorted(styles))}")
        return style


class ChangeAnswer(Answer):
    """Why a field is different."""

    field: ChangedName
    why: Text = Field(max_length=400, description="one sentence for people")


class RewrittenAnswer(DraftAnswer):
    """A prompt, made better."""

    changes: tuple[ChangeAnswer, ...] = Field(max_length=40)


class EnhancedAnswer(Answer):
    """Better words."""

    prompt: Prompt
    negative_prompt: Text = Field(max_length=2000)
    duration_seconds: Seconds | None = Field(description="only if the text says how long the video shall be")


class SceneAnswer(Answer):
    """A clip of a script."""

    video_prompt_template: Prompt = Field(description="with {product_name} and {style} where they belong")
    use_product_image: bool
    narration: Text = Field(max_length=1000)
    text: Text = Field(max_length=200, description="written on the screen; mostly empty")


class ScriptAnswer(Answer):
    """A product, told."""

    scenes: tuple[SceneAnswer, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def counted(self, info: ValidationInfo) -> Self:
        """As many scenes as the context says."""
        wanted = (info.context or {}).get("scenes", len(self.scenes))
        if len(self.scenes) != wanted:
            raise ValueError(f"must be exactly {wanted} scenes, not {len(self.scenes)}")
        return self


def schema(answer: type[Answer], styles: Collection[str] | None = None) -> dict[str, object]:
    """The strict JSON schema of an answer, every member required; a `style` is one of `styles`, or null."""
    whole = _whole(answer)
    if styles is None:
        return whole
    named = {"anyOf": [{"type": "string", "enum": sorted(styles)}, {"type": "null"}]} if styles else {"type": "null"}
    return whole | {"properties": whole["properties"] | {"style": named}}


@cache
def _whole(answer: type[Answer]) -> dict[str, Any]:
    generated = answer.model_json_schema()
    strict: dict[str, Any] = _strict(generated, generated.get("$defs", {}))
    return strict


def _strict(part: Json, definitions: Mapping[str, Json]) -> Json:
    if isinstance(part, list):
        return [_strict(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _strict(definitions[part["$ref"].rpartition("/")[2]], definitions)
    kept = {name: _strict(value, definitions) for name, value in part.items() if name in _KEPT and name != "properties"}
    if "properties" in part:
        members = {name: _strict(value, definitions) for name, value in part["properties"].items()}
        kept |= {"properties": members, "required": list(members), "additionalProperties": False}
    return kept
