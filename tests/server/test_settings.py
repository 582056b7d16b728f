"""What the settings take, refuse and never say."""

import base64
from pathlib import Path

import pytest

from server import settings, settings_text
from server.settings import MockMode, Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "planted-value-9f3a"
NUMBERS = [
    "FILMGATE_GRPC_PORT",
    "FILMGATE_HTTP_PORT",
    "FILMGATE_CLIP_ATTEMPTS",
    "FILMGATE_TENANT_CLIPS",
    "FILMGATE_WORKER_CLIPS",
    "FILMGATE_RESOLUTION_TTL",
    "FILMGATE_URL_TTL",
    "FILMGATE_LEASE_SECONDS",
    "FILMGATE_EMULATOR_SPEED",
]
SECRETS = [
    "FILMGATE_API_KEY",
    "FILMGATE_WEBHOOK_SECRET",
    "FILMGATE_DATABASE_URL",
    "FILMGATE_SECRET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "RUNWAY_API_KEY",
    "RUNWAYML_API_SECRET",
    "REPLICATE_API_TOKEN",
    "PIKA_API_KEY",
    "FAL_KEY",
    "STABILITY_API_KEY",
    "LUMA_API_KEY",
    "LUMA_AGENTS_API_KEY",
    "LUMA_AGENTS_API_KEY",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "OPENAI_API_KEY",
    "HF_TOKEN",
    "FILMGATE_LLM_API_KEY",
]
FITTING = {
    "FILMGATE_DATABASE_URL": f"postgresql://u:{PLANTED}@h/d",
    "FILMGATE_SECRET": f"{PLANTED} and long enough for a secret of its kind",
}
"""Secrets that are more than any text."""
ADDRESSES = [
    "FILMGATE_PUBLIC_URL",
    "FILMGATE_EMULATOR_URL",
    "S3_ENDPOINT_URL",
    "S3_PUBLIC_ENDPOINT_URL",
    "RUNWAY_BASE_URL",
    "REPLICATE_BASE_URL",
]
WORDS = ["FILMGATE_MOCK", "FILMGATE_LOG_LEVEL", "FILMGATE_LOG_FORMAT"]
PATTERNS = ["S3_BUCKET_NAME", "S3_VIDEO_PREFIX", "AWS_REGION", "FILMGATE_DEFAULT_MODEL", "FILMGATE_CRASHPOINT"]


def faults(**variables: str) -> tuple[str, ...]:
    """Why the settings refuse these variables."""
    with pytest.raises(SettingsError) as caught:
        settings.load(variables)
    return caught.value.faults


def test_defaults_serve_loopback_with_mocks_and_the_embedded_store() -> None:
    chosen = settings.load({})
    assert (chosen.host, chosen.grpc_port, chosen.http_port) == ("127.0.0.1", 50051, 8080)
    assert (chosen.mock, chosen.s3_bucket, chosen.s3_prefix, chosen.aws_region) == ("auto", None, "videos", "us-east-1")
    assert chosen.secrets() == {}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [PLANTED, "-1", "99999999999", "nan"])
