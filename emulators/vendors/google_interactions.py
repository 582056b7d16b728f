"""The emulated Gemini API's interaction object and its webhooks, built from a job and the time."""

import json
from collections.abc import Mapping
from math import inf

from core.outcome import Json
from emulators.jobs import Job, Phase, Standing, end, fair_bill, interruption
from emulators.signing import rs256_token, rsa_key
from emulators.spelling import iso
from emulators.vendors.google_models import tokens
from emulators.webhooks import Letter
from emulators.world import World

ISSUER = "https://generativelanguage.googleapis.com"
KEY_ID = "emulated-1"
TOKEN_LIFE = 300
STATUSES: Mapping[Phase, str] = {
    Phase.QUEUED: "in_progress",  # what a create answers at once, observed
    Phase.THROTTLED: "queued",
    Phase.RUNNING: "in_progress",
    Phase.SUCCEEDED: "completed",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
    Phase.ABORTED: "cancelled",
}
FAILURES: Mapping[str, str] = {
    "SAFETY": "The request was blocked for safety reasons.",
    "PROHIBITED_CONTENT": "The content is prohibited.",
    "BLOCKLIST": "The prompt holds a blocked term.",
    "SPII": "The prompt holds sensitive personal information.",
    "internal": "An internal error has occurred.",
    "unavailable": "The model is overloaded.",
    "invalid_request": "Unable to process input image.",
}
"""Codes of `errors` to their texts. Only the four words of safety are documented; the others are typical."""
ENDINGS: Mapping[str, str] = {
    "incomplete": "incomplete",
    "budget-exceeded": "budget_exceeded",
    "requires-action": "requires_action",
}
"""Fates that end a job in another word than `completed`."""
EMPTY_HANDED = frozenset({"text-only", "no-steps", *ENDINGS})
REFUSAL = "I'm unable to generate that video. Please try another prompt."


def file_id(job: Job) -> str:
    """The id of the job's output file: letters and digits, as the SDK reads it out of an address."""
    return job.id.removeprefix("v1_")


def billed(job: Job, now: Standing) -> int:
    """Videos that were made cost; what was refused, stopped or lost costs nothing (a guess for what was stopped)."""
    if now.phase is not Phase.SUCCEEDED or EMPTY_HANDED & set(job.fates):
        return 0
    return fair_bill(job, now)


async def interaction(world: World, job: Job, at: float | None = None) -> dict[str, Json]:
    """The whole object, as it is now or was `at` another time (Unix seconds)."""
    now = world.standing(job, at)
    shown: dict[str, Json] = {
        "id": job.id,
        "object": "interaction",
        "model": job.model,
        "status": _status(job, now),
        "created": iso(job.created, "seconds"),
        "updated": iso(now.ended or now.started or job.created, "seconds"),
        "steps": await _steps(world, job, now),
    }
    if now.is_terminal and "no-usage" not in job.fates:
        shown["usage"] = _usage(job, now)
    if now.phase is Phase.FAILED:
        shown["errors"] = [{"code": job.failure, "message": FAILURES.get(job.failure, "Unknown error.")}]
    return shown


def _status(job: Job, now: Standing) -> str:
    if now.phase is Phase.RUNNING and "requires-continuation" in job.fates:
        return "requires_continuation"
    if now.phase is Phase.SUCCEEDED:
        return next((word for fate, word in ENDINGS.items() if fate in job.fates), "completed")
    return STATUSES[now.phase]


async def _steps(world: World, job: Job, now: Standing) -> list[Json]:
    """Nothing while it runs: the input is shown on demand only, which nobody here demands."""
    if now.phase is not Phase.SUCCEEDED or set(job.fates) & {"no-steps", *ENDINGS}:
        return []
    thought = {"type": "thought", "content": [{"type": "thought", "text": "Planning the shot."}]}
    if "text-only" in job.fates:
        return [thought, {"type": "model_output", "content": [{"type": "text", "text": REFUSAL}]}]
    video: dict[str, Json] = {"type": "video", "mime_type": "video/mp4"}
    if job.extra.get("delivery") == "inline" or "inline" in job.fates:
        video["data"] = await world.clips.base64(job)
    else:
        bare = f"{world.base_url}/google/v1beta/files/{file_id(job)}"
        video["uri"] = bare if "bare-uri" in job.fates else f"{bare}:download?alt=media"
    return [thought, {"type": "model_output", "content": [video]}]


def _usage(job: Job, now: Standing) -> dict[str, Json]:
    made = now.phase is Phase.SUCCEEDED and not EMPTY_HANDED & set(job.fates)
    counts = {"text": 42} if "text-only" in job.fates else {}
    if made:
        counts["video"] = tokens(str(job.extra["resolution"]), job.clip.seconds)
    return {
        "total_input_tokens": 20,
        "total_output_tokens": sum(counts.values()),
        "output_tokens_by_modality": [{"modality": name, "tokens": count} for name, count in counts.items()],
    }


def when_cancelled(world: World, job: Job) -> float | None:
    """At the end, if it was stopped."""
    stop, over = interruption(job)[0], end(job, world.timeline)
    return stop if stop == over < inf else None


def told(world: World, job: Job, event: str, at: float) -> dict[str, Json]:
    """A thin event: it names the interaction, the result is polled."""
    data: dict[str, Json] = {"id": job.id}
    if event == "interaction.failed":
        data |= {"error_code": job.failure, "error_message": FAILURES.get(job.failure, "Unknown error.")}
    body = {"type": event, "version": "v1", "timestamp": iso(at, "seconds"), "data": data}
    metadata = job.extra.get("user_metadata")
    return body | ({"user_metadata": metadata} if metadata else {})


async def sign(world: World, letter: Letter) -> Mapping[str, str]:
    """An RS256 token that holds the event itself; that its audience is the webhook's address is one guide's word."""
    claims = {
        **json.loads(letter.body),
        "iss": ISSUER,
        "aud": letter.job.webhook,
        "iat": letter.timestamp,
        "exp": letter.timestamp + TOKEN_LIFE,
    }
    key = await rsa_key(world, "google", forged=letter.forged)
    return {
        "webhook-id": letter.webhook_id,
        "webhook-timestamp": str(letter.timestamp),
        "webhook-signature": rs256_token(key, KEY_ID, claims),
    }
