"""How a setting is declared, and the settings of webhooks and of how long things are kept."""

import base64
from typing import Annotated, Any

from pydantic import ByteSize, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core import urls
from core.errors import UnsafeUrl

SERVER = "Where the server listens, and who may call it"
WEBHOOKS = "Webhooks that are sent"
KEEPING = "How long things are kept; what has money in it always is"
FLOW = "When new work is refused; reads and cancels go on"
MOST_PER_SECOND = 100_000
LARGEST_BURST = 1_000_000
Secret = Annotated[SecretStr, Field(min_length=1)]


def variable(section: str, about: str, *names: str, default: Any = None, example: str = "") -> Any:
    """A setting: its names (the first is the documented one, the others are equals) and one sentence for people."""
    extra: dict[str, Any] = {"names": list(names), "section": section, "example": example}
    return Field(default=default, description=about, json_schema_extra=extra)


def checked_address(value: str, *, private_http: bool) -> str:
    """The address of an endpoint that the operator names, without a slash at its end. Raises ValueError."""
    try:
        return urls.check_endpoint(value, allow_private_http=private_http).url.rstrip("/")
    except UnsafeUrl as error:
        raise ValueError(str(error)) from None


class WebhookSettings(BaseSettings):
    """What webhooks are signed with, and where they may go."""

    webhook_secret: Secret | None = variable(
        WEBHOOKS,
        "What the secrets of all webhooks we send are derived from, one for each tenant and endpoint: `whsec_` and the"
        " base64 of 24 to 64 bytes; the same on every replica. Unset: made once and kept in the data folder.",
        "FILMGATE_WEBHOOK_SECRET",
    )
    webhook_origins: str | None = variable(
        WEBHOOKS,
        "Origins inside your network that webhooks may be sent to, with commas between them: all others must be"
        " public and https.",
        "FILMGATE_WEBHOOK_ORIGINS",
        example="http://backend:9000",
    )

    @field_validator("webhook_secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_signing_secret(value.get_secret_value()):
            raise ValueError("must be `whsec_` and the base64 of 24 to 64 bytes")
        return value

    @field_validator("webhook_origins")
    @classmethod
    def _plain_origins(cls, value: str | None) -> str | None:
        return None if value is None else ",".join(_origin(part.strip()) for part in value.split(","))

    @property
    def allowed_webhook_origins(self) -> frozenset[str]:
        """Inside the operator's network, and sent to all the same."""
        return frozenset(self.webhook_origins.split(",")) if self.webhook_origins else frozenset()


Days = Annotated[int, Field(ge=1, le=3650)]
Hours = Annotated[int, Field(ge=1, le=8760)]


class KeepingSettings(BaseSettings):
    """How long things are kept. Jobs, clips, attempts, the ledger, budgets and audit entries are kept for ever."""

    history_days: Days = variable(
        KEEPING,
        "Days after its job's end that the engine's own history of a clip is kept.",
        "FILMGATE_HISTORY_DAYS",
        default=7,
    )
    events_days: Days = variable(
        KEEPING,
        "Days after a job's end that its events are kept; its last one always is.",
        "FILMGATE_EVENTS_DAYS",
        default=30,
    )
    request_hours: Hours = variable(
        KEEPING,
        "Hours after a job's end that the bodies which were sent to vendors are kept.",
        "FILMGATE_REQUEST_HOURS",
        default=24,
    )
    request_ids_days: Annotated[int, Field(ge=7, le=3650)] = variable(
        KEEPING,
        "Days that request ids are remembered; callers rely on 7 at least.",
        "FILMGATE_REQUEST_IDS_DAYS",
        default=7,
    )
    deliveries_days: Days = variable(
        KEEPING,
        "Days that webhooks are kept, with the log of their tries; those still to be sent always are.",
        "FILMGATE_DELIVERIES_DAYS",
        default=30,
    )
    temp_hours: Hours = variable(
        KEEPING,
        "Hours after its last change that a temporary file counts as left behind.",
        "FILMGATE_TEMP_HOURS",
        default=6,
    )
    upload_hours: Hours = variable(
        KEEPING,
        "Hours that storing an asset or a file in parts may take; what is not finished by then is removed.",
        "FILMGATE_UPLOAD_HOURS",
        default=1,
    )
    delete_at_vendor: bool = variable(
        KEEPING,
        "Whether vendors are asked to delete what has been stored here, where they offer that.",
        "FILMGATE_DELETE_AT_VENDOR",
        default=False,
    )


class FlowSettings(BaseSettings):
    """How much new work is taken, from each tenant and in all."""

    tenant_rate: Annotated[float, Field(ge=0, le=MOST_PER_SECOND)] = variable(
        FLOW,
        "Requests for videos that a tenant may make per second, over all replicas together; 0 is no limit."
        " `AccountService` sets others for single tenants.",
        "FILMGATE_TENANT_RATE",
        default=0.0,
    )
    tenant_burst: Annotated[int, Field(ge=0, le=LARGEST_BURST)] = variable(
        FLOW, "How many of them may come at once; 0 is a second's worth.", "FILMGATE_TENANT_BURST", default=0
    )
    tenant_read_rate: Annotated[float, Field(ge=0, le=MOST_PER_SECOND)] = variable(
        FLOW,
        "Reads that a tenant may make per second at each replica, a second's worth at once; 0 is no limit.",
        "FILMGATE_TENANT_READ_RATE",
        default=0.0,
    )
    max_queued: Annotated[int, Field(ge=1, le=10_000_000)] = variable(
        FLOW,
        "Clips that may wait for a place, of all tenants. A tenant with more than its share is refused before it is"
        " full.",
        "FILMGATE_MAX_QUEUED",
        default=100_000,
    )
    accepts_at_once: Annotated[int, Field(ge=1, le=10_000)] = variable(
        FLOW,
        "Requests for videos that a process works on at a time; a tenant below its share of them is never refused.",
        "FILMGATE_ACCEPTS_AT_ONCE",
        default=64,
    )
    memory_limit: ByteSize | None = variable(
        FLOW,
        "Resident memory of the process above which no work is taken, such as `900MiB`; 0 is no limit. Unset: 90 % of"
        " what its container, or else the machine, has.",
        "FILMGATE_MEMORY_LIMIT",
        example="900MiB",
    )
    disk_reserve: ByteSize = variable(
        FLOW,
        "Free space in the data folder below which no work and no upload is taken.",
        "FILMGATE_DISK_RESERVE",
        default=ByteSize(1 << 30),
        example="1GiB",
    )


def _origin(value: str) -> str:
    address = checked_address(value, private_http=True)
    if urls.origin(address) != address:
        raise ValueError("an origin is `http://host:port`, without a path")
    return address


def _is_signing_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64
