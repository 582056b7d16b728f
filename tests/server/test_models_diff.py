"""`filmgate models diff`, against the emulator's own account of what Replicate's models take."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emulators.server import EmulatorServer
from emulators.world import Options
from server.cli import app

KEY = "key_of_the_operator"


async def _run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    emulators = EmulatorServer(options=Options(require_key=KEY))
    url = await emulators.start(data_dir=tmp_path)
    try:
        command = ("models", "diff", *arguments, f"--base-url={url}/replicate")
        result = await asyncio.to_thread(CliRunner().invoke, app, command, env={"REPLICATE_API_TOKEN": KEY})
    finally:
        await emulators.stop()
    return result.exit_code, result.output


async def test_every_row_is_as_the_emulator_describes_its_model(tmp_path: Path) -> None:
    status, text = await _run(tmp_path)
    assert (status, text.endswith(" models, 0 differ\n")) == (0, True), text


async def test_one_row(tmp_path: Path) -> None:
    assert await _run(tmp_path, "replicate/minimax-video-01") == (0, "1 models, 0 differ\n")


@pytest.mark.parametrize("name", ["runway/gen4.5", "replicate/nothing"])
def test_a_model_that_replicate_does_not_have_is_refused(name: str) -> None:
    result = CliRunner().invoke(app, ["models", "diff", name], env={"REPLICATE_API_TOKEN": KEY})
    assert (result.exit_code, name in result.output) == (2, True)


def test_without_a_key_its_variable_is_named() -> None:
    result = CliRunner().invoke(app, ["models", "diff"], env={})
    assert (result.exit_code, "REPLICATE_API_TOKEN" in result.output) == (2, True)
