"""How texts of strangers are put before a language model: as strings of one JSON object, never as its own words."""

import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from core.outcome import Json
from prompts.words import Message, Target

_FOLDER = Path(__file__).parent.parent / "templates"
_NAMES = ("data", "quantify", "regenerate", "enhance", "script")
_LARGEST_TEMPLATE = 64 * 1024
_TELLING_LINE = 40
"""A shorter line of a template may stand in an honest answer."""
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
"""JSON can write them, UTF-8 cannot."""


@cache
def templates(folder: Path | None = None) -> Mapping[str, str]:
    """The system prompts by task, read once; a file of the operator's `folder` stands before ours of that name.

    Raises OSError or ValueError for a file that is not readable, not UTF-8, empty or larger than 64 KiB.
    """
    return MappingProxyType({name: _template(name, folder) for name in _NAMES})


def _template(name: str, folder: Path | None) -> str:
    own = folder / f"{name}.md" if folder is not None else None
    path = own if own is not None and own.exists() else _FOLDER / f"{name}.md"
    data = path.read_bytes()
    text = data.decode("utf-8").strip()
    if not text or len(data) > _LARGEST_TEMPLATE:
        raise ValueError(f"the template {path} is empty or larger than 64 KiB")
    return text


def system(task: str, folder: Path | None, facts: Mapping[str, Json]) -> Message:
    """The instructions of a task, how to take data, and the facts of the model it is for."""
    texts = templates(folder)
    shown = json.dumps(facts, ensure_ascii=False)
    return Message(role="system", content=f"{texts[task]}\n\n{texts['data']}\n\nFacts:\n{shown}")


def user(data: Mapping[str, Json]) -> Message:
    """The data of a task. Whatever a text in it says, it ends where JSON says that it ends."""
    text = json.dumps(data, ensure_ascii=False)
    return Message(role="user", content=_HALF_PAIRS.sub(lambda half: f"\\u{ord(half[0]):04x}", text))


def facts(target: Target, advice: str, styles: Collection[str] | None = None) -> dict[str, Json]:
    """What is to be known of the video model."""
    known: dict[str, Json] = {
        "video_model": target.model,
        "prompt_limit_characters": target.prompt_limit,
        "durations_seconds": list(target.durations),
        "aspect_ratios": list(target.aspect_ratios),
        "takes_negative_prompt": target.negative_prompt,
        "starts_from_an_image": target.needs_image,
        "advice": advice,
    }
    return known if styles is None else known | {"styles": sorted(styles)}


def tells(answer: str, task: str, folder: Path | None) -> bool:
    """Whether an answer repeats a line of the instructions."""
    said = _plain(_unescaped(answer))
    lines = (_plain(line) for name in (task, "data") for line in templates(folder)[name].splitlines())
    return any(line in said for line in lines if len(line) >= _TELLING_LINE)


def _unescaped(text: str) -> str:
    return text.replace("\\n", " ").replace('\\"', '"')


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
