"""The two wheels, installed where nothing of the repository is on the path, run the command line and the server."""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

START_SECONDS = 60


@pytest.fixture(scope="module")
def wheels(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels by the name of their distribution, built from the working tree as the Dockerfile builds them."""
    out = tmp_path_factory.mktemp("wheels")
    for project in (root, root / "clients" / "python"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return {path.name.partition("-")[0]: path for path in out.glob("*.whl")}


def contents(wheel: Path) -> set[str]:
    """Names of the files a wheel installs."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> Message:
    """A wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_service_needs_the_client_of_its_own_version(wheels: dict[str, Path]) -> None:
    service, client = metadata(wheels["filmgate"]), metadata(wheels["filmgate_client"])
    needed = {one.name: one for one in map(Requirement, service.get_all("Requires-Dist", []))}
    assert str(needed["filmgate-client"].specifier) == f"=={client['Version']}"
    assert service["Version"] == client["Version"]


def test_no_file_has_two_owners(wheels: dict[str, Path]) -> None:
    service, client = contents(wheels["filmgate"]), contents(wheels["filmgate_client"])
    assert service & client == set()
    assert {"filmgate/v1/video_service_pb2_grpc.py", "filmgate_client/service_config.json"} <= client
    assert {"server/cli.py", "server/migrations/script.py.mako"} <= service
    assert [name for name in service if name.startswith(("tests/", "bench/", "scripts/", "clients/examples"))] == []


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's `bin`: ours from the wheels, what they need from this environment's packages."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    options = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-compile"]
    found = map(str, wheels.values())
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *options, *found], check=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    # A `.pth` of a `.pth` is not read, so the editable install of this repository stays unseen.
    (Path(paths["purelib"]) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin"


def variables(folder: Path) -> dict[str, str]:
    """An environment that names nothing of ours."""
    return {"PATH": os.defpath, "HOME": str(folder)}


def told(command: list[str], folder: Path) -> str:
    """What a command prints, run elsewhere."""
    done = subprocess.run(command, cwd=folder, env=variables(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheels_stand_alone(installed: Path, tmp_path: Path) -> None:
    script = (
        "import filmgate.v1.job_pb2 as a, filmgate_client as b, server as c; print(a.__file__, b.__file__, c.__file__)"
    )
    for file in told([str(installed / "python"), "-c", script], tmp_path).split():
        assert installed.parent in Path(file).parents
    shown = told([str(installed / "filmgate"), "--help"], tmp_path)
    assert {"serve", "demo", "emulate", "generate", "watch", "models", "jobs", "ledger", "verify", "doctor"} <= set(
        shown.split()
    )


def test_the_server_serves_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "filmgate"), "serve", "--grpc-port=0", "--http-port=0", "--mock=always"]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=variables(tmp_path), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert server.stdout is not None
        ready = server.stdout.readline()
        assert ready.startswith("filmgate ready grpc="), (tmp_path / "server.log").read_text(encoding="utf-8")
        target = ready.split("grpc=")[1].split()[0]
        request = [str(installed / "filmgate"), "models", "--json", f"--target={target}"]
        assert "runway/gen4.5" in told(request, tmp_path)
        server.send_signal(signal.SIGTERM)
        assert server.wait(START_SECONDS) == 0
    finally:
        server.kill()
        server.communicate()
