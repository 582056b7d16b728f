"""Replicate's error bodies. Only those of 402, 404, 422 and 429 were observed."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from core.outcome import Json
from emulators.schema import Invalid, Rule

NO_CREDIT = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase "
    "credit. Once you purchase credit, please wait a few minutes before trying again."
)
BAD_VERSION: Mapping[str, Json] = {
    "title": "Invalid version or not permitted",
    "detail": "The specified version does not exist (or perhaps you don't have permission to use it?)",
    "status": 422,
}
TITLES: Mapping[int, tuple[str, str]] = {
    401: ("Unauthenticated", "You did not pass a valid authentication token"),
    402: ("Insufficient credit", NO_CREDIT),
}
FAILURES: Mapping[str, str] = {
    "E005": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
    "E8765": "Prediction interrupted; please retry (code: E8765)",
    "QUEUE": "Director: queue full, please try again later",
    "TIMEOUT": "Prediction timed out",
    "UNAVAILABLE": "The model is temporarily unavailable",
    "OOM": "CUDA out of memory. Tried to allocate 2.00 GiB",
    "ERROR": "list index out of range",
}
"""A short name of ours to the prediction's `error` text. Only E005 was observed; the others are typical wordings."""
MISFIT = "MISFIT"
"""The failure of a run whose inputs fit the schema but not each other; its text is the job's own."""


def error_body(status: int, text: str) -> dict[str, Json]:
    """`{"title", "detail", "status"}`; 404 and 429 come without a title, as observed."""
    title, detail = TITLES.get(status, (HTTPStatus(status).phrase, HTTPStatus(status).description or "Error"))
    body: dict[str, Json] = {"detail": text or detail, "status": status}
    return body if status in (404, 429) else {"title": title, **body}


def field_of(each: Invalid, parent: str) -> str:
    """Where a violation is told to be: that of a missing or unknown member is its parent."""
    if each.rule in (Rule.REQUIRED, Rule.UNKNOWN):
        return parent
    return f"{parent}.{each.name}" if parent else each.name


def refusal(members: Sequence[Invalid], inputs: Sequence[Invalid] = ()) -> dict[str, Json]:
    """The 422 body for violations by the members of the body, and by those of its `input`."""
    told = [(field_of(each, parent), each) for parent, group in (("", members), ("input", inputs)) for each in group]
    return {
        "detail": "".join(f"- {field}: {each.text}\n" if field else f"- {each.text}\n" for field, each in told),
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [{"type": each.rule, "field": field, "description": each.text} for field, each in told],
    }
