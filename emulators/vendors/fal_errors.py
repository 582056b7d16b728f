"""How emulated fal requests fail: a model's own errors and those of fal's machinery. https://fal.ai/docs/model-apis/errors"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.outcome import Json
from emulators import schema
from emulators.schema import Invalid, Rule

DOCS = "https://docs.fal.ai/errors"
INVALID = "invalid"
"""`Job.failure` of a request whose inputs its model refused; the errors are in the job's `extra`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Error:
    """One way to end: what the result answers."""

    status: int
    text: str
    type: str = ""
    """Of a model's error in `detail`; empty: `detail` is just the text."""
    where: tuple[str, ...] = ("body",)
    error_type: str = ""
    """Of an error of fal's machinery."""
    by_user: bool = False
    """Whether the client's own X-Fal-Request-Timeout did it."""

    @property
    def body(self) -> dict[str, Json]:
        """What the result says."""
        if self.error_type:
            return {"detail": self.text, "error_type": self.error_type}
        return {"detail": [entry(self.type, self.text, self.where)] if self.type else self.text}

    @property
    def headers(self) -> dict[str, str]:
        """What the result's headers say."""
        retryable = str(self.status >= 500).lower()
        told = {"X-Fal-Error-Type": self.error_type} if self.error_type else {"X-Fal-Retryable": retryable}
        return told | ({"X-Fal-Request-Timeout-Type": "user"} if self.by_user else {})


def entry(kind: str, text: str, where: Sequence[str]) -> dict[str, Json]:
    """One error of a model."""
    return {"loc": list(where), "msg": text, "type": kind, "url": f"{DOCS}#{kind}", "input": None}


def _model(kind: str, text: str, *where: str, status: int = 422) -> Error:
    return Error(status=status, text=text, type=kind, where=("body", *where))


def _machinery(kind: str, text: str, status: int) -> Error:
    return Error(status=status, text=text, error_type=kind)


FLAGGED = "The content could not be processed because it contained material flagged by a content checker."
ERRORS: Mapping[str, Error] = {
    "content_policy_violation": _model("content_policy_violation", FLAGGED, "prompt"),
    "content_policy_violation.image": _model("content_policy_violation", FLAGGED, "image_url"),
    "no_media_generated": _model("no_media_generated", "No media was generated."),
    "image_load_error": _model("image_load_error", "Failed to load the image.", "image_url"),
    "internal_server_error": _model("internal_server_error", "Internal server error", status=500),
    "generation_timeout": _model("generation_timeout", "Generation timeout", status=504),
    "downstream_service_error": _model("downstream_service_error", "Downstream service error", status=400),
    "downstream_service_unavailable": _model(
        "downstream_service_unavailable", "Downstream service unavailable", status=500
    ),
    "text": Error(status=422, text="Something about the input is wrong."),
    # The statuses are those of fal's page as far as it gives them; 502 and 500 are guesses, and so are all texts but
    # the first.
    "request_timeout": _machinery("request_timeout", "Request timed out", 504),
    "startup_timeout": _machinery("startup_timeout", "The runner did not start in time", 504),
    "runner_scheduling_failure": _machinery("runner_scheduling_failure", "No runner could be allocated", 503),
    "runner_disconnected": _machinery("runner_disconnected", "The runner disconnected", 503),
    "runner_incomplete_response": _machinery("runner_incomplete_response", "The response is incomplete", 502),
    "internal_error": _machinery("internal_error", "Internal error", 500),
}
"""Failure code to error, one of each kind; what follows a dot, and `text`, are names of ours."""

CANCELLED = _machinery("client_cancelled", "Request was cancelled", 499)
"""What a cancelled request says later is documented nowhere: this is the word that fits."""
TOO_LATE = Error(status=504, text="Request timed out", error_type="request_timeout", by_user=True)


def invalid_detail(wrong: Sequence[Invalid]) -> list[dict[str, Json]]:
    """The `detail` for inputs that the model refuses. Types are pydantic's, wordings of `msg` close to it."""
    types = {**schema.PYDANTIC, Rule.REQUIRED: "missing"}
    return [{**each, "url": f"{DOCS}#{each['type']}"} for each in schema.fastapi_detail(wrong, types=types)]
