"""One task of a language model as a talk of at most two calls, which somebody else sends and books."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from core.outcome import Json, parsed
from core.spec import Notice
from prompts.tasks import frames
from prompts.tasks.answers import Answer
from prompts.words import Ask, Fate, Message, Said

LLM_REFUSED = "LLM_REFUSED"
LLM_TIMED_OUT = "LLM_TIMED_OUT"
LLM_UNAVAILABLE = "LLM_UNAVAILABLE"
LLM_UNREADABLE = "LLM_UNREADABLE"
_MESSAGES = {
    LLM_REFUSED: "the language model declined to answer",
    LLM_TIMED_OUT: "the language model did not answer in time",
    LLM_UNAVAILABLE: "the language model could not be reached or gave no answer",
    LLM_UNREADABLE: "the language model's answer could not be used",
}
_CUT_OFF = "the answer was cut off at its length limit: answer in fewer words"
_LARGEST_REPEATED = 8000
_LARGEST_COMPLAINT = 1500

Result = TypeVar("Result")
AnswerType = TypeVar("AnswerType", bound=Answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The language model is of no help; `notice` tells people why, in our words: `code` is LLM_REFUSED,
    LLM_TIMED_OUT, LLM_UNAVAILABLE or LLM_UNREADABLE."""

    notice: Notice


class Exchange(Generic[Result]):
    """A task's talk: send `first`, `read` what was said, and send what that returns if it is an Ask. Used once."""

    def __init__(
        self,
        task: str,
        *,
        answer: type[AnswerType],
        schema: Mapping[str, object],
        facts: Mapping[str, Json],
        data: Mapping[str, Json],
        finish: Callable[[AnswerType], Result],
        context: Mapping[str, object] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`data` are texts of strangers; `finish` makes the result of a good answer and never fails."""
        self._task, self._folder, self._data = task, folder, dict(data)
        self._context = dict(context or {})
        self._take: Callable[[str], Result] = lambda text: finish(
            answer.model_validate_json(_json(text), context=self._context)
        )
        system = frames.system(task, folder, facts)
        self.first = Ask(messages=(system, frames.user(self._data)), schema_name=task, schema=dict(schema))
        self._is_repaired = False

    @property
    def dearest(self) -> tuple[Ask, Ask]:
        """Both calls as large as they can get, for a hold."""
        return self.first, self._again("x" * _LARGEST_REPEATED, "x" * _LARGEST_COMPLAINT)

    def read(self, said: Said) -> Result | Ask | Failed:
        """The result; or, once, the one call more that may mend the answer; or why there is none."""
        code = _unanswered(said)
        if not code and frames.tells(said.text, self._task, self._folder):
            code = LLM_UNREADABLE
        if code:
            return _failed(code)
        try:
            return self._take(said.text)
        except ValidationError as error:
            complaint = _CUT_OFF if said.cut_off else _complaint(error)
        if self._is_repaired:
            return _failed(LLM_UNREADABLE)
        self._is_repaired = True
        return self._again(said.text, complaint)

    def _again(self, answer: str, complaint: str) -> Ask:
        """The call again, with the answer and what is wrong with it as more data."""
        more = {"rejected_answer": _cut(answer, _LARGEST_REPEATED), "complaint": _cut(complaint, _LARGEST_COMPLAINT)}
        message: Message = frames.user(self._data | more)
        return replace(self.first, messages=(*self.first.messages[:-1], message))


def _unanswered(said: Said) -> str:
    """Why there is no answer at all; empty when there is one."""
    if said.fate is not Fate.ANSWERED:
        return LLM_TIMED_OUT if said.timed_out else LLM_UNAVAILABLE
    if said.declined:
        return LLM_REFUSED
    return LLM_UNREADABLE if said.detail else ""


def _failed(code: str) -> Failed:
    return Failed(notice=Notice(code=code, message=_MESSAGES[code]))


def _json(text: str) -> str:
    """The object in a text, fit to be stored; models without a grammar like to put fences around it."""
    found = text[text.find("{") : text.rfind("}") + 1]
    value = parsed(found.encode("utf-8", "replace"))
    return found if value is None else json.dumps(value, ensure_ascii=False)


def _complaint(error: ValidationError) -> str:
    """What pydantic says, without the values it says it of."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found)


def _cut(text: str, largest: int) -> str:
    """The start of a text, in at most so many bytes of JSON."""
    shown = text[:largest]
    while len(frames.user({"": shown}).content.encode()) - len(frames.user({"": ""}).content) > largest:
        shown = shown[: len(shown) * 3 // 4]
    return shown
