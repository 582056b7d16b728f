"""The operator's commands, run as commands."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emulators.server import EmulatorServer
from emulators.world import Options
from server.cli import app

RUNNER = CliRunner()
OURS = {"serve", "emulate", "demo", "doctor", "verify", "ledger"}
THE_CLIENTS = {"generate", "watch", "models", "jobs", "videos", "resolve"}


def run(*arguments: str, **variables: str) -> tuple[int, str]:
    """The exit status and all output of a command."""
    result = RUNNER.invoke(app, arguments, env=dict(variables))
    return result.exit_code, result.output


def test_help_names_every_command() -> None:
    status, text = run("--help")
    assert status == 0
    assert [name for name in OURS | THE_CLIENTS if f" {name} " not in text] == []


def test_serving_needs_none_of_the_clients_imports() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from server.cli import app;"
        "CliRunner().invoke(app, ['serve', '--help']); print('grpc' in sys.modules or 'clients' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_bad_settings_are_all_told_without_their_values(tmp_path: Path) -> None:
    status, text = run(
        "serve", f"--data-dir={tmp_path}", FILMGATE_GRPC_PORT="planted", FILMGATE_MOCC="planted", RUNWAY_API_KEY=""
    )
    assert status == 2
    assert all(name in text for name in ("FILMGATE_GRPC_PORT", "FILMGATE_MOCK", "RUNWAY_API_KEY"))
    assert "planted" not in text


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"FILMGATE_DATABASE_URL": "mysql://u:planted@h/d"}, "FILMGATE_DATABASE_URL"),
        ({"FILMGATE_CRASHPOINT": "no-such-point"}, "FILMGATE_CRASHPOINT"),
    ],
)
def test_what_only_the_start_can_know_is_told_as_well(tmp_path: Path, variables: dict[str, str], told: str) -> None:
    status, text = run("serve", f"--data-dir={tmp_path}", "--grpc-port=0", "--http-port=0", **variables)
    assert status == 2
    assert told in text
    assert "planted" not in text


def test_doctor_looks_at_everything(tmp_path: Path) -> None:
    variables = {"FILMGATE_GRPC_PORT": "0", "FILMGATE_HTTP_PORT": "0", "RUNWAY_API_KEY": "key_planted_planted"}
    status, text = run("doctor", f"--data-dir={tmp_path}", **variables)
    assert status == 0, text
    assert "h264" in text
    assert "live" in text
    assert "fixed rules" in text
    assert "REPLICATE_API_TOKEN" in text.replace("\n", "")
    assert "planted" not in text


def test_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    status, text = run("doctor", f"--data-dir={blocked}", FILMGATE_GRPC_PORT="0", FILMGATE_HTTP_PORT="0")
    assert status == 1
    assert "wrong" in text


def test_books_that_are_not_there_are_told(tmp_path: Path) -> None:
    assert run("ledger", "verify", f"--data-dir={tmp_path}")[0] == 3


def test_verify_refuses_what_it_may_not_buy() -> None:
    assert run("verify", "nobody")[0] == 2
    assert run("verify", "runway", "--max-cost=lots")[0] == 2
    assert run("verify", "runway", "--model=runway/gen4_turbo")[0] == 2
    status, text = run("verify", "runway", "--yes")
    assert (status, "RUNWAY_API_KEY" in text.replace("\n", "")) == (2, True)


async def test_verify_buys_one_clip_through_the_real_adapter(tmp_path: Path) -> None:
    emulators = EmulatorServer(options=Options(speed=100_000, require_key="key_of_the_operator"))
    url = await emulators.start(data_dir=tmp_path)
    arguments = ("verify", "runway", "--yes", f"--base-url={url}/runway")
    try:
        status, text = await asyncio.to_thread(run, *arguments, RUNWAY_API_KEY="key_of_the_operator")
        assert (status, "as documented" in text) == (0, True), text
        status, text = await asyncio.to_thread(run, *arguments, "--max-cost=0.01", RUNWAY_API_KEY="key_of_the_operator")
        assert (status, "above --max-cost" in text) == (1, True)
    finally:
        await emulators.stop()


def test_the_demo_makes_playable_videos(tmp_path: Path) -> None:
    status, text = run("demo", f"--folder={tmp_path}")
    assert (status, "12 jobs" in text, "0 faults" in text) == (0, True, True), text
    assert len(list(tmp_path.glob("*.mp4"))) == 13
    assert (tmp_path / "contact-sheet.png").stat().st_size > 10_000
