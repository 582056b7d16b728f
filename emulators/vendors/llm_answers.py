"""What the emulated language model writes: by small rules from the user's text, always the same, always marked MOCK."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.outcome import Json

MARK = "MOCK"
_LENGTH = re.compile(r"(\d{1,3})\s*(?:s|sec|secs|seconds?)\b", re.IGNORECASE)
_RATIO = re.compile(r"\b(\d{1,2}:\d{1,2})\b|\b(vertical|square|landscape)\b", re.IGNORECASE)
_RATIOS = {"vertical": "9:16", "square": "1:1", "landscape": "16:9"}
_NEGATIVE = re.compile(r"\b(?:no|without)\s+(\w+)", re.IGNORECASE)
_MOTION = re.compile(r"\b(?:(slow\w*|calm\w*)|(fast\w*|dynamic))\b", re.IGNORECASE)
_SOUND = re.compile(r"\b(?:(silent|without sound)|(with sound|with music))\b", re.IGNORECASE)
_CAMERA = re.compile(r"\b(?:dolly|pan|zoom|orbit|drone shot|close-up)\b", re.IGNORECASE)
_LONGEST_TEXT = 6000


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A request as the model understands it."""

    system: str
    schema: Mapping[str, Json]
    """Of the answer; empty when none was asked for."""
    facts: Mapping[str, Json]
    """The JSON object that ends the system message, if one does."""
    data: Mapping[str, Json]
    """The JSON object that the last message is; `text` when it is none."""


def read_task(body: Mapping[str, Json]) -> Task:
    """What a valid request asks for."""
    messages = body["messages"]
    system = "\n".join(each["content"] for each in messages if each["role"] in ("system", "developer"))
    objects = [each for each in map(_object, system.splitlines()) if each is not None]
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    told = next((each for each in objects if "properties" in each), {})
    facts = next((each for each in reversed(objects) if "properties" not in each), {})
    last = messages[-1]["content"]
    return Task(system=system, schema=schema or told, facts=facts, data=_object(last) or {"text": last})


def _object(text: str) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write(task: Task) -> dict[str, Json]:
    """The answer: which kind it is, its schema tells."""
    members = task.schema.get("properties", {})
    for member, writer in _WRITERS.items():
        if member in members:
            return writer(task)
    return {name: _anything(part) for name, part in members.items()} or {"text": f"{MARK}: {_text(task.data, 'text')}"}


def _text(data: Mapping[str, Json], name: str) -> str:
    value = data.get(name, "")
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _script(task: Task) -> dict[str, Json]:
    count = task.facts.get("scenes")
    count = count if isinstance(count, int) and 0 < count <= 20 else 3
    scene = {
        "use_product_image": bool(task.facts.get("has_product_image")),
        "narration": f"{MARK}.",
        "text": "",
    }
    scenes = [
        {"video_prompt_template": f"{MARK} shot {number}: {{product_name}} in {{style}} light", **scene}
        for number in range(1, count + 1)
    ]
    return {"scenes": scenes}


def _rewrite(task: Task) -> dict[str, Json]:
    """The previous draft, with what the feedback says laid over it."""
    previous = task.data.get("previous")
    before: Mapping[str, Json] = previous if isinstance(previous, dict) else {}
    feedback = _text(task.data, "feedback")
    read = _read(feedback, task.schema)
    kept = {
        "negative_prompt": _text(before, "negative_prompt"),
        "duration_seconds": before.get("duration"),
        **{name: before.get(name) for name in ("aspect_ratio", "style", "quality", "motion", "audio")},
        "camera": before.get("camera", []),
        "mood": _text(before, "mood"),
    }
    said = {name: value for name, value in read.items() if value not in (None, "", [])}
    prompt = f"{_text(before, 'prompt').strip() or MARK}, {feedback.strip()}"
    changed = ["prompt", *(_field(name) for name in said if name != "readings" and said[name] != kept[name])]
    reasons = [{"field": name, "why": f"{MARK}: the feedback says so."} for name in changed]
    readings = said.get("readings", [])
    return {**kept, **said, "readings": readings, "prompt": prompt[:_LONGEST_TEXT], "changes": reasons}


def _draft(task: Task) -> dict[str, Json]:
    text = _text(task.data, "text")
    return {"prompt": f"{MARK}: {text}", **_read(text, task.schema)}


def _words(task: Task) -> dict[str, Json]:
    """Only the words and the negative prompt, and the length as a remark."""
    text = _text(task.data, "text")
    read = _read(text, task.schema)
    return {
        "prompt": f"{MARK}: {text}, cinematic light",
        **{name: read[name] for name in ("negative_prompt", "duration_seconds")},
    }


def _read(text: str, schema: Mapping[str, Json]) -> dict[str, Json]:
    """The members of a draft, without its prompt."""
    length, ratio, negative = _LENGTH.search(text), _RATIO.search(text), _NEGATIVE.search(text)
    motion, sound, camera = _MOTION.search(text), _SOUND.search(text), _CAMERA.search(text)
    style = _style(text, schema)
    named = re.search(rf"\b{re.escape(style)}\b", text, re.IGNORECASE) if style else None
    found = {
        "duration": length,
        "aspect_ratio": ratio,
        "negative_prompt": negative,
        "motion": motion,
        "audio": sound,
        "camera": camera,
        "style": named,
    }
    return {
        "negative_prompt": negative[1] if negative else "",
        "duration_seconds": int(length[1]) if length and 0 < int(length[1]) <= 600 else None,
        "aspect_ratio": (ratio[1] or _RATIOS[ratio[2].lower()]) if ratio else None,
        "style": style,
        "quality": None,
        "motion": ("LOW" if motion[1] else "HIGH") if motion else None,
        "audio": sound[1] is None if sound else None,
        "camera": [camera[0].lower()] if camera else [],
        "mood": "",
        "readings": [
            {"field": name, "words": match[0], "confidence": 0.8} for name, match in found.items() if match is not None
        ],
    }


def _style(text: str, schema: Mapping[str, Json]) -> str | None:
    """The first style of the schema that the text names."""
    choices = schema.get("properties", {}).get("style", {}).get("anyOf", [])
    names = [name for choice in choices for name in choice.get("enum", ())]
    return next((name for name in names if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)), None)


def _field(member: str) -> str:
    return "duration" if member == "duration_seconds" else member


_WRITERS: Mapping[str, Callable[[Task], dict[str, Json]]] = {
    "scenes": _script,
    "changes": _rewrite,
    "readings": _draft,
    "prompt": _words,
}
"""By a member that only that answer has, the most telling one first."""


def _anything(schema: Json) -> Json:
    """A value of any schema."""
    part = schema if isinstance(schema, dict) else {}
    if "anyOf" in part:
        return _anything(part["anyOf"][0])
    if "enum" in part:
        return part["enum"][0]
    if part.get("type") == "object":
        return {name: _anything(member) for name, member in part.get("properties", {}).items()}
    plain: dict[str, Json] = {"string": MARK, "number": 1, "integer": 1, "boolean": False, "array": []}
    return plain.get(str(part.get("type")))
