"""Every setting of the service, from environment variables alone; no other module reads the environment.

https://docs.pydantic.dev/latest/concepts/pydantic_settings/
"""

import difflib
import enum
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from core.postgres import postgres_url
from providers import PROVIDERS
from providers.base import BaseVideoProvider
from server import prompt_settings
from server.prompt_settings import PromptSettings
from server.variables import SERVER as _SERVER
from server.variables import FlowSettings, KeepingSettings, Secret, WebhookSettings, checked_address
from server.variables import variable as _variable

_PREFIX = "FILMGATE_"
_FILE = "_FILE"
_LONGEST_SECRET_FILE = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_TAKEN = frozenset({"GOOGLE_APPLICATION_CREDENTIALS"})
"""Credential variables that have a setting of their own kind."""
_FOR_OTHERS = frozenset({"FILMGATE_TARGET", "FILMGATE_TENANT", "FILMGATE_IMAGE"})
"""Read by the client's commands and by the compose file; no settings of the server."""


class SettingsError(Exception):
    """Settings that the server refuses to start with: one line per fault, which names keys and rules, never values."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class MockMode(enum.StrEnum):
    """What stands in for a vendor without a key."""

    AUTO = "auto"
    NEVER = "never"
    ALWAYS = "always"


class LogLevel(enum.StrEnum):
    """The least important line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(enum.StrEnum):
    """How a line of the log looks."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


Port = Annotated[int, Field(ge=0, le=65535)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}$")]


_STORE = "Where finished videos are kept"
_VENDORS = "Keys of the vendors"
_MOCKS = "What stands in for a vendor without a key"
_WORK = "How much is done at once"
_LATER = "Keys for parts that come with later versions: accepted and kept secret, used by nothing yet"
_FAULTS = "For finding faults"


class _Settings(KeepingSettings, WebhookSettings, FlowSettings, PromptSettings):
    """The settings of one server process. Frozen; every secret is a `SecretStr`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False, str_strip_whitespace=True
    )

    host: str = _variable(
        _SERVER,
        "Address to listen on. Any address but loopback needs FILMGATE_API_KEY.",
        "FILMGATE_HOST",
        default="127.0.0.1",
    )
    grpc_port: Port = _variable(_SERVER, "Port of gRPC; 0 takes a free one.", "FILMGATE_GRPC_PORT", default=50051)
    http_port: Port = _variable(
        _SERVER,
        "Port of the HTTP edge (media, vendor webhooks, health); 0 takes a free one.",
        "FILMGATE_HTTP_PORT",
        default=8080,
    )
    api_key: Annotated[SecretStr, Field(min_length=16)] | None = _variable(
        _SERVER,
        "The operator's key, at least 16 characters: callers send it as `authorization: Bearer <key>`."
        " Without one, only loopback is served.",
        "FILMGATE_API_KEY",
    )
    public_url: str | None = _variable(
        _SERVER,
        "Where vendors and browsers reach the HTTP edge, such as https://filmgate.example.com."
        " Unset: vendors are polled, and media addresses name the edge's own port.",
        "FILMGATE_PUBLIC_URL",
    )
    data_dir: Path = _variable(
        _SERVER,
        "Folder of the database, of work in progress and of the embedded store.",
        "FILMGATE_DATA_DIR",
        default=Path(".data"),
    )
    database_url: Secret | None = _variable(
        _SERVER,
        "A Postgres database for one replica or several: `postgresql://user:password@host:5432/name`, or"
        " `postgresql://user@/name?host=/folder/of/the/socket`. Unset: SQLite in the data folder, one replica.",
        "FILMGATE_DATABASE_URL",
    )
    secret: Annotated[SecretStr, Field(min_length=32)] | None = _variable(
        _SERVER,
        "Signs media addresses, page tokens and webhooks, at least 32 characters, the same for all replicas."
        " Unset: one that is made once and kept in the data folder, or in the Postgres database.",
        "FILMGATE_SECRET",
    )
    lease_seconds: Annotated[int, Field(ge=2, le=600)] = _variable(
        _SERVER,
        "Seconds without a sign of life after which a replica's work goes to the others; with Postgres only.",
        "FILMGATE_LEASE_SECONDS",
        default=30,
    )

    s3_bucket: Bucket | None = _variable(
        _STORE, "Bucket for finished videos. Unset: the embedded store in the data folder.", "S3_BUCKET_NAME"
    )
    s3_prefix: Prefix = _variable(
        _STORE, "First part of every key, in either store.", "S3_VIDEO_PREFIX", default="videos"
    )
    s3_endpoint_url: str | None = _variable(
        _STORE, "Any service that speaks S3. Unset: Amazon's.", "S3_ENDPOINT_URL", example="https://s3.example.com"
    )
    s3_public_endpoint_url: str | None = _variable(
        _STORE,
        "The same service as browsers reach it, for presigned addresses. Unset: S3_ENDPOINT_URL.",
        "S3_PUBLIC_ENDPOINT_URL",
    )
    aws_region: Word = _variable(
        _STORE, "Region of the bucket.", "AWS_REGION", "AWS_DEFAULT_REGION", default="us-east-1"
    )
    aws_access_key_id: Secret | None = _variable(
        _STORE,
        "Access key of the bucket. Unset: the machine's own role.",
        "AWS_ACCESS_KEY_ID",
    )
    aws_secret_access_key: Secret | None = _variable(_STORE, "Its secret.", "AWS_SECRET_ACCESS_KEY")
    aws_session_token: Secret | None = _variable(_STORE, "Its session, for temporary keys.", "AWS_SESSION_TOKEN")

    upstreams: str | None = _variable(
        _VENDORS,
        "Gateways that speak the OpenAI Videos API, each a vendor of its own: `name=https://…/v1,other=https://…/v1`.",
        "FILMGATE_UPSTREAMS",
    )
    upstream_keys: Secret | None = _variable(_VENDORS, "Their keys: `name=key,other=key`.", "FILMGATE_UPSTREAM_KEYS")
    google_cloud_project: Word | None = _variable(
        _VENDORS, "The project that pays for Veo on Vertex.", "GOOGLE_CLOUD_PROJECT"
    )
    google_cloud_location: Word = _variable(
        _VENDORS, "The region of Veo on Vertex.", "GOOGLE_CLOUD_LOCATION", default="us-central1"
    )
    google_application_credentials: Path | None = _variable(
        _VENDORS,
        "File of the service account for Vertex. Unset, with a project: the machine's own account.",
        "GOOGLE_APPLICATION_CREDENTIALS",
    )
    catalogue: Path | None = _variable(
        _VENDORS,
        "A TOML file with this server's own prices, limits and switched-off models.",
        "FILMGATE_CATALOGUE",
    )

    mock: MockMode = _variable(
        _MOCKS,
        "`auto` plays vendors that have no key, `always` plays all, `never` plays none: a model without a key is then"
        " unavailable, and the server refuses to start without S3.",
        "FILMGATE_MOCK",
        default=MockMode.AUTO,
    )
    emulator_url: str | None = _variable(
        _MOCKS,
        "A shared `filmgate emulate` that plays the vendors. Unset: one inside the server; with Postgres, none.",
        "FILMGATE_EMULATOR_URL",
        example="http://127.0.0.1:8090",
    )
    emulator_speed: Annotated[float, Field(gt=0, le=100_000)] = _variable(
        _MOCKS,
        "How much faster than a real vendor the emulator inside the server is.",
        "FILMGATE_EMULATOR_SPEED",
        default=20.0,
    )

    default_model: Word = _variable(
        _WORK,
        "What a request without a model means: an id, an alias, or `auto`.",
        "FILMGATE_DEFAULT_MODEL",
        default="auto",
    )
    clip_attempts: Annotated[int, Field(ge=1, le=10)] = _variable(
        _WORK, "Tries of one clip while its vendor refuses it.", "FILMGATE_CLIP_ATTEMPTS", default=3
    )
    tenant_clips: Annotated[int, Field(ge=1, le=100_000)] = _variable(
        _WORK, "Clips of one tenant at a time.", "FILMGATE_TENANT_CLIPS", default=5
    )
    worker_clips: Annotated[int, Field(ge=1, le=100_000)] = _variable(
        _WORK, "Clips of one process at a time.", "FILMGATE_WORKER_CLIPS", default=10_000
    )
    resolution_ttl: Annotated[int, Field(ge=1, le=30 * 86_400)] = _variable(
        _WORK,
        "Seconds a parked clip waits for news before it is given up.",
        "FILMGATE_RESOLUTION_TTL",
        default=86_400,
    )
    lookup_settle: Annotated[int, Field(ge=1, le=3_600)] = _variable(
        _WORK,
        "Seconds after a lost submit from which a vendor's list that does not show it proves that it never arrived.",
        "FILMGATE_LOOKUP_SETTLE",
        default=60,
    )
    url_ttl: Annotated[int, Field(ge=1, le=7 * 86_400)] = _variable(
        _WORK, "Seconds a presigned address works.", "FILMGATE_URL_TTL", default=3600
    )

    log_level: LogLevel = _variable(
        _FAULTS, "`debug`, `info`, `warning` or `error`.", "FILMGATE_LOG_LEVEL", default=LogLevel.INFO
    )
    log_format: LogFormat = _variable(
        _FAULTS,
        "`json`, `console`, or `auto`: console on a terminal.",
        "FILMGATE_LOG_FORMAT",
        default=LogFormat.AUTO,
    )
    crashpoint: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(:[1-9][0-9]{0,5})?$")] | None = _variable(
        _FAULTS,
        "Kills the server at a named point (`name`, or `name:3` for the third passage). For the crash rig.",
        "FILMGATE_CRASHPOINT",
    )

    stability_api_key: Secret | None = _variable(
        _LATER,
        "Stability: its video API is gone; `filmgate doctor` says what takes its place.",
        "STABILITY_API_KEY",
    )
    hf_token: Secret | None = _variable(_LATER, "Hugging Face.", "HF_TOKEN")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: it knows equal names, `_FILE` variants, and texts without values."""
        return (init_settings,)

    @field_validator("public_url", "s3_endpoint_url", "s3_public_endpoint_url", "emulator_url")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        return None if value is None else checked_address(value, private_http=True)

    @field_validator("database_url")
    @classmethod
    def _postgres_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            postgres_url(value.get_secret_value())
        return value

    @field_validator("upstreams")
    @classmethod
    def _upstream_addresses(cls, value: str | None) -> str | None:
        return None if value is None else _named_addresses(value)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = list(_contradictions(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def url_lifetime(self) -> timedelta:
        """How long a presigned address works."""
        return timedelta(seconds=self.url_ttl)

    def secrets(self) -> dict[str, str]:
        """Every secret that is set, by the name of its field: for redaction, never for showing."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields)
        whole = {name: value.get_secret_value() for name, value in found if isinstance(value, SecretStr)}
        parts = {
            f"{name}[{place}]": part.rpartition("=")[2]
            for name, value in whole.items()
            for place, part in enumerate(value.split(","))
            if "," in value or name == "upstream_keys"
        }
        password = postgres_url(whole["database_url"]).password if "database_url" in whole else None
        return whole | parts | ({"database_url[password]": str(password)} if password else {})


