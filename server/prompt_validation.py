"""From PromptService's messages to what the jobs room is asked: one function per message, all violations at once."""

from dataclasses import dataclass

from filmgate.v1 import prompt_service_pb2 as pb

from core.errors import Reason
from core.money import Money
from core.spec import MediaInput
from server.checks import Findings
from server.validation import LONGEST_PROMPT, InlineBudget, max_cost, media_input, request_hash

LONGEST_FEEDBACK = 4000
LONGEST_BRIEF = 4000
LONGEST_LINE = 200
MOST_SCENES = 20
SHORTEST_SCRIPT, LONGEST_SCRIPT = 4, 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """What every request about prompts says: whose it is, what it is for, which model, how much, and which call."""

    tenant: str
    creative_id: str
    model: str
    """Id, alias, `auto`, or empty for the server's default."""
    max_cost: Money | None
    request_id: str
    request_hash: str
    """Empty without a request id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantify:
    """A QuantifyPromptRequest, read."""

    caller: Caller
    text: str
    findings: Findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Regenerate:
    """A RegeneratePromptRequest, read; exactly one of `prompt_id`, `job_id` and `text` is not empty."""

    caller: Caller
    prompt_id: str
    job_id: str
    text: str
    feedback: str
    findings: Findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A WriteScriptRequest, read."""

    caller: Caller
    product_name: str
    style: str
    cta_text: str
    product_image: MediaInput | None
    brief: str
    duration: float | None
    scenes: int | None
    aspect_ratio: str | None
    findings: Findings


Asked = Quantify | Regenerate | Write


def quantify(request: pb.QuantifyPromptRequest) -> Quantify:
    """Read a request; what is broken is left out and among its findings."""
    findings = Findings()
    return Quantify(
        caller=_caller(request, findings),
        text=_required("text", request.text, LONGEST_PROMPT, findings),
        findings=findings,
    )


def regenerate(request: pb.RegeneratePromptRequest) -> Regenerate:
    """Read a request; what is broken is left out and among its findings."""
    findings = Findings()
    previous = request.WhichOneof("previous")
    if previous is None:
        findings.add("previous", "is required: one of `prompt_id`, `job_id`, `text`")
    return Regenerate(
        caller=_caller(request, findings),
        prompt_id=findings.identifier("prompt_id", "prompt", request.prompt_id) if previous == "prompt_id" else "",
        job_id=findings.identifier("job_id", "job", request.job_id) if previous == "job_id" else "",
        text=_required("text", request.text, LONGEST_PROMPT, findings) if previous == "text" else "",
        feedback=_required("feedback", request.feedback, LONGEST_FEEDBACK, findings),
        findings=findings,
    )


def write(request: pb.WriteScriptRequest) -> Write:
    """Read a request; what is broken is left out and among its findings."""
    findings = Findings()
    style = findings.word("style", request.style)
    if not request.style:
        findings.add("style", "is required: a named look, such as `luxury`")
    timed = request.HasField("duration")
    duration = findings.seconds("duration", request.duration, SHORTEST_SCRIPT, LONGEST_SCRIPT) if timed else None
    return Write(
        caller=_caller(request, findings),
        product_name=_required("product_name", request.product_name, LONGEST_LINE, findings),
        style=style,
        cta_text=_required("cta_text", request.cta_text, LONGEST_LINE, findings),
        product_image=media_input("product_image", request, findings, InlineBudget(findings)),
        brief=findings.text("brief", request.brief, LONGEST_BRIEF),
        duration=duration,
        scenes=findings.whole("scenes", request.scenes, 0, MOST_SCENES) or None,
        aspect_ratio=findings.ratio("aspect_ratio", request.aspect_ratio),
        findings=findings,
    )


_Request = pb.QuantifyPromptRequest | pb.RegeneratePromptRequest | pb.WriteScriptRequest


def _caller(request: _Request, findings: Findings) -> Caller:
    request_id = findings.request_id(request.request_id)
    return Caller(
        tenant=findings.tenant(request.tenant_name),
        creative_id=findings.creative(request.creative_id, required=False),
        model=findings.word("model", request.model),
        max_cost=max_cost(request, findings),
        request_id=request_id,
        request_hash=request_hash(request) if request_id else "",
    )


def _required(field: str, value: str, longest: int, findings: Findings) -> str:
    """Text that may not be missing, as it was typed."""
    if not value.strip():
        findings.add(field, f"is required: 1 to {longest:,} characters")
        return ""
    reason = Reason.PROMPT_TOO_LONG if field == "text" else Reason.INVALID_REQUEST
    return findings.text(field, value, longest, reason)
