"""The part of `verify` that costs nothing: the key, a wrong key, a job nobody knows, a model nobody has."""

import secrets
import string
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from core import clock
from core.errors import Billed, FailureReason
from core.outcome import Accepted, AttemptReference, Failed, Refused, Reply, Request, Ticket
from core.spec import ClipSpec
from jobs.endpoints import Endpoint
from jobs.http import VendorClient
from providers.base import BaseVideoProvider
from providers.model import VideoModel
from server.commands.verify_transcript import Recorder, Report

WRONG_KEY = "filmgate-verify-wrong-key"
_NO_MODEL = "filmgate-no-such-model"
_REFUSES_UNKNOWN_MODELS = frozenset({"runway", "luma", "replicate"})
"""Vendors that are known to refuse an order for a model they do not have, and so to sell nothing.

Runway documents 400 for a body that is wrong, Luma's guide to errors lists `Unknown model`, and Replicate's 404 and 422
for models and versions were seen. An OpenAI-compatible upstream may sell what it has instead; of others nobody knows.
"""
_GONE = frozenset({FailureReason.INVALID_INPUT, FailureReason.VENDOR_RETIRED})


class WrongAnswer(Exception):
    """A probe did not pass; the text says what was seen, and what our tables say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probes:
    """What the probes work with. `provider` is watched by the recorder."""

    provider: BaseVideoProvider
    endpoint: Endpoint
    client: VendorClient
    row: VideoModel
    spec: ClipSpec
    recorder: Recorder
    report: Report
    elsewhere: bool
    """Whether `--base-url` names another address: the vendor's further hosts are not asked then."""

    async def run(self) -> bool:
        """Make all of them; whether something may be bought with this key."""
        usable = await self._step("key", self._key)
        if self._has_key:
            await self._step("wrong key", self._wrong_key)
        await self._step("unknown job", self._unknown_job)
        secret = self.provider.callback_secret()
        if secret is not None and not (secret.host and self.elsewhere):
            await self._step("webhook keys", self._webhook_keys)
        if self.provider.name in _REFUSES_UNKNOWN_MODELS:
            usable = await self._step("unknown model", self._unknown_model) and usable
        return usable

    async def _step(self, name: str, probe: Callable[[], Awaitable[str]]) -> bool:
        self.recorder.step = name
        try:
            passed, seen = True, await probe()
        except WrongAnswer as error:
            passed, seen = False, str(error)
        except OSError as error:  # not sent, reply lost, no access token: the texts are ours
            passed, seen = False, f"no answer: {error}"
        self.report.add(name, passed, seen)
        return passed

    async def _key(self) -> str:
        """The vendor's list of jobs where it has one, else a job that it cannot know."""
        reference = self._reference()
        listing = self.provider.search(reference)
        reply = await self._send(listing or self._poll_of_nothing())
        refused = self.provider.refusal(reply)
        if reply.status in (401, 403) or (refused is not None and refused.reason is FailureReason.VENDOR_AUTH):
            self.provider.submitted(reply)
            raise WrongAnswer(f"HTTP {reply.status}: the key is refused{self._scope(reply)}")
        if listing is None:
            self.provider.outcome(reply)
            return f"HTTP {reply.status}, not a refusal of the key"
        self.provider.candidates(reply, reference)
        if reply.status != 200 or reply.document is None:
            raise WrongAnswer(f"HTTP {reply.status}; our tables say 200 with a list")
        return "HTTP 200, the list of jobs can be read"

    @staticmethod
    def _scope(reply: Reply) -> str:
        return " (a 403 may also mean that this key may not read)" if reply.status == 403 else ""

    async def _wrong_key(self) -> str:
        request = self.provider.search(self._reference()) or self._poll_of_nothing()
        reply = await self._send(request, secret=WRONG_KEY)
        read = self.provider.submitted(reply) if reply.status >= 400 else None
        if isinstance(read, Refused) and read.failure.reason is FailureReason.VENDOR_AUTH:
            return f"HTTP {reply.status} is {read.failure.reason}"
        said = read.failure.reason if isinstance(read, Refused) else "no refusal"
        raise WrongAnswer(f"HTTP {reply.status} is {said}; our tables say {FailureReason.VENDOR_AUTH}")

    async def _unknown_job(self) -> str:
        reply = await self._send(self._poll_of_nothing())
        outcome = self.provider.outcome(reply)
        if isinstance(outcome, Failed) and outcome.failure == self.provider.lost():
            return f"HTTP {reply.status} is a job the vendor does not know"
        raise WrongAnswer(f"HTTP {reply.status} is {type(outcome).__name__}; our tables say a job that is lost")

    async def _webhook_keys(self) -> str:
        request = self.provider.callback_secret()
        assert request is not None
        reply = await self._send(request)
        found = self.provider.callback_secrets(reply)
        if not found:
            raise WrongAnswer(f"HTTP {reply.status} without a key; our tables say 200 with one")
        return f"HTTP {reply.status}, {len(found)} to verify webhooks with"

    async def _unknown_model(self) -> str:
        reply = await self._send(spoiled(self.provider.submit(self.spec, self.row, None), self.row))
        read = self.provider.submitted(reply)
        if isinstance(read, Refused) and read.failure.billed is Billed.NO and read.failure.reason in _GONE:
            return f"HTTP {reply.status} is {read.failure.reason}, not billed"
        if isinstance(read, Accepted):
            raise WrongAnswer("the vendor took an order for a model it cannot have: look at your account")
        said = read.failure.reason if isinstance(read, Refused) else "no clear refusal"
        raise WrongAnswer(f"HTTP {reply.status} is {said}; our tables say {' or '.join(sorted(_GONE))}")

    async def _send(self, request: Request, *, secret: str | None = None) -> Reply:
        key = await self.endpoint.credentials() if secret is None else secret
        send = self.client.poll if request.method == "GET" else self.client.send_once
        return await send(
            request if key else replace(request, auth=None),
            base_url=self.endpoint.address(request.host),
            secret=key,
            read_timeout=30.0,
            max_reply=self.provider.largest_reply,
        )

    @property
    def _has_key(self) -> bool:
        return bool(self.endpoint.secret) or self.endpoint.tokens is not None

    def _reference(self) -> AttemptReference:
        return AttemptReference(
            attempt_id="filmgate-verify",
            callback_token="filmgate-verify",  # noqa: S106 - no secret: it is nobody's
            model=self.row.wire_name,
            request=self.provider.submit(self.spec, self.row, None).json,
            intended_at=clock.now().isoformat(),
        )

    def _poll_of_nothing(self) -> Request:
        return self.provider.poll(unknown_ticket(self.provider, self.row, self.endpoint.base_url))


