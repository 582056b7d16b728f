"""Plain Python values into the requests of PromptService, and the pages of a lineage into one answer."""

from decimal import Decimal
from typing import Any, TypedDict

from filmgate.v1 import prompt_service_pb2
from filmgate.v1 import video_service_pb2 as messages

from filmgate_client.requests import MediaSource, media, money, new_request_id, seconds

TIMEOUT = 150.0
"""Seconds; a language model is asked twice at most, and may think."""
_LARGEST_PAGE = 200


class PromptFields(TypedDict, total=False):
    """What a request for a prompt may say besides its text; words and bounds as in the contract."""

    creative_id: str
    model: str
    max_cost: Decimal | str
    request_id: str


class ScriptFields(PromptFields, total=False):
    """What a request for a script may say besides product, style and call to action; `duration` in seconds."""

    product_image: MediaSource
    brief: str
    duration: float
    scenes: int
    aspect_ratio: str


class Previous(TypedDict, total=False):
    """What a better prompt starts from: exactly one of them."""

    prompt_id: str
    job_id: str
    text: str


class RegenerateFields(PromptFields, Previous, total=False):
    """What a request for a better prompt may say besides the feedback."""


def quantify_request(tenant: str, text: str, fields: PromptFields) -> prompt_service_pb2.QuantifyPromptRequest:
    """The request to read a text. Raises ValueError for an amount that is none."""
    return prompt_service_pb2.QuantifyPromptRequest(tenant_name=tenant, text=text, **_given(fields))


def regenerate_request(
    tenant: str, feedback: str, fields: RegenerateFields
) -> prompt_service_pb2.RegeneratePromptRequest:
    """The request for a better prompt. Raises ValueError unless it says what to start from, once."""
    given = _given(fields)
    if sum(name in given for name in Previous.__annotations__) != 1:
        raise ValueError("give exactly one of prompt_id, job_id and text")
    return prompt_service_pb2.RegeneratePromptRequest(tenant_name=tenant, feedback=feedback, **given)


def script_request(
    tenant: str, product_name: str, style: str, cta_text: str, fields: ScriptFields
) -> prompt_service_pb2.WriteScriptRequest:
    """The request for a script. Raises ValueError for an amount that is none, OSError for an unreadable file."""
    given = _given(fields)
    if "duration" in given:
        given["duration"] = seconds(given["duration"])
    if "product_image" in given:
        given["product_image"] = media(given["product_image"])
    return prompt_service_pb2.WriteScriptRequest(
        tenant_name=tenant, product_name=product_name, style=style, cta_text=cta_text, **given
    )


def _given(fields: PromptFields) -> dict[str, Any]:
    """The fields that were given, with a request id: that one, or a fresh one."""
    given: dict[str, Any] = {name: value for name, value in fields.items() if value not in (None, "")}
    if "max_cost" in given:
        given["max_cost"] = money(given["max_cost"])
    return {"request_id": new_request_id(), **given}


class Lineage:
    """A creative's lineage, put together page by page: while `wanted`, send `request` and `take` the answer."""

    def __init__(self, tenant: str, creative_id: str, limit: int) -> None:
        self.answer = messages.GetLineageResponse()
        self.wanted = True
        size = max(1, min(limit, _LARGEST_PAGE))
        self.request = messages.GetLineageRequest(tenant_name=tenant, creative_id=creative_id, page_size=size)
        self._limit = limit
        self._known: set[str] = set()

    def take(self, page: messages.GetLineageResponse) -> None:
        """One more page; a prompt that several of them name is kept once, the sums are the first one's."""
        if not self.answer.iterations:
            self.answer.costs.extend(page.costs)
        self.answer.iterations.extend(page.iterations)
        self.answer.prompts.extend(prompt for prompt in page.prompts if prompt.id not in self._known)
        self._known.update(prompt.id for prompt in page.prompts)
        self.answer.next_page_token = self.request.page_token = page.next_page_token
        left = self._limit - len(self.answer.iterations)
        self.wanted = bool(page.next_page_token) and left > 0
        self.request.page_size = max(1, min(left, _LARGEST_PAGE))