def _vendor_fields() -> dict[str, Any]:
    """A key and an address for every vendor that has rows to sell, from what its adapter declares."""
    fields: dict[str, Any] = {}
    for provider in PROVIDERS:
        others = provider.credential_variables[1:]
        equals = f" {' and '.join(others)}: an equal name." if others else ""
        about = f"{provider.title}.{equals} Several keys, with commas between them, share the work."
        keys = tuple(each for each in provider.credential_variables if each not in _TAKEN)
        if keys:
            fields[key_field(provider)] = (Secret | None, _variable(_VENDORS, about, *keys))
        fields[url_field(provider)] = (str | None, _address_variable(provider))
    return fields


def _vendor_validators() -> dict[str, Any]:
    """The rules for the addresses among these fields."""
    placed = [url_field(provider) for provider in PROVIDERS if has_places(provider)]
    plain = [url_field(provider) for provider in PROVIDERS if not has_places(provider)]
    return {
        "_placed_addresses": field_validator(*placed)(lambda value: value and _named_addresses(value)),
        "_plain_addresses": field_validator(*plain)(lambda value: value and checked_address(value, private_http=False)),
    }


def has_places(provider: type[BaseVideoProvider]) -> bool:
    """Whether each model of the vendor is served at an address of its own."""
    return provider.place is not BaseVideoProvider.place