def unknown_ticket(provider: BaseVideoProvider, row: VideoModel, base_url: str) -> Ticket:
    """A job that is not there, under an id as the vendor gives them, so that only its absence can be complained of."""
    marks = string.ascii_lowercase + string.digits
    ids = {
        "replicate": "".join(secrets.choice(marks) for _ in range(26)),
        "google": f"v1_{secrets.token_urlsafe(52)}",
        "openai": f"video_{uuid.uuid4().hex}",
        "openai-compatible": f"video_{uuid.uuid4().hex}",
        "vertex": f"{_project(base_url)}/publishers/google/models/{row.wire_name}/operations/{uuid.uuid4()}",
    }
    identifier = ids.get(provider.name, str(uuid.uuid4()))
    return provider.adopt(identifier, row) or {"id": identifier}


def _project(base_url: str) -> str:
    """`projects/…/locations/…` of an endpoint's address; names of nobody where it has none."""
    path = urlsplit(base_url).path
    return path[path.find("projects/") :] if "projects/" in path else "projects/filmgate/locations/global"


def spoiled(request: Request, row: VideoModel) -> Request:
    """The order with a model in it that does not exist, wherever the vendor wants the model named."""
    body = dict(request.json or {})
    if body.get("version"):
        return replace(request, json={**body, "version": "0" * 64})
    if body.get("model") == row.wire_name:
        return replace(request, json={**body, "model": _NO_MODEL})
    if row.wire_name not in request.path:
        raise WrongAnswer("the order names no model")
    return replace(request, path=request.path.replace(row.wire_name, f"filmgate/{_NO_MODEL}"))
