"""Both compose files obey the Compose specification, and the production one the rules we promise."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from providers.catalogue import ADAPTERS
from server import settings
from server.app import Application
from tests.postgres import Postgres

COMPOSE_FILES = ("docker-compose.dev.yaml", "docker-compose.prod.yaml")
IMAGE_VARIABLE = re.compile(r"(FILMGATE_\w+)=(\S+)")
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]*\}")
DEFAULTED = re.compile(r"\$\{\w+:-([^}]*)\}")
DATABASE_URL = "postgresql://filmgate:a-password@postgres/filmgate"
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL")


def loaded(root: Path, name: str) -> dict[str, Any]:
    """One compose file as data."""
    found: dict[str, Any] = yaml.safe_load((root / name).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The Compose specification's own JSON schema, as check-jsonschema ships it."""
    text = (
        files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json").read_text(encoding="utf-8")
    )
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_file_obeys_the_specification(root: Path, schema: dict[str, Any], name: str) -> None:
    jsonschema.Draft202012Validator(schema).validate(loaded(root, name))


def test_the_schema_refuses_a_misspelt_key(root: Path, schema: dict[str, Any]) -> None:
    broken = loaded(root, COMPOSE_FILES[0])
    broken["services"]["filmgate"]["enviroment"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(broken)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_filmgate_needs_no_privilege_and_publishes_on_loopback(root: Path, name: str) -> None:
    services = loaded(root, name)["services"]
    filmgate = services["filmgate"]
    assert filmgate["read_only"] is True
    assert filmgate["cap_drop"] == ["ALL"]
    assert filmgate["security_opt"] == ["no-new-privileges:true"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_what_filmgate_depends_on_says_when_it_is_healthy(root: Path, name: str) -> None:
    services = loaded(root, name)["services"]
    for needed, condition in services["filmgate"].get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert services[needed]["healthcheck"]["test"]


def test_postgres_waits_behind_a_profile_in_development_alone(root: Path) -> None:
    development, production = (loaded(root, name)["services"] for name in COMPOSE_FILES)
    profiles = {name: service["profiles"] for name, service in development.items() if "profiles" in service}
    assert profiles == {"postgres": ["postgres"]}
    assert "postgres" not in development["filmgate"].get("depends_on", {})
    assert "profiles" not in production["postgres"]
    assert "postgres" in production["filmgate"]["depends_on"]


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_the_database_outlives_the_container(root: Path, name: str) -> None:
    compose = loaded(root, name)
    assert compose["services"]["filmgate"]["volumes"] == ["filmgate-data:/data"]
    assert "filmgate-data" in compose["volumes"]


def test_production_mocks_nothing_and_has_a_port_for_each_replica(root: Path) -> None:
    filmgate = loaded(root, "docker-compose.prod.yaml")["services"]["filmgate"]
    assert filmgate["environment"]["FILMGATE_MOCK"] == "never"
    for port in filmgate["ports"]:
        first, last = map(int, port.split(":")[1].split("-"))
        assert last - first + 1 == filmgate["deploy"]["replicas"] == 2


def test_production_reads_every_secret_from_a_file(root: Path) -> None:
    compose = loaded(root, "docker-compose.prod.yaml")
    for service in compose["services"].values():
        mounted = {f"/run/secrets/{name}" for name in service.get("secrets", [])}
        secret = {name: value for name, value in service["environment"].items() if SECRET.search(name)}
        assert {name: value for name, value in secret.items() if not name.endswith("_FILE")} == {}
        assert set(secret.values()) == mounted
        assert {path.rpartition("/")[2] for path in mounted} <= set(compose["secrets"])


def test_seaweedfs_is_given_the_keys_that_filmgate_uses(root: Path) -> None:
    services = loaded(root, "docker-compose.dev.yaml")["services"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert services["seaweedfs"]["environment"][name] == services["filmgate"]["environment"][name] != ""
    assert services["seaweedfs"]["environment"]["S3_BUCKET"] == services["filmgate"]["environment"]["S3_BUCKET_NAME"]


def container_environment(root: Path, name: str, secrets: Path, given: dict[str, str]) -> dict[str, str]:
    """What the process in the container is told: the image's variables, and the file's with `given` filled in."""
    image = dict(IMAGE_VARIABLE.findall((root / "Dockerfile").read_text(encoding="utf-8")))
    service = loaded(root, name)["services"]["filmgate"]["environment"]
    written = {key: value for key, value in service.items() if value is not None}
    filled = {key: REQUIRED.sub(lambda found: given[found[1]], value) for key, value in written.items()}
    filled = {key: DEFAULTED.sub(r"\1", value) for key, value in filled.items()}
    return image | {key: value.replace("/run/secrets", str(secrets)) for key, value in filled.items()}


def environment(root: Path, name: str, secrets: Path) -> dict[str, str]:
    """`container_environment` of an installation whose secrets and required variables are all there."""
    for secret in loaded(root, name).get("secrets", {}):
        text = DATABASE_URL if secret == "database_url" else f"a-secret-of-{secret}"
        (secrets / secret).write_text(text, encoding="utf-8")
    given = {"FILMGATE_PUBLIC_URL": "https://filmgate.example.com", "S3_BUCKET_NAME": "clips"}
    return container_environment(root, name, secrets, given)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_no_variable_is_passed_on_empty(root: Path, tmp_path: Path, name: str) -> None:
    assert [key for key, value in environment(root, name, tmp_path).items() if not value] == []


def test_the_server_accepts_what_the_development_file_tells_it(root: Path, tmp_path: Path) -> None:
    found = settings.load(environment(root, "docker-compose.dev.yaml", tmp_path))
    assert (found.host, found.data_dir, found.mock) == ("0.0.0.0", Path("/data"), "auto")  # noqa: S104 - in a container
    assert found.s3_bucket == "filmgate"


def test_the_server_accepts_what_the_production_file_tells_it(root: Path, tmp_path: Path) -> None:
    found = settings.load(environment(root, "docker-compose.prod.yaml", tmp_path))
    assert (found.mock, found.s3_bucket, found.s3_prefix) == ("never", "clips", "videos")
    assert settings.keys_of(found, ADAPTERS["runway"]) == ("a-secret-of-runwayml_api_secret",)


@pytest.mark.parametrize("name", COMPOSE_FILES)
async def test_the_server_starts_on_it_but_for_the_bucket(
    root: Path, tmp_path: Path, name: str, postgres: Postgres
) -> None:
    ours = {"FILMGATE_DATA_DIR": str(tmp_path / "data"), "FILMGATE_HOST": "127.0.0.1", "FILMGATE_MOCK": "auto"}
    told = environment(root, name, tmp_path) | ours
    told = {key: value for key, value in told.items() if not key.startswith(("S3_", "AWS_"))}
    with postgres.database() as database:
        if told.pop("FILMGATE_DATABASE_URL_FILE", None):
            told["FILMGATE_DATABASE_URL"] = postgres.url(database)
        application = Application(settings.load(told, grpc_port=0, http_port=0))
        await application.start()
        try:
            assert application.grpc_port > 0
        finally:
            await application.stop()