def key_field(provider: type[BaseVideoProvider] | BaseVideoProvider) -> str:
    """The name of the setting that holds a vendor's keys."""
    return f"{provider.name.replace('-', '_')}_key"


def url_field(provider: type[BaseVideoProvider] | BaseVideoProvider) -> str:
    """The name of the setting that holds a vendor's address."""
    return f"{provider.name.replace('-', '_')}_base_url"


def _address_variable(provider: type[BaseVideoProvider]) -> Any:
    name = f"{provider.name.replace('-', '_').upper()}_BASE_URL"
    if has_places(provider):
        about = f"Where each {provider.title} model is served: `model=https://…,other=http://…`."
    elif provider.base_url:
        about = f"Another address of {provider.title}'s API: https, or http on loopback only."
    else:
        about = f"The address of {provider.title}: https, or http on a private network."
    return _variable(_VENDORS, about, name, *provider.base_url_variables)


if TYPE_CHECKING:
    Settings = _Settings
else:
    Settings = create_model("Settings", __base__=_Settings, __validators__=_vendor_validators(), **_vendor_fields())


def environment(env_file: Path | None = None) -> dict[str, str]:
    """The variables of this process, those of an env file below them. Raises SettingsError for a missing file."""
    if env_file is None:
        return dict(os.environ)
    if not env_file.is_file():
        raise SettingsError([f"{env_file}: no such file"])
    written = DotEnvSettingsSource(Settings, env_file, "utf-8", case_sensitive=True).env_vars
    return {name: value for name, value in written.items() if value is not None} | dict(os.environ)