def test_a_number_out_of_range_names_its_variable_and_not_its_value(name: str, value: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(name)
    assert value not in fault


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_secret_is_refused(name: str, value: str) -> None:
    assert any(fault.startswith(f"{name}: an empty secret") for fault in faults(**{name: value}))


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "value", [f"ftp://{PLANTED}", f"https://user:{PLANTED}@x.example", "http://169.254.169.254", f"https://{PLANTED} x"]
)
def test_a_bad_address_is_refused_without_being_quoted(name: str, value: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(name)
    assert PLANTED not in fault


@pytest.mark.parametrize("name", [*WORDS, *PATTERNS])
def test_a_word_that_is_none_is_refused_without_being_quoted(name: str) -> None:
    value = f"{PLANTED} !"
    (fault,) = faults(**{name: value})
    assert fault.startswith(name)
    assert PLANTED not in fault


@pytest.mark.parametrize("name", ["RUNWAY_BASE_URL", "REPLICATE_BASE_URL"])
def test_a_vendors_address_may_be_plain_http_on_loopback_only(name: str) -> None:
    assert faults(**{name: "http://10.0.0.5:9000"})
    assert settings.load({name: "http://127.0.0.1:9000"})


@pytest.mark.parametrize(
    ("names", "field"),
    [
        (("RUNWAY_API_KEY", "RUNWAYML_API_SECRET"), "runway_key"),
        (("PIKA_API_KEY", "FAL_KEY"), "fal_key"),
        (("LUMA_API_KEY", "LUMA_AGENTS_API_KEY"), "luma_key"),
        (("GOOGLE_API_KEY", "GEMINI_API_KEY"), "google_key"),
    ],
)
def test_two_names_of_one_setting_are_equals(names: tuple[str, str], field: str) -> None:
    for name in names:
        assert settings.load({name: PLANTED}).secrets() == {field: PLANTED}
    assert settings.load(dict.fromkeys(names, PLANTED)).secrets() == {field: PLANTED}
    (fault,) = faults(**{names[0]: PLANTED, names[1]: "another-value"})
    assert names[0] in fault
    assert names[1] in fault
    assert PLANTED not in fault
    assert "another-value" not in fault


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "FILMGATE_WEBHOOK_SECRET"])
def test_every_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{FITTING.get(name, PLANTED)}\n")
    more = {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"} if name.startswith("AWS") else {}
    more.pop(name, None)
    found = settings.load({f"{name}_FILE": str(file), **more}).secrets().values()
    assert FITTING.get(name, PLANTED) in found


def test_a_secret_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert faults(RUNWAY_API_KEY_FILE=str(tmp_path / PLANTED))[0].startswith("RUNWAY_API_KEY_FILE: the file cannot")
    assert faults(RUNWAY_API_KEY_FILE=str(empty)) == (
        "RUNWAY_API_KEY_FILE: the file is empty or too large for a secret",
    )


@pytest.mark.parametrize(
    ("typed", "meant"), [("FILMGATE_MOCC", "FILMGATE_MOCK"), ("FILMGATE_GRPC_PRT", "FILMGATE_GRPC_PORT")]
)
def test_an_unknown_variable_is_refused_with_a_suggestion(typed: str, meant: str) -> None:
    assert faults(**{typed: PLANTED}) == (f"{typed}: no such setting; did you mean {meant}?",)


def test_variables_of_the_client_and_of_others_are_not_ours() -> None:
    assert settings.load({"FILMGATE_TARGET": "127.0.0.1:1", "FILMGATE_TENANT": "acme", "PATH": "/bin", "S3_OTHER": "x"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])  # noqa: S104 - refused
def test_an_address_beyond_loopback_needs_a_key(host: str) -> None:
    assert faults(FILMGATE_HOST=host) == ("FILMGATE_HOST: an address that is not loopback needs FILMGATE_API_KEY",)
    assert settings.load({"FILMGATE_HOST": host, "FILMGATE_API_KEY": "k" * 16})


def test_never_mocking_needs_a_bucket() -> None:
    assert faults(FILMGATE_MOCK="never") == ("S3_BUCKET_NAME: required with FILMGATE_MOCK=never",)
    assert settings.load({"FILMGATE_MOCK": "never", "S3_BUCKET_NAME": "films"}).mock is MockMode.NEVER


def test_half_a_credential_is_refused() -> None:
    assert "both or neither" in faults(AWS_ACCESS_KEY_ID="a")[0]
    assert "goes with" in faults(AWS_SESSION_TOKEN="t")[0]


@pytest.mark.parametrize("value", ["whsec_short", "abc", "whsec_" + "!" * 40])
def test_a_signing_secret_must_be_one(value: str) -> None:
    assert value not in faults(FILMGATE_WEBHOOK_SECRET=value)[0]
    good = "whsec_" + base64.b64encode(bytes(24)).decode()
    assert settings.load({"FILMGATE_WEBHOOK_SECRET": good})


def test_every_fault_is_told_at_once() -> None:
    found = faults(FILMGATE_MOCC="x", FILMGATE_GRPC_PORT="x", RUNWAY_API_KEY="", FILMGATE_MOCK="x")
    assert len(found) == 4


def test_no_view_of_the_settings_shows_a_secret() -> None:
    given = [name for name in SECRETS if name not in ("FILMGATE_WEBHOOK_SECRET", "FAL_KEY")]
    chosen = settings.load({name: FITTING.get(name, PLANTED) for name in given})
    views = [repr(chosen), str(chosen), chosen.model_dump_json(), str(chosen.model_dump())]
    assert [view for view in views if PLANTED in view] == []
    assert set(chosen.secrets().values()) == {PLANTED, *FITTING.values()}


def test_settings_are_frozen_and_know_no_other_field() -> None:
    chosen = settings.load({})
    with pytest.raises(ValueError, match="frozen"):
        chosen.host = "0.0.0.0"  # noqa: S104 - refused
    with pytest.raises(SettingsError, match="surprise"):
        settings.load({}, surprise=1)


def test_an_env_file_lies_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.env"
    file.write_text("FILMGATE_GRPC_PORT=1000\nFILMGATE_HTTP_PORT=1001\n")
    monkeypatch.setenv("FILMGATE_HTTP_PORT", "2001")
    chosen = settings.load(settings.environment(file))
    assert (chosen.grpc_port, chosen.http_port) == (1000, 2001)
    with pytest.raises(SettingsError):
        settings.environment(tmp_path / "missing")


def test_a_child_gets_none_of_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWAY_API_KEY", PLANTED)
    monkeypatch.setenv("FILMGATE_ANYTHING", PLANTED)
    assert PLANTED not in settings.for_child().values()


def test_the_example_is_what_the_class_says() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == settings_text.env_example()


def test_the_example_can_be_read_as_it_is() -> None:
    lines = [line.removeprefix("# ") for line in settings_text.env_example().splitlines()]
    written = dict(line.split("=", 1) for line in lines if line.partition("=")[0].isupper() and "=" in line)
    kept = {name: value for name, value in written.items() if value}
    assert settings.load(kept)
    assert len(written) == len(Settings.model_fields)


def test_the_documentation_names_every_variable() -> None:
    text = settings_text.documentation()
    assert [name for name in [*NUMBERS, *SECRETS, *ADDRESSES, *WORDS, *PATTERNS] if f"`{name}`" not in text] == []