def for_child() -> dict[str, str]:
    """This process's variables without any setting of ours: for a child that is told everything on its command line."""
    known = {name for info in Settings.model_fields.values() for name in names_of(info)}
    known |= {name + _FILE for name in known}
    return {name: value for name, value in os.environ.items() if name not in known and not name.startswith(_PREFIX)}


def quiet_grpc() -> None:
    """Tell the C-core, before it is imported, that we fork only to exec: it would warn at each media worker."""
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


def load(variables: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """The settings of an environment (default: this process's), `overrides` by field name on top.

    Raises SettingsError with every fault at once; no text of it holds a value.
    """
    variables = environment() if variables is None else variables
    faults = list(_unknown(variables))
    values = _collect(variables, faults)
    values.update({name: value for name, value in overrides.items() if value is not None})
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults += [_fault(problem["loc"], problem["msg"]) for problem in error.errors(include_input=False)]
    if faults:
        raise SettingsError(faults)
    return settings


def keys_of(settings: Settings, provider: BaseVideoProvider) -> tuple[str, ...]:
    """A vendor's keys, in the order in which they were given; empty when there is none."""
    if provider.name in named(settings.upstreams or ""):
        given = settings.upstream_keys.get_secret_value() if settings.upstream_keys else ""
        return tuple(key for name, key in named(given).items() if name == provider.name)
    value = getattr(settings, key_field(provider), None)
    text = value.get_secret_value() if isinstance(value, SecretStr) else ""
    return tuple(dict.fromkeys(key.strip() for key in text.split(",") if key.strip()))


def address_of(settings: Settings, provider: BaseVideoProvider) -> str | None:
    """The address the operator gave for a vendor."""
    address: str | None = getattr(settings, url_field(provider), None)
    return named(settings.upstreams or "").get(provider.name, address)


def named(text: str) -> dict[str, str]:
    """`name=value,other=value` as a mapping. Raises ValueError; its text quotes no value."""
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not _NAME.fullmatch(name.strip()) or not value.strip():
            raise ValueError(
                "is written name=value, with commas between; a name has lower-case letters, digits, - and ."
            )
        if name.strip() in found:
            raise ValueError(f"{name.strip()} is named twice")
        found[name.strip()] = value.strip()
    return found


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.api_key is None and not is_loopback(settings.host):
        yield "FILMGATE_HOST: an address that is not loopback needs FILMGATE_API_KEY"
    if settings.mock is MockMode.NEVER and settings.s3_bucket is None:
        yield "S3_BUCKET_NAME: required with FILMGATE_MOCK=never"
    if (settings.aws_access_key_id is None) != (settings.aws_secret_access_key is None):
        yield "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both or neither"
    if settings.aws_session_token is not None and settings.aws_access_key_id is None:
        yield "AWS_SESSION_TOKEN: goes with AWS_ACCESS_KEY_ID"
    yield from prompt_settings.contradictions(settings)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _collect(environment: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, info in Settings.model_fields.items():
        found = dict(_spoken(info, environment, faults))
        if len(set(found.values())) > 1:
            faults.append(f"{' and '.join(found)}: two names of one setting with different values")
        elif found:
            values[field] = next(iter(found.values()))
    return values


def _spoken(info: FieldInfo, environment: Mapping[str, str], faults: list[str]) -> Iterator[tuple[str, str]]:
    """Each variable that says something about a setting, with what it says."""
    for name in names_of(info):
        if name in environment:
            if environment[name].strip():
                yield name, environment[name].strip()
            elif _is_secret(info):
                faults.append(f"{name}: an empty secret is refused; leave the variable out instead")
        path = environment.get(name + _FILE, "") if _is_secret(info) else ""
        if path:
            try:
                yield name + _FILE, _read(Path(path))
            except ValueError as error:
                faults.append(f"{name + _FILE}: {error}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_SECRET_FILE + 1)
        text = content.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read ({type(error).__name__})") from None
    if not text or len(content) > _LONGEST_SECRET_FILE:
        raise ValueError("the file is empty or too large for a secret")
    return text


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = {name for info in Settings.model_fields.values() for name in names_of(info)}
    known |= {name + _FILE for info in Settings.model_fields.values() if _is_secret(info) for name in names_of(info)}
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known | _FOR_OTHERS:
            close = difflib.get_close_matches(name, known, n=1)
            yield f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _named_addresses(value: str) -> str:
    for address in named(value).values():
        checked_address(address, private_http=True)
    return value


def _fault(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not location:
        return text
    info = Settings.model_fields.get(str(location[0]))
    return f"{str(location[0]) if info is None else ' or '.join(names_of(info))}: {text}"


def extra(info: FieldInfo) -> dict[str, Any]:
    """What a setting is documented with."""
    assert isinstance(info.json_schema_extra, dict)
    return info.json_schema_extra


def names_of(info: FieldInfo) -> tuple[str, ...]:
    """A setting's variables, the documented one first."""
    return tuple(extra(info)["names"])


def _is_secret(info: FieldInfo) -> bool:
    return "SecretStr" in str(info.annotation)
